"""An ear on every interface: PXE questions on one that we do not serve are told, never answered.

Without it a guest on the wrong bridge looks the same as a guest that is switched off.
"""

import socket
import struct
from collections.abc import Callable
from typing import Any

from provisioner.boot.client import DISCOVER, PROBE, Client, Ignore, Question, identify
from provisioner.netboot import packet
from provisioner.netboot.listener import Listener, opening
from provisioner.netboot.ports import naming

Heard = Callable[[str, Question], None]
"""Called with the interface's name and the question."""

_BROADCAST = "255.255.255.255"
_IP_PKTINFO = 8  # linux/in.h; the socket module has no name for it before 3.14
_IN_PKTINFO = struct.Struct("=iII")


class Ear:
    """Port 67 on all interfaces, listening only. `served` tells which interfaces have their own socket."""

    def __init__(self, served: Callable[[str], bool], heard: Heard) -> None:
        self._served = served
        self._heard = heard
        self._listener: Listener | None = None

    def open(self, port: int) -> None:
        """Raises Unavailable where the port is taken or not allowed."""
        with opening(socket.AF_INET, socket.SOCK_DGRAM) as sock, naming("udp", _BROADCAST, port):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            sock.bind((_BROADCAST, port))
        self._listener = Listener(sock, "a DHCP packet", self._listen, _with_interface)

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

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


def _with_interface(sock: socket.socket) -> tuple[bytes, Any]:
    data, ancillary, _, _ = sock.recvmsg(4096, 64)
    return data, ancillary
