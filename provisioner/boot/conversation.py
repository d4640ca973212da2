"""What a netboot client and its servers said to each other, as text that a person reads and `diff` compares.

    conversation 52:54:00:7e:57:01
    # SeaBIOS and the network card's iPXE ROM

    0.000 client dhcp 0.0.0.0:68 255.255.255.255:67
    # DISCOVER, PXEClient:Arch:00000:UNDI:002001, architecture 0, user class iPXE
      01010600a8f2c64900000000…

A block for each packet: seconds since the first one, who sends it, protocol, source and destination; a line
for people; the payload, indented. A payload is hexadecimal for DHCP and for TFTP's control packets. Blocks of
a TFTP file are numbers only (`DATA 1-140 1468`: sizes in bytes; `ACK 4-140`), of HTTP there is the head.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Address
from typing import Literal, TypeVar, get_args

Sender = Literal["client", "server"]
Protocol = Literal["dhcp", "tftp", "http"]

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_AT = re.compile(r"(\d{1,6})\.(\d{3})", re.ASCII)
_PLACE = re.compile(r"([0-9.]{7,15}):(\d{1,5})", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-f]{2}){1,512}")
_RUN = re.compile(r"(DATA|ACK) (\d{1,5})(?:-(\d{1,5}))?(?: (\d{1,5}))?", re.ASCII)
_BYTES_A_LINE = 32
_MOST_BYTES, _MOST_LINES = 4096, 200
_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, slots=True)
class Run:
    """Blocks `first` to `last` of a file, sent (`size` bytes each) or acknowledged (`size` 0), in order."""

    kind: Literal["DATA", "ACK"]
    first: int
    last: int
    size: int = 0


@dataclass(frozen=True, slots=True)
class Packet:
    """`at` is in milliseconds since the first one; `source` and `target` are `address:port`.

    `payload` is the datagram's bytes, a `Run` of a TFTP transfer's blocks, or the lines of an HTTP head.
    """

    at: int
    sender: Sender
    protocol: Protocol
    source: str
    target: str
    summary: str
    payload: bytes | Run | tuple[str, ...]

    @property
    def port(self) -> int:
        """The one that it was sent to."""
        return int(self.target.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Conversation:
    """`client` is a MAC address; `about` says in a line what was booted, "" where nobody said it."""

    client: str
    packets: tuple[Packet, ...]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a text is no conversation. `line` counts from 1."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class _Wrong(Exception):
    """Inside this file: what is wrong with the line at hand."""


def text(conversation: Conversation) -> str:
    """The text that `parse` reads back to the same value."""
    head = [f"conversation {conversation.client}"]
    if conversation.about:
        head.append(f"# {conversation.about}")
    blocks = ["\n".join(head), *("\n".join(_block(packet)) for packet in conversation.packets)]
    return "\n\n".join(blocks) + "\n"


def parse(text: str) -> Conversation | Malformed:
    """The conversation in a text, or the first thing that is wrong with it. Raises nothing."""
    lines = text.split("\n")
    at, client, about = 0, "", ""
    packets: list[Packet] = []
    try:
        for at, line in enumerate(lines):  # noqa: B007 - told where it is wrong
            if not line.strip():
                continue
            if not client:
                client = _client(line)
            elif line.startswith("# ") and not packets:
                about = about or line[2:]
            elif line.startswith("# "):
                packets[-1] = replace(packets[-1], summary=packets[-1].summary or line[2:])
            elif line.startswith("  ") and packets:
                packets[-1] = _with(packets[-1], line[2:])
            else:
                _whole(packets[-1:])
                packets.append(_opened(line))
        if not client:
            raise _Wrong("an empty text; a conversation begins with `conversation MAC`")
        _whole(packets[-1:])
    except _Wrong as wrong:
        return Malformed(at + 1, str(wrong))
    return Conversation(client, tuple(packets), about)


def _block(packet: Packet) -> Iterator[str]:
    seconds, thousandths = divmod(packet.at, 1000)
    places = f"{packet.source} {packet.target}"
    yield f"{seconds}.{thousandths:03} {packet.sender} {packet.protocol} {places}"
    if packet.summary:
        yield f"# {packet.summary}"
    match packet.payload:
        case bytes() as data:
            for at in range(0, len(data), _BYTES_A_LINE):
                yield f"  {data[at : at + _BYTES_A_LINE].hex()}"
        case Run(kind, first, last, size):
            until = f"-{last}" if last != first else ""
            yield f"  {kind} {first}{until}{f' {size}' if kind == 'DATA' else ''}"
        case lines:
            yield from (f"  {line}" for line in lines)


def _client(line: str) -> str:
    word, _, mac = line.partition(" ")
    if word != "conversation" or not _MAC.fullmatch(mac):
        raise _Wrong("a conversation begins with `conversation MAC`, the MAC address like 52:54:00:12:34:56")
    return mac


def _opened(line: str) -> Packet:
    """The packet that a block's first line begins, its payload still to come."""
    words = line.split(" ")
    if len(words) != 5:
        raise _Wrong("a packet begins with `SECONDS client|server dhcp|tftp|http SOURCE DESTINATION`")
    at, sender, protocol, source, target = words
    if not (time := _AT.fullmatch(at)):
        raise _Wrong(f"{at!r} is no time; write seconds with three decimals")
    for place in (source, target):
        _check_place(place)
    return Packet(
        int(time[1]) * 1000 + int(time[2]),
        _one_of(sender, get_args(Sender)),
        _one_of(protocol, get_args(Protocol)),
        source,
        target,
        "",
        () if protocol == "http" else b"",
    )


def _check_place(place: str) -> None:
    found = _PLACE.fullmatch(place)
    try:
        if not found or int(found[2]) > 65535:
            raise AddressValueError
        IPv4Address(found[1])
    except AddressValueError:
        raise _Wrong(f"{place!r} is no IPv4 address and port") from None


def _one_of(word: str, words: Sequence[_Word]) -> _Word:
    for known in words:
        if known == word:
            return known
    raise _Wrong(f"{word!r} is not one of {', '.join(words)}")


def _with(packet: Packet, line: str) -> Packet:
    """The packet with one more line of its payload."""
    match packet.payload:
        case tuple() as lines if len(lines) < _MOST_LINES:
            return replace(packet, payload=(*lines, line))
        case tuple():
            raise _Wrong(f"an HTTP head of more than {_MOST_LINES} lines")
        case bytes() as data if len(data) > _MOST_BYTES:
            raise _Wrong(f"a payload over {_MOST_BYTES} bytes")
        case bytes() as data if _HEX.fullmatch(line):
            return replace(packet, payload=data + bytes.fromhex(line))
        case b"" if packet.protocol == "tftp" and (run := _RUN.fullmatch(line)):
            return replace(packet, payload=_run(run))
    raise _Wrong("payload is lines of hexadecimal, or one `DATA FIRST-LAST SIZE` or `ACK FIRST-LAST` of TFTP")


def _run(found: re.Match[str]) -> Run:
    first, last = int(found[2]), int(found[3] or found[2])
    if (found[1] == "DATA") != bool(found[4]):
        raise _Wrong("DATA has a size after its block numbers, ACK has none")
    if not first <= last <= 65535:
        raise _Wrong("block numbers go up, to 65535")
    return Run("DATA" if found[1] == "DATA" else "ACK", first, last, int(found[4] or 0))


def _whole(last: Sequence[Packet]) -> None:
    if last and not last[0].payload:
        raise _Wrong("the packet before this line has no payload")
