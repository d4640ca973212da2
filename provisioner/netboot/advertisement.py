"""An empty router advertisement where a segment has no router.

iPXE waits 13 seconds for an answer to its IPv6 router solicitation before it asks for its boot file. An
answer that offers nothing (lifetime 0, no prefix) ends the wait and configures nobody. A segment whose own
router advertises is left alone. Raw frames, because libvirt switches IPv6 off on its bridges.
"""

import asyncio
import logging
import socket
import struct
from typing import Any, Final

from provisioner.netboot import bpf
from provisioner.netboot.interfaces import Interface
from provisioner.netboot.listener import Listener, opening

_log = logging.getLogger(__name__)
_ETH_IPV6: Final = 0x86DD
_ICMPV6: Final = 58
_SOLICITATION: Final = 133
_ADVERTISEMENT: Final = 134
_ALL_NODES: Final = (bytes.fromhex("333300000001"), socket.inet_pton(socket.AF_INET6, "ff02::1"))
_ALL_ROUTERS: Final = (bytes.fromhex("333300000002"), socket.inet_pton(socket.AF_INET6, "ff02::2"))
_UNSPECIFIED: Final = bytes(16)
_ROUTER_MEMORY: Final = 1800.0
_PATIENCE: Final = 0.5
_PACE: Final = 0.1
# Classic BPF: next header is ICMPv6 and its type is one of the two; else drop.
_FILTER: Final = (
    (0x30, 0, 0, 20),  # ldb [20]
    (0x15, 0, 4, _ICMPV6),  # jeq
    (0x30, 0, 0, 54),  # ldb [54]
    (0x15, 1, 0, _SOLICITATION),
    (0x15, 0, 1, _ADVERTISEMENT),
    (0x06, 0, 0, 1500),  # accept
    (0x06, 0, 0, 0),  # drop
)


def link_local(mac: bytes) -> bytes:
    """The address that an interface makes of its MAC address (EUI-64)."""
    return bytes.fromhex("fe80000000000000") + bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:]


def empty_advertisement(mac: bytes) -> bytes:
    """The Ethernet frame: no hop limit, no flags, lifetime 0, no prefix; only our link-layer address."""
    body = struct.pack("!BBHBBHII", _ADVERTISEMENT, 0, 0, 0, 0, 0, 0, 0) + b"\x01\x01" + mac
    return _frame(mac, _ALL_NODES, link_local(mac), body)


def solicitation(mac: bytes) -> bytes:
    """Asks the segment's routers to show themselves, from no address, so that they answer to all."""
    return _frame(mac, _ALL_ROUTERS, _UNSPECIFIED, struct.pack("!BBHI", _SOLICITATION, 0, 0, 0))


class Advertiser:
    """Answers router solicitations on one interface as long as nobody else does."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        self._loop = asyncio.get_running_loop()
        self._listener: Listener | None = None
        self._pending: asyncio.TimerHandle | None = None
        self._settled = 0.0
        self._router_until = 0.0
        self._next = 0.0

    def open(self) -> None:
        """Raises OSError where raw sockets are not allowed."""
        with opening(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            bpf.attach(sock, _FILTER)
            sock.bind((self._interface.name, _ETH_IPV6))
        self._listener = Listener(sock, "a router's question or answer", self._heard)
        self._settled = self._loop.time() + _PATIENCE
        self._send(solicitation(self._interface.mac))

    def close(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _heard(self, frame: bytes, _: Any) -> None:
        now = self._loop.time()
        if len(frame) > 54 and frame[54] == _ADVERTISEMENT:
            self._router_until = now + _ROUTER_MEMORY
        elif len(frame) > 54 and self._pending is None and now >= self._router_until:
            # Until our own solicitation had its time, a router may still show itself.
            self._pending = self._loop.call_at(max(now, self._settled, self._next), self._advertise)

    def _advertise(self) -> None:
        self._pending = None
        now = self._loop.time()
        if now >= self._router_until:
            self._next = now + _PACE
            self._send(empty_advertisement(self._interface.mac))

    def _send(self, frame: bytes) -> None:
        if self._listener is None:
            return
        try:
            self._listener.socket.send(frame)
        except OSError as error:
            _log.debug("no router advertisement on %s: %s", self._interface.name, error)


def _frame(mac: bytes, to: tuple[bytes, bytes], source: bytes, body: bytes) -> bytes:
    pseudo = source + to[1] + struct.pack("!II", len(body), _ICMPV6)
    body = body[:2] + struct.pack("!H", _checksum(pseudo + body)) + body[4:]
    header = struct.pack("!IHBB", 6 << 28, len(body), _ICMPV6, 255) + source + to[1]
    return to[0] + mac + struct.pack("!H", _ETH_IPV6) + header + body


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
