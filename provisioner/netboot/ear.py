"""An ear on every interface: PXE questions on one that we do not serve are told, never answered.

Without it a guest on the wrong bridge looks the same as a guest that is switched off.
"""

import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from provisioner.boot.client import DISCOVER, PROBE, Client, Ignore, Question, identify
from provisioner.boot.quiet import Bucket
from provisioner.netboot import bpf, packet
from provisioner.netboot.listener import Listener, opening
from provisioner.netboot.ports import naming

Heard = Callable[[str, Question], None]
"""Called with the interface's name and the question."""

_BROADCAST = "255.255.255.255"
_IP_PKTINFO = 8  # linux/in.h; the socket module has no name for it before 3.14
_IN_PKTINFO = struct.Struct("=iII")
_INTERFACE = 0xFFFFF008  # SKF_AD_OFF + SKF_AD_IFINDEX
_SKIPPED = 250
"""A jump of the filter leads over no more."""


class Ear:
    """Port 67 on all interfaces but the served ones, listening only."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._pace = Bucket(rate=50, burst=100)
        self._served: Mapping[int, str] = {}
        self._listener: Listener | None = None

    def leave_out(self, served: Mapping[int, str]) -> None:
        """Interfaces, by index, that have sockets of their own: the kernel keeps their packets from us."""
        if served == self._served:
            return
        self._served = served
        if self._listener is not None:
            bpf.attach(self._listener.socket, _all_but(list(served)[:_SKIPPED]))

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
        if index in self._served or not self._pace.take("all", time.monotonic()):
            return
        try:
            interface = socket.if_indextoname(index)
        except OSError:
            return  # gone meanwhile
        question = packet.decode(data, 67)
        if isinstance(question, Ignore) or question.message != DISCOVER:
            return
        if question.user_class != PROBE and isinstance(identify(question), Client):
            self._heard(interface, question)


def _with_interface(sock: socket.socket) -> tuple[bytes, Any]:
    data, ancillary, _, _ = sock.recvmsg(4096, 64)
    return data, ancillary


def _all_but(served: Sequence[int]) -> list[bpf.Instruction]:
    jumps = [(0x15, len(served) - at, 0, index) for at, index in enumerate(served)]  # jeq, to the drop
    return [(0x20, 0, 0, _INTERFACE), *jumps, (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
