"""Asks a segment what a guest would ask it, and takes an address there as an ordinary host does.

Blocking, by raw frames, so that an interface without an address will do. A guest's place is outside of the
host's own IP stack; the caller gives an interface that is: the far end of a cable into the bridge, or a
macvlan.
"""

import ipaddress
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from provisioner.core.errors import Unavailable
from provisioner.core.segment import Answer, Lease
from provisioner.netboot import packet

_ETH_IP = 0x0800
_UDP = 17
_CLIENT, _SERVER = 68, 67
_BROADCAST = bytes(6 * [255])
_ASK_AT = (0.0, 1.0, 2.5)
_QUIET, _LONG_QUIET = 0.7, 1.5
"""Seconds without a further answer after which nobody else is expected, with and without a boot file heard.

A DHCP server may try for up to three seconds whether an address is free before it answers.
"""


def answers(interface: str, mac: str, seconds: float = 3.8) -> list[Answer]:
    """Who answers a PXE DISCOVER there, each once. Raises Unavailable where frames cannot be sent."""
    xid = secrets.randbits(32)
    found: dict[Answer, None] = {}
    with _frames(interface) as sock:
        begun = time.monotonic()
        last = begun
        asked = 0
        while (now := time.monotonic()) - begun < seconds:
            if asked < len(_ASK_AT) and now - begun >= _ASK_AT[asked]:
                _send(sock, mac, packet.ask(mac, xid))
                asked += 1
            for reply in _replies(sock, xid, 0.1):
                if reply.answer not in found:
                    last = time.monotonic()
                found[reply.answer] = None
            lent = any(answer.address for answer in found)
            quiet = _QUIET if any(answer.file for answer in found) else _LONG_QUIET
            if lent and time.monotonic() - last > quiet:
                break
    return list(found)


def lease(interface: str, mac: str, wanted: str = "", seconds: float = 6.0) -> Lease | None:
    """An address for this interface, `wanted` again where it may be; None where nobody gives one."""
    xid = secrets.randbits(32)
    with _frames(interface) as sock:
        if wanted and (held := _take(sock, mac, xid, wanted, "", 1.5)):
            return held
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            _send(sock, mac, packet.ask(mac, xid))
            for reply in _replies(sock, xid, 2.0, until_address=True):
                if (offer := reply.answer).address:
                    return _take(sock, mac, xid, offer.address, offer.server, 2.0)
    return None


def _take(sock: socket.socket, mac: str, xid: int, wanted: str, server: str, seconds: float) -> Lease | None:
    _send(sock, mac, packet.ask(mac, xid, take=wanted, server=server))
    for reply in _replies(sock, xid, seconds, until_address=True):
        given = reply.answer
        if given.address == wanted and reply.seconds:
            prefix = ipaddress.IPv4Network((0, reply.netmask or "255.255.255.0")).prefixlen
            return Lease(f"{given.address}/{prefix}", given.server, reply.seconds)
    return None


@contextmanager
def _frames(interface: str) -> Iterator[socket.socket]:
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_IP))
        try:
            sock.bind((interface, _ETH_IP))
            yield sock
        finally:
            sock.close()
    except OSError as error:
        raise Unavailable(
            f"no DHCP question can be sent on {interface}: {error.strerror}",
            remedy="start the service as root, or give it CAP_NET_RAW",
        ) from error


def _send(sock: socket.socket, mac: str, body: bytes) -> None:
    udp = struct.pack("!HHHH", _CLIENT, _SERVER, 8 + len(body), 0) + body
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, _UDP, 0, bytes(4), b"\xff" * 4)
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    source = bytes.fromhex(mac.replace(":", ""))
    sock.send(_BROADCAST + source + struct.pack("!H", _ETH_IP) + head + udp)


def _replies(
    sock: socket.socket, xid: int, seconds: float, *, until_address: bool = False
) -> list[packet.Reply]:
    """What comes within `seconds`, or up to the first reply with an address."""
    found: list[packet.Reply] = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            frame = sock.recv(4096)
        except TimeoutError:
            break
        reply = packet.reply(_payload(frame))
        if reply is not None and reply.xid == xid:
            found.append(reply)
            if until_address and reply.answer.address:
                break
    return found


def _payload(frame: bytes) -> bytes:
    """What a UDP datagram to a DHCP client holds, empty for any other frame."""
    if len(frame) < 42 or frame[23] != _UDP:
        return b""
    udp = 14 + (frame[14] & 15) * 4
    if frame[udp + 2 : udp + 4] != struct.pack("!H", _CLIENT):
        return b""
    return frame[udp + 8 :]


def _checksum(head: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(head) // 2}H", head))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
