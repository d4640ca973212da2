"""A UEFI machine's netboot questions, asked by hand: `python -m tests.lab.client QUESTION …`.

Run inside the client's namespace, on its `eth0`; prints one JSON value. DHCP is
written out here rather than taken from the codec under test.
"""

import json
import os
import socket
import struct
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tftpy.TftpClient import TftpClient
from tftpy.TftpShared import TftpException

COOKIE = b"\x63\x82\x53\x63"
DISCOVER, REQUEST = 1, 3
SILENCE = 3.0
"""Seconds without an answer that count as silence."""


def question(message: int, mac: str, uuid: str, xid: bytes, ciaddr: str = "0.0.0.0") -> bytes:
    """What UEFI's own PXE client sends: options 53, 55, 60, 93, 94, 97."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    head = struct.pack("!BBBB4sHH", 1, 1, 6, 0, xid, 0, 0x8000)
    head += socket.inet_aton(ciaddr) + bytes(12) + hardware.ljust(16, b"\0") + bytes(192)
    guid = bytes.fromhex(uuid.replace("-", ""))
    options = {
        53: bytes([message]),
        55: bytes([1, 3, 43, 60, 66, 67]),
        60: b"PXEClient:Arch:00007:UNDI:003000",
        93: b"\0\7",
        94: b"\1\3\0",
        97: b"\0" + guid[3::-1] + guid[5:3:-1] + guid[7:5:-1] + guid[8:],
    }
    return head + COOKIE + b"".join(bytes([c, len(v)]) + v for c, v in options.items()) + b"\xff"


def offer(packet: bytes, xid: bytes) -> dict[str, str] | None:
    """A boot server's answer to `xid`; None for an address server's, which gives an address."""
    if packet[0] != 2 or packet[4:8] != xid or any(packet[16:20]) or packet[236:240] != COOKIE:
        return None
    return {"server": socket.inet_ntoa(packet[20:24]), "file": packet[108:236].rstrip(b"\0").decode()}


def listen(door: socket.socket, xid: bytes) -> dict[str, str] | None:
    door.settimeout(SILENCE)
    try:
        while True:
            found = offer(door.recv(2048), xid)
            if found:
                return found
    except TimeoutError:
        return None


def dhcp(mac: str, uuid: str) -> object:
    xid = os.urandom(4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        door.bind(("", 68))
        door.sendto(question(DISCOVER, mac, uuid, xid), ("255.255.255.255", 67))
        return listen(door, xid)


def proxy(server: str, own: str, mac: str, uuid: str) -> object:
    xid = os.urandom(4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind((own, 4011))
        door.sendto(question(REQUEST, mac, uuid, xid, own), (server, 4011))
        return listen(door, xid)


def tftp(server: str, name: str) -> object:
    """The size of what was sent, or the server's refusal."""
    with tempfile.TemporaryDirectory() as place:
        got = Path(place, "got")
        try:
            TftpClient(server, 69).download(name, str(got), timeout=3)  # type: ignore[no-untyped-call]
        except TftpException as refusal:
            return str(refusal)
        return got.stat().st_size


def http(url: str) -> object:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return {"status": answer.status, "text": answer.read().decode()}
    except urllib.error.HTTPError as refusal:
        return {"status": refusal.code, "text": refusal.read().decode()}


def head(url: str) -> object:
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10) as answer:
        return {"status": answer.status}


QUESTIONS: dict[str, Callable[..., object]] = {
    "dhcp": dhcp,
    "proxy": proxy,
    "tftp": tftp,
    "http": http,
    "head": head,
}

if __name__ == "__main__":
    print(json.dumps(QUESTIONS[sys.argv[1]](*sys.argv[2:])))
