"""What a socket of many clients receives and sends, by few system calls and by many alike."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from provisioner.netboot.datagrams import Datagrams, Plain, bound
from provisioner.netboot.framing import Frames
from provisioner.netboot.mmsg import Batches, best

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(bound("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with closing(bound("127.0.0.1", 0)) as sock:
        sock.settimeout(10)
        yield sock


@pytest.fixture(params=[Batches, Plain])
def datagrams(server: socket.socket, request: pytest.FixtureRequest) -> Datagrams:
    make: Callable[[socket.socket], Datagrams] = request.param
    return make(server)


def test_this_platform_has_the_fast_ones(server: socket.socket) -> None:
    assert isinstance(best(server), Batches)


def test_what_comes_is_told_in_order_with_whom_it_comes_from(
    server: socket.socket, client: socket.socket, datagrams: Datagrams
) -> None:
    with closing(bound("127.0.0.2", 0)) as other:
        other.sendto(b"\0\4\1\2", server.getsockname())
        for packet in (b"\0\4\xff\xff", b"\0\5\0\x08no room\0", b"\0\4\0\1 and more", b"\0\4\0", b"", b"\0"):
            client.sendto(packet, server.getsockname())
        them, it = datagrams.key(other.getsockname()), datagrams.key(client.getsockname())

        assert list(datagrams.receive()) == [
            (them, 0x40102),
            (it, 0x4FFFF),
            (it, 0x50008),
            (it, 0x40001),
            (it, 0),
            (it, 0),
            (it, 0),
        ]
        assert datagrams.text(2) == b"no room\0"
        assert datagrams.text(3) == b" and more"
        assert list(datagrams.taken(b"\0\5\0\0no", other.getsockname())) == [(them, 0x50000)]
        assert datagrams.text(0) == b"no"
        assert list(datagrams.taken(b"\0\5", other.getsockname())) == [(them, 0)]
    assert list(datagrams.receive()) == []


def test_a_long_text_is_cut(server: socket.socket, client: socket.socket, datagrams: Datagrams) -> None:
    client.sendto(b"\0\5\0\0" + b"x" * 1000, server.getsockname())
    ((_, word),) = datagrams.receive()

    assert (word, datagrams.text(0)) == (0x50000, b"x" * 100)


def test_more_than_fit_one_go_come_with_the_next(
    server: socket.socket, client: socket.socket, datagrams: Datagrams
) -> None:
    for number in range(200):
        client.sendto(struct.pack("!HH", 4, number), server.getsockname())
    found = [word & 0xFFFF for _ in range(2) for _, word in datagrams.receive()]

    assert found == [*range(200)]


@pytest.mark.parametrize("blksize", [8, 512, 1468, 8192])
def test_windows_arrive_as_single_blocks(client: socket.socket, datagrams: Datagrams, blksize: int) -> None:
    frames = Frames(CONTENT, blksize)
    frames.make(frames.blocks)
    last = min(frames.blocks, 70)
    key = datagrams.key(client.getsockname())
    first = max(1, last - 66)
    datagrams.put_window(frames, first, last, key)
    datagrams.put(frames, last, key)
    datagrams.flush()

    for block in range(first, last + 1):
        packet = client.recv(65536)
        assert packet[:4] == struct.pack("!HH", 3, block)
        assert packet[4:] == CONTENT[(block - 1) * blksize : block * blksize]


def test_the_last_block_of_a_window_may_be_short(client: socket.socket, datagrams: Datagrams) -> None:
    frames = Frames(CONTENT[:1300], 512)
    frames.make(3)
    datagrams.put_window(frames, 1, 4, datagrams.key(client.getsockname()))
    datagrams.flush()

    assert [len(client.recv(2048)) for _ in range(3)] == [516, 516, 4 + 276]


def test_what_cannot_leave_is_lost_and_the_rest_goes(client: socket.socket, datagrams: Datagrams) -> None:
    frames = Frames(CONTENT, 512)
    frames.make(8)
    nowhere = datagrams.key(("255.255.255.255", 9))  # not without SO_BROADCAST
    datagrams.put_window(frames, 1, 5, nowhere)
    datagrams.put(frames, 1, nowhere)
    datagrams.send(b"\0\5\0\0x\0", nowhere)
    datagrams.put_window(frames, 1, 5, datagrams.key(client.getsockname()))
    datagrams.flush()

    assert [client.recv(2048)[3] for _ in range(4)] == [1, 2, 3, 4]


def test_more_than_the_send_buffer_holds_ends_nothing(
    server: socket.socket, client: socket.socket, datagrams: Datagrams
) -> None:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    frames = Frames(CONTENT, 1024)
    frames.make(frames.blocks)
    key = datagrams.key(client.getsockname())
    for _ in range(20):
        datagrams.put_window(frames, 1, 64, key)
    datagrams.flush()

    assert client.recv(2048)[:4] == b"\0\3\0\1"
