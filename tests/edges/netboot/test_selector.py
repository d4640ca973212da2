"""The loop that serves some sockets where it waits: everything else goes on beside them."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from typing import TypeVar

import pytest

from provisioner.boot.client import Local
from provisioner.netboot.datagrams import bound
from provisioner.netboot.selector import HotLoop
from provisioner.netboot.tftp import Tftp
from tests.edges.netboot.clients import fetch
from tests.edges.netboot.serving import LOADERS, Events, loader

T = TypeVar("T")


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        return await asyncio.wait_for(work(), 30)

    with asyncio.Runner(loop_factory=HotLoop) as runner:
        return runner.run(main())


@pytest.fixture
def hot() -> Iterator[socket.socket]:
    with closing(bound("127.0.0.1", 0)) as sock:
        yield sock


def serve(sock: socket.socket, served: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, HotLoop)
    loop.selector.serve(sock.fileno(), served)


def flood(sock: socket.socket, left: list[int]) -> Callable[[], bool]:
    """Each packet brings the next one, to the same socket: it is readable without an end."""

    def served() -> bool:
        sock.recv(100)
        left.append(0)
        sock.sendto(b"x", sock.getsockname())
        return True

    return served


def test_timers_and_other_sockets_have_their_turn_in_a_flood(hot: socket.socket) -> None:
    async def work() -> bytes:
        seen: list[int] = []
        serve(hot, flood(hot, seen))
        hot.sendto(b"x", hot.getsockname())
        await asyncio.sleep(0.02)
        assert seen
        with closing(bound("127.0.0.1", 0)) as other:
            other.sendto(b"mine", other.getsockname())
            return await asyncio.get_running_loop().sock_recv(other, 100)

    assert run(work) == b"mine"


def test_of_two_floods_the_loops_own_goes_first_and_the_other_goes_on(hot: socket.socket) -> None:
    async def work() -> list[str]:
        order: list[str] = []
        left: list[int] = []
        served = flood(hot, left)
        with closing(bound("127.0.0.1", 0)) as other:
            again = flood(other, [])

            def noting(name: str, it: Callable[[], bool]) -> bool:
                order.append(name)
                return it()

            asyncio.get_running_loop().add_reader(other, noting, "own", again)
            serve(hot, lambda: noting("hot", served))
            hot.sendto(b"x", hot.getsockname())
            other.sendto(b"x", other.getsockname())
            while len(order) < 50:
                await asyncio.sleep(0)
            asyncio.get_running_loop().remove_reader(other)
        return order

    order = run(work)
    assert order[0] == "own"
    assert 10 < order.count("hot") <= order.count("own")


def test_other_threads_are_heard_in_a_flood(hot: socket.socket) -> None:
    async def work() -> int:
        serve(hot, flood(hot, []))
        hot.sendto(b"x", hot.getsockname())
        return await asyncio.to_thread(lambda: 7)

    assert run(work) == 7


def test_what_a_packet_brings_about_is_done_at_once(hot: socket.socket) -> None:
    async def work() -> None:
        done = asyncio.Event()

        def served() -> bool:
            hot.recv(100)
            done.set()
            return False

        serve(hot, served)
        hot.sendto(b"x", hot.getsockname())
        await done.wait()

    run(work)


def test_a_socket_that_is_forgotten_is_not_served(hot: socket.socket) -> None:
    async def work() -> list[int]:
        seen: list[int] = []
        serve(hot, flood(hot, seen))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HotLoop)
        loop.selector.forget(hot.fileno())
        hot.sendto(b"x", hot.getsockname())
        await asyncio.sleep(0.05)
        return seen

    assert run(work) == []


async def test_tftp_is_served_by_asyncios_own_loop_too() -> None:
    here = Local("lo", "127.0.0.1")
    server = Tftp(here, 1500, loader, Events().told(here))
    server.open(0)
    try:
        assert await asyncio.to_thread(fetch, server.port, b"snponly.efi") == LOADERS["snponly.efi"]
    finally:
        server.close()
