"""A libvirtd of our own, killed and frozen: the connection mends itself and tells what it missed."""

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Unavailable
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.plan import plan_guest
from provisioner.plan.steps import Plan
from tests.edges.hypervisor.daemon import Daemon, no_descriptor_kept
from tests.edges.hypervisor.living import living, read_until
from tests.edges.hypervisor.samples import MINI, eventually, small_spec
from tests.steps import given, host_steps


@pytest.fixture
async def host(daemon: Daemon) -> AsyncIterator[LibvirtHost]:
    host = LibvirtHost(daemon.uri)
    await host.open()
    yield host
    await host.close()


async def make(host: LibvirtHost) -> Plan:
    spec = small_spec("default-pool")
    plan = plan_guest(spec, await host.facts(), MINI, given(spec.name))
    for step in host_steps(plan.steps):
        await host.apply(step)
    return plan


async def test_a_killed_daemon_is_found_again_and_what_was_missed_is_told(
    daemon: Daemon, host: LibvirtHost
) -> None:
    seen: list[tuple[str, str]] = []
    host.watch(lambda name, uuid, event: seen.append((name, event)))
    lost = (await make(host)).guest
    await eventually(lambda: len(seen) == 1)

    daemon.kill()
    await eventually(lambda: not host.up)
    with pytest.raises(Unavailable, match="went away"):
        await host.domains()

    daemon.start()
    await eventually(lambda: host.up)
    # The test driver forgets everything with its process: to us the guest was stopped and undefined.
    await eventually(lambda: len(seen) == 3)
    later = (await make(host)).guest
    await eventually(lambda: len(seen) == 4)

    assert seen == [(lost, "started"), (lost, "stopped"), (lost, "undefined"), (later, "started")]


async def test_a_daemon_that_dies_again_and_again(daemon: Daemon, host: LibvirtHost) -> None:
    for _ in range(5):
        daemon.kill()
        await eventually(lambda: not host.up)
        daemon.start()
        await eventually(lambda: host.up)

        assert [domain.name for domain in await host.domains()] == ["test"]


async def test_a_frozen_daemon_is_given_up_and_found_again(daemon: Daemon, host: LibvirtHost) -> None:
    daemon.send(signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            await host.domains()
        await eventually(lambda: not host.up)
    finally:
        daemon.send(signal.SIGCONT)

    await eventually(lambda: host.up)
    assert await host.domains()


async def test_a_daemon_that_is_not_there_yet(daemon: Daemon) -> None:
    daemon.kill()
    host = LibvirtHost(daemon.uri)
    try:
        with pytest.raises(Unavailable, match="libvirt at test"):
            await host.domains()

        began = time.monotonic()
        with pytest.raises(Unavailable, match="trying to reach it again"):
            await host.domains()
        assert time.monotonic() - began < 0.1

        daemon.start()
        await eventually(lambda: host.up)
        assert await host.domains()
    finally:
        await host.close()


async def test_lost_connections_leave_no_descriptor(daemon: Daemon) -> None:
    async with no_descriptor_kept(daemon) as host:
        for _ in range(3):
            daemon.kill()
            await eventually(lambda: not host.up)
            daemon.start()
            await eventually(lambda: host.up)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGSTOP])
async def test_a_console_ends_with_its_daemon(daemon: Daemon, folder: Path, end: signal.Signals) -> None:
    host = LibvirtHost(daemon.uri.replace("test+unix:///default", "qemu+unix:///session"))
    shutil.chown(folder, "nobody")
    async with living(host, folder, "<serial type='pty'/>") as guest:
        console = await host.console(*guest.key, force=False)
        async with asyncio.timeout(60):
            await console.write(b"there?")
            await read_until(console, b"there?")
            daemon.send(end)
            while await console.read():
                pass
        await console.close()

        if end == signal.SIGSTOP:
            daemon.send(signal.SIGCONT)
        else:
            daemon.kill()
            daemon.start()
        await eventually(lambda: host.up)
    await host.close()
