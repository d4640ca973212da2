"""Boots by the thousand through real sockets: the netboot process as it is, its events stored, nothing left.

TORTURE=1 makes it a hundred thousand, TORTURE=N makes it N / 10. One boot is what firmware does: a DISCOVER,
the REQUEST on 4011, and its loader by TFTP.
"""

import asyncio
import json
import os
import re
import socket
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from provisioner.core.install import Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.store.database import Database
from tests.edges.netboot.clients import ack
from tests.edges.netboot.open_files import descriptors_of
from tests.edges.netboot.spaces import BROADCAST, CLIENT_MAC, Network, needs_namespaces, network
from tests.unit.netboot.recorded import packet

LONG = 20_000
BOOTS = {"": 1000, "0": 1000, "1": 100_000}.get(os.environ.get("TORTURE", "")) or int(
    os.environ["TORTURE"]
) // 10
MACHINES = 500
WARM = max(BOOTS // 10, 200)
LOADER = bytes(range(256)) * 16
GUEST = "192.168.181.50"
EACH = 5
"""Events of a boot: two questions, two offers, one loader."""
GROWTH = 1.05
SQLITES = 18
"""Of four readers, the writer and the one that asks for changes: the database, its log, the log's index."""


@needs_namespaces
@pytest.mark.timeout(3000)
def test_torture_boots_leave_nothing_behind(tmp_path: Path) -> None:
    asyncio.run(enrolled(tmp_path))
    with network() as made, netboot(made, tmp_path) as process, closing(Firmware(made)) as firmware:
        firmware.boot(range(WARM))
        until_stored(tmp_path, WARM)
        memory, descriptors = resident(process.pid), opened(process.pid)
        begun = time.monotonic()
        firmware.boot(range(WARM, WARM + BOOTS))
        took = time.monotonic() - begun
        until_stored(tmp_path, WARM + BOOTS)

        grown = resident(process.pid) / memory
        print(
            f"{BOOTS} boots in {took:.0f} s after {WARM}: memory {memory / 1024:.1f} MiB, "
            f"{(grown - 1) * 100:+.1f} %; descriptors {opened(process.pid) - descriptors:+d}"
        )
        assert process.poll() is None
        assert opened(process.pid) <= descriptors
        assert sum(map(of_sqlite, descriptors_of(process.pid))) <= SQLITES
        assert BOOTS < LONG or grown <= GROWTH


class Firmware:
    """All of the machines, one after the other, on one card."""

    def __init__(self, made: Network) -> None:
        made.give_client(GUEST)
        self._server = made.address
        self._asking = made.client_socket()
        self._tftp = [made.client_socket(GUEST, 0) for _ in range(8)]

    def close(self) -> None:
        for sock in (self._asking, *self._tftp):
            sock.close()

    def boot(self, numbers: range) -> None:
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(cores)})  # else what is sent by one core overtakes what another one sent
        try:
            self._boot(numbers)
        finally:
            os.sched_setaffinity(0, cores)

    def _boot(self, numbers: range) -> None:
        for number in numbers:
            self._asks("uefi-pxe-1", number, (BROADCAST, 67))
            self._asks("uefi-4011-3", number, (self._server, 4011))
            assert self._loads(self._tftp[number % len(self._tftp)]) == LOADER

    def _asks(self, recorded: str, number: int, to: tuple[str, int]) -> None:
        question = question_of(recorded, number, mac(number % MACHINES))
        self._asking.sendto(question, to)
        while True:
            reply = self._asking.recv(2048)
            if answers(reply, question):
                assert b"snponly.efi" in reply
                return

    def _loads(self, sock: socket.socket) -> bytes:
        """In one window. What was sent once more of the transfer before is none of this one."""
        sock.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                sock.recv(2048)
        sock.settimeout(10)
        sock.sendto(b"\0\1snponly.efi\0octet\0blksize\x001428\0windowsize\x004\0", (self._server, 69))
        while True:
            data, peer = sock.recvfrom(2048)
            if data[:2] == b"\0\6":
                break
        sock.sendto(ack(0), peer)
        content, block = b"", 1
        while True:
            data = sock.recv(2048)
            if data[:4] == struct.pack("!HH", 3, block):
                content, block = content + data[4:], block + 1
                if len(data) < 1432:
                    sock.sendto(ack(data[3]), peer)
                    return content


@cache
def packet_of(name: str) -> bytes:
    return packet(name)


def question_of(recorded: str, number: int, mac: str) -> bytes:
    """A recorded question as the machine with that MAC address asks it from `GUEST`; `number` is its xid."""
    data, address = packet_of(recorded), bytes.fromhex(mac.replace(":", ""))
    xid, ciaddr = struct.pack("!I", number), socket.inet_aton(GUEST)
    return data[:4] + xid + data[8:12] + ciaddr + data[16:28] + address + data[34:]


def answers(reply: bytes, question: bytes) -> bool:
    """Whether it has the same xid and MAC address: everybody on the card hears everybody's."""
    return reply[4:8] == question[4:8] and reply[28:34] == question[28:34]


def mac(number: int) -> str:
    """Of a machine of ours; the first is the one whose card it is."""
    return f"52:54:00:b0:{number >> 8:02x}:{number & 255:02x}" if number else CLIENT_MAC


async def enrolled(folder: Path) -> None:
    """Every machine, with an install that is to begin."""
    store, now = Database(url(folder)), datetime.now(UTC)
    await store.open()
    await store.migrate(folder / "backup")
    for number in range(MACHINES):
        await store.add_machine(Machine(f"m{number}", mac(number), None))
        install = Install(f"i{number}", f"m{number}", mac(number), "", "tiny", Stage.PLANNED, now, now)
        await store.add_install(install, None)
    await store.close()


def url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'provisioner.db'}"


@contextmanager
def netboot(made: Network, folder: Path, loader: bytes = LOADER) -> Iterator[subprocess.Popen[bytes]]:
    """The process as the service starts it, told the same on its standard input."""
    (folder / "loaders").mkdir(exist_ok=True)
    (folder / "loaders" / "snponly.efi").write_bytes(loader)
    given = {
        "database": url(folder),
        "token_minutes": 60,
        "loaders": str(folder / "added"),
        "discover": False,
        "loader_dirs": [str(folder / "loaders")],
        "boot_dir": str(folder / "boot"),
        "http_port": 8080,
        "netboot": {"interfaces": [made.bridge], "syslog_port": 5514},
    }
    words = ["ip", "netns", "exec", made.server, sys.executable, "-m", "provisioner.wiring.netboot"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(given).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"ready": True}
        yield process
        process.stdin.close()


def until_stored(folder: Path, boots: int) -> None:
    """Every event of the boots is in the database."""
    kinds = tuple(str(kind) for kind in (Kind.DHCP_QUESTION, Kind.DHCP_OFFER, Kind.LOADER_SENT))
    with closing(sqlite3.connect(f"file:{folder / 'provisioner.db'}?mode=ro", uri=True)) as database:
        query = "SELECT count(*) FROM events WHERE kind IN (?, ?, ?)"
        for _ in range(600):
            (count,) = database.execute(query, kinds).fetchone()
            if count >= boots * EACH:
                break
            time.sleep(0.1)
    assert count == boots * EACH


def resident(pid: int) -> int:
    """KiB."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found.group(1))


def opened(pid: int) -> int:
    """Descriptors without SQLite's: each of a few readers has its own files once it was needed."""
    return sum(not of_sqlite(what) for what in descriptors_of(pid))


def of_sqlite(what: str) -> bool:
    return "provisioner.db" in what
