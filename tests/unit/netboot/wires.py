"""IP packets as a packet socket shows them, and the kernel's filter machine as far as ours needs it."""

import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from provisioner.netboot.bpf import Instruction
from tests.unit.netboot.recorded import packet

SIGHTINGS = Path(__file__).parents[2] / "data" / "sightings"
CLIENT, SERVER, BROADCAST = "192.0.2.50", "192.0.2.9", "255.255.255.255"


def recorded(name: str) -> bytes:
    """A packet that OVMF sent, from its IP header on."""
    return (SIGHTINGS / f"{name}.bin").read_bytes()


def udp(source: str, from_port: int, target: str, port: int, body: bytes, *, fragment: int = 0) -> bytes:
    """An IPv4 packet without checksums, with four bytes of options in its header."""
    body = struct.pack("!HHHH", from_port, port, 8 + len(body), 0) + body
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x46, 0, 24 + len(body), 1, fragment, 64, 17, 0)
    return head + ends + b"\1\1\1\0" + body


def data_block(source_port: int = 40_001, port: int = 40_002) -> bytes:
    return udp(SERVER, source_port, CLIENT, port, b"\0\3\0\1" + bytes(1468))


def shown() -> dict[str, bytes]:
    """One of each that says something of netboot."""
    question, request = packet("uefi-pxe-1"), packet("uefi-4011-3")
    return {
        "solicit": recorded("uefi-solicit"),
        "read": recorded("uefi-read"),
        "to 4011": udp(CLIENT, 4011, SERVER, 4011, request),
        "from 67": udp(SERVER, 67, BROADCAST, 68, b"\2" + question[1:]),
        "from 4011": udp(SERVER, 4011, CLIENT, 4011, b"\2" + request[1:]),
    }


def passes(program: Sequence[Instruction], data: bytes) -> tuple[int, int]:
    """(bytes that the filter lets through, instructions it took); classic BPF, as the kernel runs it."""
    protocol = 0x86DD if data[:1] and data[0] >> 4 == 6 else 0x0800
    a = x = at = steps = 0
    while True:
        code, yes, no, k = program[at]
        at, steps = at + 1, steps + 1
        match code:
            case 0x28 if k == 0xFFFFF000:
                a = protocol
            case 0x28 | 0x30 | 0x40 | 0x48:
                start, size = (k if code in (0x28, 0x30) else k + x), {0x30: 1, 0x40: 4}.get(code, 2)
                if start + size > len(data):
                    return 0, steps
                a = int.from_bytes(data[start : start + size], "big")
            case 0xB1:
                x = (data[k] & 0xF) * 4
            case 0x15 | 0x25 | 0x45:
                holds = {0x15: a == k, 0x25: a > k, 0x45: bool(a & k)}[code]
                at += yes if holds else no
            case 0x06:
                return k, steps
            case _:
                raise AssertionError(f"no such instruction: {code:#x}")
