"""An ear on every interface: PXE questions on one that we do not serve are told, never answered.

Without it a guest on the wrong bridge looks the same as a guest that is switched off.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable

from provisioner.boot.client import DISCOVER, PROBE, Client, Ignore, Question, identify
from provisioner.netboot import packet
from provisioner.netboot.ports import naming

Heard = Callable[[str, Question], None]
"""Called with the interface's name and the question."""

_log = logging.getLogger(__name__)
_AT_ONCE = 32
_BROADCAST = "255.255.255.255"
_IP_PKTINFO = 8  # linux/in.h; the socket module has no name for it before 3.14
_IN_PKTINFO = struct.Struct("=iII")


class Ear:
    """Port 67 on all interfaces, listening only. `served` tells which interfaces have their own socket."""

    def __init__(self, served: Callable[[str], bool], heard: Heard) -> None:
        self._served = served
        self._heard = heard
        self._socket: socket.socket | None = None

    def open(self, port: int) -> None:
        """Raises Unavailable where the port is taken or not allowed."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            with naming("udp", _BROADCAST, port):
                sock.setblocking(False)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
                sock.bind((_BROADCAST, port))
        except BaseException:
            sock.close()
            raise
        self._socket = sock
        asyncio.get_running_loop().add_reader(sock, self._readable, sock)

    def close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _readable(self, sock: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, _ = sock.recvmsg(4096, 64)
            except OSError:
                return
            try:
                self._listen(data, ancillary)
            except Exception:
                _log.exception("a DHCP packet could not be read")

    def _listen(self, data: bytes, ancillary: list[tuple[int, int, bytes]]) -> None:
        index = next(_IN_PKTINFO.unpack(value)[0] for _, kind, value in ancillary if kind == _IP_PKTINFO)
        try:
            interface = socket.if_indextoname(index)
        except OSError:
            return  # gone meanwhile
        if self._served(interface):
            return
        question = packet.decode(data, 67)
        if isinstance(question, Ignore) or question.message != DISCOVER:
            return
        if question.user_class != PROBE and isinstance(identify(question), Client):
            self._heard(interface, question)
