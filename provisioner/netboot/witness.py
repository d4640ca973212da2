"""What other DHCP servers of a segment answer: one that names another boot file may win, and nobody knows.

A server on this machine, such as libvirt's dnsmasq, is seen as well: the kernel shows what leaves, too.
"""

import asyncio
import logging
import socket
from typing import Final

from provisioner.boot.client import Local
from provisioner.core.install import Kind
from provisioner.netboot import bpf, packet
from provisioner.netboot.told import Told

_log = logging.getLogger(__name__)
_ETH_ALL, _ETH_IP = 3, 0x0800
"""A socket of one protocol is not shown what leaves."""
_AT_ONCE: Final = 32
_UDP_HEADER: Final = 8
# IPv4, UDP from port 67, not a later fragment; offsets count from the IPv4 header.
_FILTER: Final = (
    (0x28, 0, 0, 0xFFFFF000),  # ldh the Ethernet type
    (0x15, 0, 8, _ETH_IP),  # jeq
    (0x30, 0, 0, 9),  # ldb [9], the protocol
    (0x15, 0, 6, 17),  # jeq UDP
    (0x28, 0, 0, 6),  # ldh [6], flags and fragment offset
    (0x45, 4, 0, 0x1FFF),  # jset
    (0xB1, 0, 0, 0),  # ldxb 4*([0]&0xf), the header's length
    (0x48, 0, 0, 0),  # ldh [x+0], the source port
    (0x15, 0, 1, 67),  # jeq
    (0x06, 0, 0, 2000),  # accept
    (0x06, 0, 0, 0),  # drop
)


class Witness:
    """Listens on one served interface; it sends nothing."""

    def __init__(self, local: Local, told: Told) -> None:
        self._local = local
        self._told = told
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Raises OSError where raw sockets are not allowed or the interface is gone."""
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        try:
            sock.setblocking(False)
            bpf.attach(sock, _FILTER)
            sock.bind((self._local.interface, _ETH_ALL))
        except OSError:
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
                datagram = sock.recv(2000)
            except OSError:
                return
            try:
                self._heard(datagram[(datagram[0] & 0xF) * 4 + _UDP_HEADER :])
            except Exception:
                _log.exception("a DHCP answer on %s could not be read", self._local.interface)

    def _heard(self, data: bytes) -> None:
        reply = packet.reply(data)
        if reply is None or not (rival := rivalry(reply, self._local.address)):
            return
        facts = {"server": reply.answer.server, "file": reply.answer.file, "from": reply.answer.boot_server}
        self._told.tell(Kind.DHCP_RIVAL, "dhcp", rival, mac=reply.mac, data=facts, once=rival)


def rivalry(reply: packet.Reply, ours: str) -> str:
    """What an answer says against ours; "" where it names no boot file, or the one that we give."""
    answer = reply.answer
    server = answer.server or "a server without a name"
    source = answer.boot_server or server
    if answer.file and source != ours:
        return f"{server} answers as well, with {answer.file} from {source}"
    if reply.netboots and server != ours:
        return f"{server} answers netboot questions as well"
    return ""
