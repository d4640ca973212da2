"""Windows (RFC 7440), and what a client is granted by policy and by what its path bore before."""

import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from provisioner.core.install import Kind
from provisioner.netboot.datagrams import Plain
from provisioner.netboot.mmsg import best
from provisioner.netboot.transfer import Policy
from tests.edges.netboot.clients import RRQ, ack, client, fetch, windowed
from tests.edges.netboot.serving import LOADERS, Events, tftp


def test_a_window_is_sent_at_once_and_goes_on_after_a_gap(port: int) -> None:
    with client() as sock:
        sock.sendto(RRQ % b"undionly.kpxe" + b"windowsize\x004\0", ("127.0.0.1", port))
        _, peer = sock.recvfrom(2048)
        sock.sendto(ack(0), peer)
        assert [sock.recv(2048)[3] for _ in range(4)] == [1, 2, 3, 4]
        sock.sendto(ack(2), peer)
        assert [sock.recv(2048)[3] for _ in range(4)] == [3, 4, 5, 6]
        sock.sendto(b"\0\5\0\0enough\0", peer)


@pytest.mark.parametrize("window", [2, 16, 64])
def test_a_file_comes_whole_in_windows(port: int, window: int) -> None:
    for name in ("snponly.efi", "undionly.kpxe"):
        assert windowed(port, name.encode(), window) == LOADERS[name]


@pytest.mark.parametrize("window", [1, 16])
def test_transfers_that_make_way_come_whole(events: Events, window: int) -> None:
    asked = count(1)
    with tftp(events, behind=lambda: bool(next(asked))) as server, ThreadPoolExecutor(3) as pool:
        got = list(pool.map(lambda _: windowed(server.port, b"snponly.efi", window), range(3)))

    assert set(got) == {LOADERS["snponly.efi"]}
    assert next(asked) > 1


def test_many_at_once_share_the_frames(port: int, events: Events) -> None:
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda number: windowed(port, b"snponly.efi", 1 + number % 3 * 8), range(16)))

    assert set(got) == {LOADERS["snponly.efi"]}
    assert {event.data["windowsize"] for event in events.wait(Kind.LOADER_SENT, 16)} == {1, 9, 17}


def test_what_the_client_says_against_it_is_told(port: int, events: Events) -> None:
    with client() as sock:
        sock.sendto(RRQ % b"snponly.efi", ("127.0.0.1", port))
        _, peer = sock.recvfrom(2048)
        sock.sendto(ack(1), peer)
        sock.sendto(b"\0\5\0\3disk is full\0", peer)
        (failed,) = events.wait(Kind.LOADER_FAILED)

    assert failed.text.startswith("snponly.efi: the client gave up after 512 bytes in ")
    assert failed.text.endswith(" s: error 3 disk is full")


def test_a_port_that_asks_again_hears_no_error_for_what_comes_late(port: int) -> None:
    with client() as sock:
        for _ in range(3):
            sock.sendto(RRQ % b"empty", ("127.0.0.1", port))
            data, peer = sock.recvfrom(2048)
            assert data == b"\0\3\0\1"
            for _ in range(2):
                sock.sendto(ack(1), peer)


def test_a_path_with_gaps_is_granted_smaller_windows(port: int) -> None:
    def granted(sock: socket.socket) -> tuple[int, tuple[str, int]]:
        sock.sendto(RRQ % b"snponly.efi" + b"windowsize\x0032\0", ("127.0.0.1", port))
        while True:  # what is left of the transfer before
            data, peer = sock.recvfrom(2048)
            if data[1] == 6:
                return int(data.split(b"\0")[2]), peer

    with client() as sock:
        window, peer = granted(sock)
        for acknowledged in range(4):  # each says that the block after it is missing
            sock.sendto(ack(acknowledged), peer)
            while sock.recv(2048)[2:4] != struct.pack("!H", acknowledged + 1):
                pass
        sock.sendto(b"\0\5\0\0enough\0", peer)
        again, peer = granted(sock)
        sock.sendto(b"\0\5\0\0enough\0", peer)

    assert (window, again) == (32, 16)


@pytest.mark.parametrize("datagrams", [best, Plain])
def test_block_numbers_that_roll_over_to_1(events: Events, datagrams: type[Plain]) -> None:
    content, last = bytes(8 * 70_000), 70_001
    with (
        tftp(events, give=lambda *_: content, policy=Policy(rollover=1), datagrams=datagrams) as server,
        client() as sock,
    ):
        sock.sendto(RRQ % b"snponly.efi" + b"windowsize\x0064\0blksize\x008\0", ("127.0.0.1", server.port))
        _, peer = sock.recvfrom(2048)
        sock.sendto(ack(0), peer)
        for block in range(1, last + 1):
            number = (block - 1) % 0xFFFF + 1
            while sock.recv(2048)[2:4] != struct.pack("!H", number):
                pass  # a repeat, where this test is slow
            if block % 64 == 0 or block == last:
                sock.sendto(ack(number), peer)
        (sent,) = events.wait(Kind.LOADER_SENT)

    assert sent.data["bytes"] == len(content)


def test_a_timer_of_the_clients_own_is_left_out_unless_the_policy_has_it(events: Events) -> None:
    asking = RRQ % b"snponly.efi" + b"timeout\x003\0tsize\x000\0"
    for policy, options in ((Policy(), b"tsize"), (Policy(timeout=True), b"tsize timeout")):
        with tftp(events, policy=policy) as server, client() as sock:
            sock.sendto(asking, ("127.0.0.1", server.port))
            data, peer = sock.recvfrom(2048)
            sock.sendto(b"\0\5\0\0enough\0", peer)
            assert data[2:].split(b"\0")[:-1:2] == options.split()


def test_a_lossy_wire_is_told(port: int, events: Events) -> None:
    fetch(port, b"snponly.efi", loss=0.1)
    (sent,) = events.wait(Kind.LOADER_SENT)

    assert sent.data["lossy"] is True
    assert f", {sent.data['losses']} losses in 126 blocks" in sent.text
