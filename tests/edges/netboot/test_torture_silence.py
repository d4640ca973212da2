"""Readers that leave off in the middle: what stays of them, and who is answered.

TORTURE=1 makes each of them as many, or as long, as the word in its name says.
"""

import os
import socket
import time
from collections.abc import Callable

import pytest

from provisioner.core.install import Kind
from tests.edges.netboot.clients import RRQ, ack, client, fetch
from tests.edges.netboot.serving import LOADERS, Events, tftp

FULL = os.environ.get("TORTURE", "0") != "0"


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
