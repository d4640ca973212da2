"""A room of firmware that asks by DHCP at a steady pace, and the wire's own clock for what it gets.

`python -m tests.bench.dhcp_load` with `Asking` as JSON on its command line prints `Heard` as JSON. Times are
the kernel's, of the frames on the served interface: when a question came and when its answer went.
"""

import json
import os
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from provisioner.netboot import bpf
from tests.edges.netboot.serving import inside
from tests.unit.netboot.recorded import packet

_SO_TIMESTAMPNS, _RCVBUFFORCE = 35, 33
_ETH_ALL, _ETH_IP = 3, 0x0800
_ROOM = 64 << 20
_STAMP = struct.Struct("@qq")
_PATIENCE = 2.0
"""Seconds after the last question."""
_TICK = 0.0005
_XID = 46
"""Where the transaction stands in a frame."""
# IPv4, UDP to port 67 or 68; offsets count from the Ethernet header.
_DHCP = (
    (0x28, 0, 0, 12),  # ldh the Ethernet type
    (0x15, 0, 6, _ETH_IP),  # jeq
    (0x30, 0, 0, 23),  # ldb the protocol
    (0x15, 0, 4, 17),  # jeq UDP
    (0x28, 0, 0, 36),  # ldh the destination port; nobody here sends IP options
    (0x15, 1, 0, 67),  # jeq
    (0x15, 0, 1, 68),  # jeq
    (0x06, 0, 0, 300),  # accept, as far as the first options
    (0x06, 0, 0, 0),  # drop
)


@dataclass(frozen=True, slots=True)
class Asking:
    """`machines` firmwares in turn on `card` (in this namespace), heard on `device` of namespace `server`."""

    card: str
    server: str
    device: str
    machines: int
    rate: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Heard:
    """`late` is how far the questions fell behind their pace at most; all times in milliseconds."""

    asked: int
    answered: int
    p50: float
    p99: float
    most: float
    late: float

    @property
    def lost(self) -> int:
        return self.asked - self.answered


def mac(number: int) -> str:
    return f"52:54:00:d{number >> 16:x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def uuid(number: int) -> str:
    return f"0ffe0ffe-0000-4000-8000-{number:012x}"


def discover(number: int) -> bytearray:
    """The DISCOVER of a UEFI firmware as recorded, of another machine: the whole frame, transaction 0."""
    known, address = packet("uefi-pxe-1"), bytes.fromhex(mac(number).replace(":", ""))
    at = known.index(b"\x61\x11\0") + 3  # option 97
    identity = bytes.fromhex(uuid(number).replace("-", ""))
    data = known[:4] + bytes(4) + known[8:28] + address + known[34:at] + identity + known[at + 16 :]
    udp = struct.pack("!HHHH", 68, 67, 8 + len(data), 0) + data
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    header = header[:10] + struct.pack("!H", 0xFFFF - total) + header[12:]
    return bytearray(b"\xff" * 6 + address + struct.pack("!H", _ETH_IP) + header + udp)


class Wire:
    """When each question came and its first answer went, by transaction, in nanoseconds."""

    def __init__(self, device: str) -> None:
        self.came: dict[int, int] = {}
        self.went: dict[int, int] = {}
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _ROOM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        bpf.attach(self._socket, _DHCP)
        self._socket.setblocking(False)
        self._socket.bind((device, _ETH_ALL))

    def hear(self) -> None:
        while True:
            try:
                frame, ancillary, _, _ = self._socket.recvmsg(300, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = _STAMP.unpack(ancillary[0][2])
            moment = seconds * 1_000_000_000 + nanoseconds
            (xid,) = struct.unpack_from("!I", frame, _XID)
            times = self.came if frame[42] == 1 else self.went
            times.setdefault(xid, moment)


def load(asking: Asking) -> Heard:
    wire = inside(asking.server, lambda: Wire(asking.device))
    frames = [discover(number) for number in range(asking.machines)]
    count, sent, late = int(asking.rate * asking.seconds), 0, 0.0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((asking.card, 0))
        begun = time.monotonic()
        while sent < count:
            due = min(count, int((time.monotonic() - begun) * asking.rate) + 1)
            late = max(late, (due - 1 - sent) / asking.rate)
            for number in range(sent, due):
                frame = frames[number % asking.machines]
                struct.pack_into("!I", frame, _XID, number + 1)
                sock.send(frame)
            sent = due
            wire.hear()
            time.sleep(_TICK)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        wire.hear()
        time.sleep(_TICK)
    return _summed(wire, count, late)


def _summed(wire: Wire, count: int, late: float) -> Heard:
    took = sorted((wire.went[xid] - came) / 1e6 for xid, came in wire.came.items() if xid in wire.went)
    p50, p99, most = (
        took[min(len(took) - 1, int(len(took) * part))] if took else 0.0 for part in (0.5, 0.99, 1)
    )
    return Heard(count, len(took), p50, p99, most, late * 1000)


if __name__ == "__main__":
    with suppress(OSError):  # the pace must not depend on what else this core does
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    print(json.dumps(asdict(load(Asking(**json.loads(sys.argv[1]))))))
