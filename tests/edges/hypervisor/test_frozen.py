"""A host whose daemon is stopped with SIGSTOP: down in time, at no cost to the others, and back by itself."""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from provisioner.core.errors import Unavailable
from provisioner.hypervisor.connection import LibvirtHost
from tests.edges.hypervisor.daemon import Daemon, daemon_of_our_own, no_descriptor_kept
from tests.edges.hypervisor.samples import eventually

DOWN_SECONDS = 10


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with daemon_of_our_own() as daemon:
        yield daemon
        daemon.send(signal.SIGCONT)


@pytest.fixture
def other() -> Iterator[Daemon]:
    with daemon_of_our_own() as daemon:
        yield daemon


async def calls(host: LibvirtHost, seconds: float) -> list[float]:
    """How long each of so many seconds' calls took."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        await host.domains()
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.002)
    return took


async def test_a_frozen_host_is_down_in_time_and_slows_no_other(daemon: Daemon, other: Daemon) -> None:
    frozen, well = LibvirtHost(daemon.uri), LibvirtHost(other.uri)
    try:
        await frozen.open()
        before = await calls(well, 5)
        threads = threading.active_count()

        daemon.send(signal.SIGSTOP)
        began = time.monotonic()
        asked = [asyncio.ensure_future(frozen.domains()) for _ in range(50)]
        during = asyncio.ensure_future(calls(well, 8))
        await eventually(lambda: not frozen.up)
        down = time.monotonic() - began
        answers = await asyncio.gather(*asked, return_exceptions=True)
        all_told = time.monotonic() - began
        began = time.monotonic()
        with pytest.raises(Unavailable, match="trying to reach it again"):
            await frozen.domains()
        at_once = time.monotonic() - began
        meanwhile = await during
        grown = threading.active_count() - threads
        daemon.send(signal.SIGCONT)
        began = time.monotonic()
        await eventually(lambda: frozen.up)
        back = time.monotonic() - began
        assert await frozen.domains()
    finally:
        daemon.send(signal.SIGCONT)
        await frozen.close()
        await well.close()

    ratio = statistics.median(meanwhile) / statistics.median(before)
    tails = [statistics.quantiles(times, n=100)[98] * 1000 for times in (before, meanwhile)]
    print(
        f"down after {down:.1f} s, 50 calls ended after {all_told:.1f} s, the next one after "
        f"{at_once * 1000:.1f} ms, back {back:.1f} s after SIGCONT; calls to the other host: median x "
        f"{ratio:.2f}, p99 {tails[0]:.1f} ms before and {tails[1]:.1f} ms meanwhile; {grown} more threads"
    )
    assert down <= DOWN_SECONDS and all_told <= DOWN_SECONDS
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert at_once < 0.1 and back <= DOWN_SECONDS
    assert grown <= 8 + 4
    assert ratio < 1.5  # the figure is for a quiet machine; this catches what would block


async def test_a_host_that_is_frozen_when_it_is_first_asked(daemon: Daemon) -> None:
    daemon.send(signal.SIGSTOP)
    host = LibvirtHost(daemon.uri)
    threads = threading.active_count()
    try:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="no answer within"):
            await host.open()
        assert time.monotonic() - began <= DOWN_SECONDS
        for _ in range(100):
            with pytest.raises(Unavailable, match="trying to reach it again"):
                await host.domains()
        assert threading.active_count() - threads <= 2

        daemon.send(signal.SIGCONT)
        await eventually(lambda: host.up)
        assert await host.domains()
    finally:
        await host.close()


async def test_frozen_hosts_leave_no_descriptor(daemon: Daemon) -> None:
    async with no_descriptor_kept(daemon) as host:
        for _ in range(2):
            daemon.send(signal.SIGSTOP)
            await asyncio.gather(*(host.domains() for _ in range(20)), return_exceptions=True)
            assert not host.up
            daemon.send(signal.SIGCONT)
            await eventually(lambda: host.up)


def test_a_process_ends_although_a_frozen_host_never_answers_it(daemon: Daemon) -> None:
    daemon.send(signal.SIGSTOP)
    code = (
        "import asyncio, sys\n"
        "from provisioner.hypervisor.connection import LibvirtHost\n"
        "async def main():\n"
        "    host = LibvirtHost(sys.argv[1])\n"
        "    opening = asyncio.ensure_future(host.open())\n"
        "    await asyncio.sleep(1)\n"
        "    await host.close()\n"
        "    opening.cancel()\n"
        "asyncio.run(main())\n"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, daemon.uri],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        timeout=30,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - began < 6
