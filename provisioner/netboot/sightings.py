"""What a packet socket shows of netboot: the filter that lets nothing else through, and bytes to values."""

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from provisioner.boot.client import Ignore
from provisioner.boot.loader import canonical
from provisioner.netboot import packet, wire
from provisioner.netboot.bpf import Instruction

_IP, _IPV6 = 0x0800, 0x86DD
_UDP: Final = 17
_UDP_HEADER: Final = 8
_DHCP, _TFTP, _DHCPV6, _PXE = 67, 69, 547, 4011
_SOLICIT, _USER_CLASS, _VENDOR_CLASS = 1, 15, 16  # DHCPv6 message and options (RFC 8415)


def filtering(ours: str) -> tuple[Instruction, ...]:
    """The program for an interface where we have the address `ours`.

    It sees every packet that leaves, those of TFTP transfers above all: where both ports are over 4011 they
    are dropped by the tenth instruction. Questions on port 67 are ours to answer, and our own offers name us
    and no address: nobody is woken for either. Offsets count from the network header, jumps go forward only.
    """
    return (
        (0x28, 0, 0, 0xFFFFF000),  # 0 ldh the Ethernet type
        (0x15, 5, 0, _IP),  # 1 jeq: 7
        (0x15, 0, 24, _IPV6),  # 2 jeq, else drop
        (0x30, 0, 0, 6),  # 3 ldb [6], the next header
        (0x15, 0, 22, _UDP),  # 4 jeq, else drop
        (0x28, 0, 0, 42),  # 5 ldh [42], the port it goes to
        (0x15, 19, 20, _DHCPV6),  # 6 jeq: accept, else drop
        (0x30, 0, 0, 9),  # 7 ldb [9], the protocol
        (0x15, 0, 18, _UDP),  # 8 jeq, else drop
        (0xB1, 0, 0, 0),  # 9 ldxb 4*([0]&0xf), the header's length
        (0x48, 0, 0, 2),  # 10 ldh [x+2], the port it goes to
        (0x25, 3, 0, _PXE),  # 11 jgt: 15
        (0x15, 11, 0, _PXE),  # 12 jeq: 24
        (0x25, 1, 0, _TFTP),  # 13 jgt: 15
        (0x15, 9, 0, _TFTP),  # 14 jeq: 24
        (0x48, 0, 0, 0),  # 15 ldh [x+0], the port it comes from
        (0x25, 10, 0, _PXE),  # 16 jgt: drop
        (0x15, 6, 0, _PXE),  # 17 jeq: 24
        (0x15, 1, 0, _DHCP),  # 18 jeq: 20
        (0x06, 0, 0, 0),  # 19 drop
        (0x40, 0, 0, 24),  # 20 ld [x+24], yiaddr
        (0x15, 0, 2, 0),  # 21 jeq, else 24
        (0x40, 0, 0, 28),  # 22 ld [x+28], siaddr
        (0x15, 3, 0, int(ipaddress.IPv4Address(ours))),  # 23 jeq: drop
        (0x28, 0, 0, 6),  # 24 ldh [6], flags and fragment offset
        (0x45, 1, 0, 0x1FFF),  # 25 jset: drop
        (0x06, 0, 0, 2000),  # 26 accept
        (0x06, 0, 0, 0),  # 27 drop
    )


@dataclass(frozen=True, slots=True)
class Question:
    """A DHCP question to port 4011 of `server`."""

    mac: str
    server: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a DHCP server says from `port`; `reply` is None where it is neither OFFER nor ACK."""

    mac: str
    port: int
    reply: packet.Reply | None


@dataclass(frozen=True, slots=True)
class Request:
    """A TFTP read request of `address` to `server`."""

    address: str
    server: str
    file: str


@dataclass(frozen=True, slots=True)
class Solicit:
    """Firmware, and no system, asks for a boot file by DHCPv6."""


Sighting = Question | Answer | Request | Solicit


def sighting(data: bytes) -> Sighting | None:
    """What an IP packet that the filter let through says, None for what says nothing. Takes any bytes."""
    if len(data) < 20:
        return None
    six = data[0] >> 4 == 6
    at = 40 if six else (data[0] & 0xF) * 4
    if len(data) < at + _UDP_HEADER:
        return None
    source, target = struct.unpack_from("!HH", data, at)
    body = data[at + _UDP_HEADER :]
    if six:
        return Solicit() if target == _DHCPV6 and _firmware_solicits(body) else None
    if target == _TFTP:
        return _request(data, body)
    return _dhcp(data, body, source, target)


def _dhcp(data: bytes, body: bytes, source: int, target: int) -> Question | Answer | None:
    if len(body) < 236 or body[1:3] != b"\1\6":
        return None
    mac = body[28:34].hex(":")
    if body[0] == 1 and target == _PXE:
        if isinstance(packet.decode(body, target), Ignore):
            return None
        return Question(mac, str(ipaddress.IPv4Address(data[16:20])))
    if body[0] == 2 and source in (_DHCP, _PXE):
        return Answer(mac, source, packet.reply(body))
    return None


def _request(data: bytes, body: bytes) -> Request | None:
    asked = wire.request(body)
    if not isinstance(asked, wire.Read):
        return None
    file = "".join(c if c.isprintable() else "?" for c in canonical(asked.name)[:128])
    return Request(str(ipaddress.IPv4Address(data[12:16])), str(ipaddress.IPv4Address(data[16:20])), file)


def _firmware_solicits(body: bytes) -> bool:
    """A SOLICIT whose vendor class is that of a netboot client (EDK2 writes it as it does over IPv4)."""
    if len(body) < 4 or body[0] != _SOLICIT:
        return False
    options = dict(_options(body[4:]))
    ipxe = b"iPXE" in options.get(_USER_CLASS, b"")
    return not ipxe and options.get(_VENDOR_CLASS, b"")[6:].startswith((b"PXEClient", b"HTTPClient"))


def _options(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and value of a DHCPv6 message's options, as far as they are whole."""
    while len(raw) >= 4:
        code, length = struct.unpack_from("!HH", raw)
        if len(raw) < 4 + length:
            return
        yield code, raw[4 : 4 + length]
        raw = raw[4 + length :]
