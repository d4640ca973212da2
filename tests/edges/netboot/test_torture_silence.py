"""Readers that leave off in the middle, and a flood of questions: what stays of them, and who is answered.

TORTURE=1 makes each of them as many, or as long, as the word in its name says.
"""

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from provisioner.boot.client import Local
from provisioner.core.install import Kind
from provisioner.netboot.proxydhcp import ProxyDhcp
from tests.edges.netboot.clients import RRQ, ack, client, fetch
from tests.edges.netboot.serving import LOADERS, Events, everybody, opened, tftp
from tests.unit.netboot.recorded import packet

FULL = os.environ.get("TORTURE", "0") != "0"
HERE = Local("lo", "127.0.0.1")
OURS = b"\6\0\0\0\0\1"
_FLOOD = """
import os, socket, sys, time
port, rate, seconds, data = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), bytes.fromhex(sys.argv[4])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
begun, sent = time.monotonic(), 0
while (now := time.monotonic() - begun) < seconds:
    while sent < now * rate:
        sock.sendto(data[:28] + b"\\2" + os.urandom(5) + data[34:], ("127.0.0.1", port))
        sent += 1
    time.sleep(0.0005)
print(sent)
"""


def until(question: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end, f"not seen within {seconds} s"
        time.sleep(0.05)


def reader(number: int) -> socket.socket:
    """One of many, at an address of its own."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((f"127.0.{2 + number // 250}.{1 + number % 250}", 0))
    sock.settimeout(10)
    return sock


def test_torture_a_thousand_last_acks_that_never_come(events: Events) -> None:
    count = 1000 if FULL else 100
    with tftp(events) as server:
        for number in range(count):
            with reader(number) as sock:
                sock.sendto(RRQ % b"empty" + b"blksize\x001428\0", ("127.0.0.1", server.port))
                _, peer = sock.recvfrom(2048)
                sock.sendto(ack(0), peer)
                assert sock.recv(2048) == b"\0\3\0\1"

        sent = events.wait(Kind.LOADER_SENT, count)
        assert all(event.text.endswith(", last block unconfirmed") for event in sent)
        assert events.of(Kind.LOADER_FAILED) == []
        assert server.transfers == 0


@pytest.mark.timeout(900)
def test_torture_ten_thousand_abandoned_requests_of_one_address(events: Events) -> None:
    with tftp(events) as server:
        for number in range(10_000 if FULL else 500):
            with client() as sock:
                sock.sendto(RRQ % b"snponly.efi", ("127.0.0.1", server.port))
                sock.recv(2048)
            if number % 100 == 0:
                assert server.transfers <= 16

        with reader(0) as stranger:
            begun = time.monotonic()
            stranger.sendto(RRQ % b"empty", ("127.0.0.1", server.port))
            assert stranger.recv(2048) == b"\0\3\0\1"
            assert not FULL or time.monotonic() - begun <= 1
        assert fetch(server.port, b"snponly.efi") == LOADERS["snponly.efi"]
        until(lambda: server.transfers == 0, 30)


def ask(sock: socket.socket, question: bytes, port: int) -> None:
    """As a ROM does: once more after a second, eight times."""
    sock.settimeout(1)
    for _ in range(8):
        sock.sendto(question, ("127.0.0.1", port))
        try:
            while sock.recv(2048)[4:8] != question[4:8]:
                pass
        except TimeoutError:
            continue
        return
    raise AssertionError("a ROM would have given up")


@pytest.mark.timeout(300)
def test_torture_a_flood_of_fifty_thousand_strangers_a_second(events: Events) -> None:
    """The machine that we know is answered; of the strangers as many as the limit for all of them says."""
    rate, seconds = (50_000, 30.0) if FULL else (5_000, 2.0)
    question = packet("uefi-4011-3")
    with client() as free:
        port = free.getsockname()[1]

    def open_it() -> ProxyDhcp:
        proxy = ProxyDhcp(HERE, everybody, events.told(HERE), known=lambda mac: mac == OURS.hex(":"))
        proxy.open(0, port)
        return proxy

    with opened(open_it, ProxyDhcp.close), client() as sock:
        words = [sys.executable, "-c", _FLOOD, str(port), str(rate), str(seconds), question.hex()]
        flood = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        waited, asked = [], 0
        while flood.poll() is None:
            asked += 1
            xid = struct.pack("!I", asked)
            begun = time.monotonic()
            ask(sock, question[:4] + xid + question[8:28] + OURS + question[34:], port)
            waited.append(time.monotonic() - begun)
            time.sleep(0.15)
        sent = int(flood.communicate()[0])

    p99 = sorted(waited)[int(len(waited) * 0.99)]
    offers = len(events.of(Kind.DHCP_OFFER)) - asked
    print(f"{sent} strangers in {seconds:.0f} s, {offers} answered; the known one p99 {p99 * 1000:.0f} ms")
    assert offers < sent
    assert not FULL or (offers <= 1000 + 500 * (seconds + 2) and p99 <= 0.25)
