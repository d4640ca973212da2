"""Mutated packets by the ten thousand, from a seed: nothing ends a loop, and a good client is still served.

TORTURE=1 makes it a million for each parser, TORTURE=N makes it N; each prints how many it sent, and how soon
a good client was answered meanwhile.
"""

import logging
import os
import random
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from provisioner.boot.client import Local
from provisioner.netboot.proxydhcp import ProxyDhcp
from provisioner.netboot.tftp import Tftp
from tests.edges.netboot.clients import RRQ, ack, client, fetch
from tests.edges.netboot.serving import LOADERS, Events, everybody, loader, opened
from tests.unit.netboot.recorded import packet, packets

COUNT = {"": 10_000, "0": 10_000, "1": 1_000_000}.get(os.environ.get("TORTURE", "")) or int(
    os.environ["TORTURE"]
)
BATCH = 50
LONG = 100_000
PATIENCE = 0.05
"""Seconds within which 99 of 100 good questions are answered; judged in the long runs alone."""
HERE = Local("lo", "127.0.0.1")


def mutated(seeds: list[bytes], chance: random.Random) -> bytes:
    """A seed with one to eight injuries."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(8):
            case 0 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 1 if data:
                data[at % len(data)] = chance.choice((0, 1, 2, 3, 4, 5, 6, 127, 128, 254, 255))
            case 2:
                del data[at:]
            case 3:
                data[at:at] = chance.randbytes(chance.randrange(1, 20))
            case 4:
                del data[at : at + chance.randrange(1, 9)]
            case 5:
                data[at:at] = bytes(chance.choice(seeds))[: chance.randrange(400)]
            case 6:
                data[at:at] = bytes(chance.randrange(1, 300))
            case _:
                data[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"9999", b"-1\0\0", b"\0abc"))
    return bytes(data[:1400])


@pytest.fixture
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails where anything reached a guard: every broken packet has to be expected, not caught."""
    yield
    assert [
        record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR
    ] == []


@pytest.mark.timeout(3000)
def test_torture_tftp(silence: None) -> None:
    chance = random.Random(69)
    seeds = [data for port, data in packets().values() if port == 69]
    seeds += [RRQ % b"snponly.efi", RRQ % b"x" + b"timeout\x001\0tsize\x000\0", b"\0\2up\0octet\0"]
    replies = [ack(0), ack(1), ack(65535), b"\0\5\0\0no\0", b"\0\3\0\1" + bytes(100), b"\0\6blksize\x001\0"]

    def open_it() -> Tftp:
        tftp = Tftp(HERE, 1500, loader, Events().told(HERE))
        tftp.open(0)
        return tftp

    with opened(open_it, Tftp.close) as tftp, client() as probe:
        evil = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(8)]
        waited = []
        try:
            for number, sock in enumerate(evil):
                sock.bind((f"127.0.1.{number + 1}", 0))
                sock.setblocking(False)
            for batch in range(COUNT // BATCH):
                for _ in range(BATCH):
                    chance.choice(evil).sendto(mutated(seeds, chance), ("127.0.0.1", tftp.port))
                asked = time.monotonic()
                probe.sendto(RRQ % b"barrier", ("127.0.0.1", tftp.port))
                assert probe.recv(2048).startswith(b"\0\5\0\1")
                waited.append(time.monotonic() - asked)
                for sock in evil:
                    answer_back(sock, mutated(replies, chance))
                if batch % 40 == 0:
                    assert fetch(tftp.port, b"undionly.kpxe") == LOADERS["undionly.kpxe"]
        finally:
            for sock in evil:
                sock.close()

        assert fetch(tftp.port, b"snponly.efi") == LOADERS["snponly.efi"]
    summed("TFTP", waited)


def summed(parser: str, waited: list[float]) -> None:
    """Prints what was done; `waited` are the seconds until each good question was answered."""
    p99 = sorted(waited)[int(len(waited) * 0.99)]
    print(f"{parser}: {COUNT} mutated packets, {len(waited)} good questions, p99 {p99 * 1000:.1f} ms")
    assert COUNT < LONG or p99 <= PATIENCE


def answer_back(sock: socket.socket, data: bytes) -> None:
    """Empties a socket and answers each transfer with something broken."""
    while True:
        try:
            _, peer = sock.recvfrom(2048)
        except BlockingIOError:
            return
        sock.sendto(data, peer)


@pytest.mark.timeout(3000)
def test_torture_dhcp(silence: None) -> None:
    chance = random.Random(67)
    seeds = [data for port, data in packets().values() if port != 69]
    events = Events()

    def open_it() -> ProxyDhcp:
        proxy = ProxyDhcp(HERE, everybody, events.told(HERE), known=anybody)
        proxy.open(0, port)
        return proxy

    broadcaster = ProxyDhcp(HERE, everybody, Events().told(HERE), known=anybody)
    waited = []
    with client() as sock:
        with client() as free:
            port = free.getsockname()[1]
        with opened(open_it, ProxyDhcp.close):
            answered = 0
            for number in range(COUNT // BATCH):
                sent = [with_mac(mutated(seeds, chance), chance) for _ in range(BATCH)]
                for data in sent:
                    sock.sendto(data, ("127.0.0.1", port))
                good, asked = good_request(number), time.monotonic()
                sock.sendto(good, ("127.0.0.1", port))
                while True:
                    reply = sock.recv(2048)
                    lawful(reply)
                    if reply[4:8] == good[4:8]:
                        waited.append(time.monotonic() - asked)
                        break
                    (question,) = [data for data in sent if data[4:8] == reply[4:8]][:1]
                    assert b"PXEClient" in question or b"HTTPClient" in question
                    answered += 1
                answer = broadcaster.answer(with_mac(mutated(seeds, chance), chance), 67)
                if answer is not None:
                    lawful(answer)

            assert answered > COUNT / 100, "the injuries are so deep that nothing behind the parser was tried"
    summed("DHCP", waited)


def anybody(mac: str) -> bool:
    """As if every machine were known: the limit for all strangers together must not stand in the way."""
    return True


def with_mac(data: bytes, chance: random.Random) -> bytes:
    """Another machine and another question each time: the limit for one of them must not stand in the way."""
    return (
        data
        if len(data) < 34
        else data[:4] + chance.randbytes(4) + data[8:28] + b"\2" + chance.randbytes(5) + data[34:]
    )


def good_request(number: int) -> bytes:
    data = packet("uefi-4011-3")
    return (
        data[:4] + struct.pack("!I", number) + data[8:28] + b"\6" + struct.pack("!BI", 0, number) + data[34:]
    )


def lawful(reply: bytes) -> None:
    """A reply without an address for anybody."""
    assert reply[0] == 2
    assert reply[16:20] == bytes(4)
    assert len(reply) <= 548
