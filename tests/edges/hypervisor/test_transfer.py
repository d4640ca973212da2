"""Transfers whose daemon dies or freezes: they end, they say so, and the threads are free again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable

import pytest

from provisioner.core.errors import Unavailable
from provisioner.core.storage import PoolSpec
from provisioner.hypervisor.connection import LibvirtHost
from tests.edges.hypervisor.daemon import Daemon
from tests.edges.hypervisor.samples import eventually

MIB = 1024 * 1024
NOISE = os.urandom(MIB)
SMALL = 64 * 1024
WORKERS = 4
STREAMS = 20_000 if os.environ.get("TORTURE", "0") != "0" else 200


@pytest.fixture
async def files(daemon: Daemon) -> AsyncIterator[LibvirtHost]:
    """The storage of an unprivileged libvirtd of our own, with a pool `p`."""
    host = LibvirtHost(f"qemu+unix:///session?socket={daemon.socket}")
    await host.create_pool(PoolSpec("p", "dir", str(daemon.socket.parent.parent / "pool")))
    yield host
    await host.close()


async def noise(begun: Callable[[], None]) -> AsyncIterator[bytes]:
    for number in range(4000):
        yield NOISE
        if number == 20:
            begun()


# The thread is given up wherever it is just then, which may be a destructor of the binding.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_an_upload_ends_with_its_daemon(
    daemon: Daemon, files: LibvirtHost, fault: signal.Signals
) -> None:
    begun = asyncio.Event()
    work = asyncio.create_task(files.receive_volume("p", "v", 4000 * MIB, noise(begun.set)))
    await begun.wait()

    daemon.send(fault)
    try:
        async with asyncio.timeout(40):
            with pytest.raises(Unavailable):
                await work
    finally:
        daemon.send(signal.SIGCONT)


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_download_ends_with_its_daemon(
    daemon: Daemon, files: LibvirtHost, fault: signal.Signals
) -> None:
    async def content() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield NOISE

    await files.receive_volume("p", "v", 200 * MIB, content())
    got = 0
    try:
        async with asyncio.timeout(40), files.volume_content("p", "v") as (size, pieces):
            with pytest.raises(Unavailable):
                async for piece in pieces:
                    if not got:
                        daemon.send(fault)
                    got += len(piece)
    finally:
        daemon.send(signal.SIGCONT)

    assert 0 < got < size == 200 * MIB
    await eventually(lambda: files._link._streams._idle == files._link._streams._begun)


@pytest.mark.timeout(1800)
async def test_torture_of_streams_beside_calls(files: LibvirtHost) -> None:
    """libvirt's client mixes the two up where they share a connection, about once in a thousand streams."""

    async def content(piece: bytes) -> AsyncIterator[bytes]:
        yield piece

    async def fill_and_read(name: str) -> None:
        for number in range(STREAMS // 2 // WORKERS):
            piece = bytes([number % 256]) * SMALL
            await files.receive_volume("p", name, SMALL, content(piece), overwrite=number > 0)
            async with files.volume_content("p", name) as (_, pieces):
                assert b"".join([each async for each in pieces]) == piece

    async def ask() -> None:
        while not done.is_set():
            await files.volumes("p")

    done = asyncio.Event()
    asking = [asyncio.create_task(ask()) for _ in range(WORKERS)]
    try:
        await asyncio.gather(*(fill_and_read(f"v{number}") for number in range(WORKERS)))
    finally:
        done.set()
    await asyncio.gather(*asking)
