"""TFTP on the wire, by tftpy's packet classes: bytes to values and back.

tftpy's decoders raise whatever a broken packet leads them to, so each is called inside a guard here.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tftpy import TftpPacketTypes

_packets: Any = TftpPacketTypes  # untyped
Peer = tuple[str, int]
"""Whom a packet comes from: address and port."""

ACK, ERROR = 4, 5
_LONGEST_REQUEST = 512

UNDEFINED, NOT_FOUND, ACCESS, ILLEGAL, UNKNOWN_TID = 0, 1, 2, 4, 5

logging.getLogger("tftpy").setLevel(logging.CRITICAL + 1)  # it logs every ERROR packet of any stranger


@dataclass(frozen=True, slots=True)
class Read:
    """A read request. Option names are in lower case, values as sent."""

    name: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request to be answered by ERROR: RFC 1350's code and a text for the client's screen."""

    code: int
    text: str


def request(data: bytes) -> Read | Refusal | None:
    """What a datagram to port 69 asks, None for one that is not worth an answer."""
    match _opcode(data):
        case 2:
            return Refusal(ACCESS, "this server takes no files")
        case 1 if len(data) <= _LONGEST_REQUEST:
            return _read(data)
        case 1:
            return Refusal(ILLEGAL, "request over 512 bytes")
        case _:
            return None


def text(data: bytes) -> str:
    """The message of a client's ERROR, from what follows its code."""
    return data.split(b"\0")[0][:100].decode("ascii", "replace")


def oack(options: Mapping[str, int]) -> bytes:
    packet = _packets.TftpPacketOACK()
    packet.options = {name: str(value) for name, value in options.items()}
    return bytes(packet.encode().buffer)


def error(code: int, text: str) -> bytes:
    packet = _packets.TftpPacketERR()
    packet.errorcode = code
    packet.errmsgs = {code: text[:200].encode("ascii", "replace")}  # it knows only its own texts
    return bytes(packet.encode().buffer)


def _opcode(data: bytes) -> int:
    return int.from_bytes(data[:2], "big") if len(data) >= 2 else 0


def _read(data: bytes) -> Read | Refusal:
    packet = _packets.TftpPacketRRQ()
    packet.buffer = data.rstrip(b"\0") + b"\0"  # some ROMs pad their requests
    try:
        packet.decode()
    except Exception:
        return Refusal(ILLEGAL, "malformed request")
    if packet.mode != "octet":
        return Refusal(ILLEGAL, "only mode octet is served")
    return Read(packet.filename, {name.lower(): value for name, value in packet.options.items()})
