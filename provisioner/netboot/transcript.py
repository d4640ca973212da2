"""Ethernet frames become the conversation of one netboot client: no sockets, no clock.

What a file holds is never kept, and what may be a token is `***`: a recording is made to be shown.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Final

from provisioner.boot.client import PROBE, Question
from provisioner.boot.conversation import Conversation, Packet, Protocol, Run, Sender
from provisioner.netboot import spoken
from provisioner.netboot.packet import decode

_ETHERNET: Final = 14
_TCP, _UDP = 6, 17
_DHCP_PORTS: Final = (67, 4011)
_TFTP_PORT: Final = 69
_DATA, _ACK = 3, 4
_BLKSIZE: Final = 512
_NETBOOTS: Final = ("PXEClient", "HTTPClient")
_MOST: Final = 2000
_HEAD_LINES: Final = 200
_TOKEN = re.compile(r"(?<![\w-])[\w-]{43,}(?![\w-])", re.ASCII)
_TOKEN_BYTES = re.compile(_TOKEN.pattern.encode())
_SECRET_HEADERS: Final = ("authorization:", "proxy-authorization:", "cookie:", "set-cookie:")
_USER = re.compile(r"//[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class _Datagram:
    """What a frame carries. `source` and `target` are MAC addresses, the next two `address:port`."""

    source: str
    target: str
    kind: int
    sender: str
    receiver: str
    from_port: int
    to_port: int
    size: int
    payload: bytes


class Transcript:
    """`mac` is whose conversation it is; "" for the first netboot client that asks by DHCP."""

    def __init__(self, mac: str = "") -> None:
        self.mac = mac
        self.packets: list[Packet] = []
        self._began = 0.0
        self._transfers: dict[str, int] = {}
        """The client's side of TFTP transfers, `address:port`, to the block size that was agreed."""
        self._runs: dict[tuple[str, str], int] = {}
        """Where in `packets` the run is that a transfer's side (sender, receiver) may go on with."""

    @property
    def full(self) -> bool:
        """Whether it has become longer than any boot is; then nothing more is taken."""
        return len(self.packets) >= _MOST

    def conversation(self, about: str = "") -> Conversation:
        return Conversation(self.mac, tuple(self.packets), about)

    def hear(self, frame: bytes, now: float) -> Packet | None:
        """Takes an Ethernet frame at a time in seconds; the packet that is new in the conversation for it."""
        found = _datagram(frame)
        if found is None or not found.payload or self.full:
            return None
        if found.kind == _TCP:
            return self._http(found, now)
        if found.to_port in _DHCP_PORTS or found.from_port in _DHCP_PORTS:
            return self._dhcp(found, now)
        return self._tftp(found, now)

    def _dhcp(self, found: _Datagram, now: float) -> Packet | None:
        if len(found.payload) < 240:
            return None
        asks = found.payload[0] == 1
        mac = found.payload[28:34].hex(":")
        if not self.mac and asks and _netboots(found):
            self.mac = mac
        if mac != self.mac:
            return None
        says = spoken.question if asks else spoken.reply
        return self._add("client" if asks else "server", "dhcp", found, now, says(found.payload))

    def _tftp(self, found: _Datagram, now: float) -> Packet | None:
        sender = self._sender(found)
        if sender == "client" and found.to_port == _TFTP_PORT:
            self._transfers[found.sender] = _BLKSIZE
            self._runs = {key: at for key, at in self._runs.items() if found.sender not in key}
            return self._add(sender, "tftp", found, now, spoken.tftp(found.payload))
        side = found.sender if sender == "client" else found.receiver
        if sender is None or side not in self._transfers or len(found.payload) < 4:
            return None
        opcode, number = struct.unpack_from("!HH", found.payload)
        if opcode == _DATA:
            runs = [*_blocks(number, found.size, self._transfers[side])]
        elif opcode == _ACK:
            runs = [Run("ACK", number, number)]
        else:
            self._transfers[side] = spoken.blksize(found.payload) or self._transfers[side]
            return self._add(sender, "tftp", found, now, spoken.tftp(found.payload))
        new = [self._block(sender, found, now, run) for run in runs]
        return next((packet for packet in new if packet is not None), None)

    def _block(self, sender: Sender, found: _Datagram, now: float, run: Run) -> Packet | None:
        """Goes on with a run, or begins one."""
        key = (found.sender, found.receiver)
        at = self._runs.get(key)
        before = self.packets[at].payload if at is not None else None
        if at is not None and isinstance(before, Run) and _follows(before, run):
            longer = replace(before, last=run.first)
            self.packets[at] = replace(self.packets[at], payload=longer, summary=spoken.run(longer))
            return None
        self._runs[key] = len(self.packets)
        return self._add(sender, "tftp", found, now, spoken.run(run), run)

    def _http(self, found: _Datagram, now: float) -> Packet | None:
        sender = self._sender(found)
        if sender is None:
            return None
        lines = found.payload.partition(b"\r\n\r\n")[0].split(b"\r\n")[:_HEAD_LINES]
        head = tuple(_shown(line) for line in lines if line.strip())
        if not head:
            return None
        return self._add(sender, "http", found, now, head[0], head)

    def _sender(self, found: _Datagram) -> Sender | None:
        """Which side of the conversation a frame comes from, None for another's."""
        if not self.mac:
            return None
        return "client" if found.source == self.mac else "server" if found.target == self.mac else None

    def _add(
        self,
        sender: Sender,
        protocol: Protocol,
        found: _Datagram,
        now: float,
        summary: str,
        payload: Run | tuple[str, ...] | None = None,
    ) -> Packet:
        if not self.packets:
            self._began = now
        packet = Packet(
            round((now - self._began) * 1000),
            sender,
            protocol,
            found.sender,
            found.receiver,
            _TOKEN.sub("***", summary),
            _masked(found.payload) if payload is None else payload,
        )
        self.packets.append(packet)
        return packet


def _datagram(frame: bytes) -> _Datagram | None:
    """What an IPv4 frame of UDP or TCP carries, None for any other."""
    if len(frame) < _ETHERNET + 28 or frame[12:14] != b"\x08\0" or frame[23] not in (_TCP, _UDP):
        return None
    header = (frame[_ETHERNET] & 15) * 4
    whole = int.from_bytes(frame[16:18], "big") or len(frame) - _ETHERNET  # 0: a card cuts it later
    packet = frame[_ETHERNET : _ETHERNET + whole]
    begins = header + (8 if frame[23] == _UDP else (packet[header + 12 : header + 13] or b"\0")[0] // 16 * 4)
    if header < 20 or len(packet) < header + 8 or whole < begins:
        return None
    source, target = (str(IPv4Address(packet[at : at + 4])) for at in (12, 16))
    from_port, to_port = struct.unpack_from("!HH", packet, header)
    return _Datagram(
        frame[6:12].hex(":"),
        frame[:6].hex(":"),
        frame[23],
        f"{source}:{from_port}",
        f"{target}:{to_port}",
        from_port,
        to_port,
        whole - begins,
        packet[begins:],
    )


def _netboots(found: _Datagram) -> bool:
    question = decode(found.payload, found.to_port)
    return (
        isinstance(question, Question)
        and question.vendor_class.startswith(_NETBOOTS)
        and question.user_class != PROBE
    )


def _blocks(number: int, size: int, blksize: int) -> Iterator[Run]:
    """Those in a frame of so many bytes: a window that leaves this machine is one, and is cut up later."""
    while size > 0:
        yield Run("DATA", number, number, max(0, min(size - 4, blksize)))
        size -= 4 + blksize
        number = (number + 1) & 0xFFFF


def _follows(before: Run, run: Run) -> bool:
    """Whether a block is the next one. Of ACKs, which stand for whole windows, any later one is."""
    if before.kind != run.kind or before.size != run.size or before.first == 0:
        return False
    return run.first == before.last + 1 if run.kind == "DATA" else run.first > before.last


def _masked(payload: bytes) -> bytes:
    """The same length, so that what stands around it keeps its meaning."""
    return _TOKEN_BYTES.sub(lambda found: b"*" * len(found[0]), payload)


def _shown(line: bytes) -> str:
    """A line of an HTTP head: printable ASCII, no secret."""
    text = "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in line[:1000])
    if text.lower().startswith(_SECRET_HEADERS):
        return f"{text.partition(':')[0]}: ***"
    return _USER.sub("//***@", _TOKEN.sub("***", text))
