"""How a guest ends that was not to end, as libvirt tells it, and how its install is explained."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.core.errors import ProvisionerError
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.steps import CreateVolume, StopDomain, UndefineDomain
from provisioner.service.installs import whole_timeline
from provisioner.service.progress import Progress
from provisioner.service.why import Why, explain
from tests.edges.hypervisor.living import living
from tests.edges.hypervisor.test_driver import ours, plan_for
from tests.fakes import START, FakeClock
from tests.memory import MemoryStore
from tests.proofs import MADE, explained, proves
from tests.steps import host_steps


class Watched:
    """An install in the middle of its work, whose guest's events are noted as the service notes them."""

    def __init__(self, host: LibvirtHost) -> None:
        self.store = MemoryStore(FakeClock())
        self.progress = Progress(self.store, FakeClock())
        self.install = Install("i1", "web1", "52:54:00:00:00:01", "", "p", Stage.PLANNED, START, START)
        host.watch(self.progress.on_domain_event)

    async def begins(self, uuid: str, reached: Kind = Kind.ANSWER_SERVED) -> None:
        """The guest of that UUID has its answer file, or came as far as is said."""
        await self.store.add_install(replace(self.install, uuid=uuid), None)
        kinds = (Kind.CREATING, Kind.STARTED, reached)
        await self.store.record([Event(kind, START, "test", install="i1") for kind in kinds])

    async def ended(self) -> Why:
        async with asyncio.timeout(30):
            while not await self.store.events(kinds=[Kind.STOPPED, Kind.ALARM]):
                await asyncio.sleep(0.02)
        return await self.explained()

    async def explained(self) -> Why:
        await self.progress.drain()
        return explain(await self.store.install("i1"), await whole_timeline(self.store, self.install))


@proves("guest-off")
async def test_a_guest_that_somebody_switches_off(driver: LibvirtHost) -> None:
    watched = Watched(driver)
    for step in host_steps((await plan_for(driver)).steps):
        await driver.apply(step)
    [guest] = await ours(driver)
    await watched.begins(guest.uuid)

    await driver.apply(StopDomain(guest.name, guest.uuid))

    assert (await watched.ended()).diagnosis == "guest-off"


@proves("guest-removed")
async def test_a_guest_that_somebody_removes(driver: LibvirtHost) -> None:
    watched = Watched(driver)
    steps = host_steps((await plan_for(driver)).steps)
    for step in steps[:-1]:
        await driver.apply(step)
    [guest] = await ours(driver)
    await watched.begins(guest.uuid)

    await driver.apply(UndefineDomain(guest.name, guest.uuid))

    found = await watched.ended()
    assert found.diagnosis == "guest-removed"
    assert "somebody removed web1 from libvirt" in found.cause


@proves("guest-crashed")
async def test_a_qemu_that_dies(system: LibvirtHost, folder: Path) -> None:
    watched = Watched(system)
    async with living(system, folder) as guest:
        await watched.begins(guest.uuid)
        pid = int(Path(f"/run/libvirt/qemu/{guest.name}.pid").read_text())

        os.kill(pid, signal.SIGKILL)

        found = await watched.ended()
    assert found.diagnosis == "guest-crashed"
    assert "/var/log/libvirt/qemu/web1.log" in found.remedy


@proves("boot-loop")
async def test_a_kernel_that_starts_again_and_again(system: LibvirtHost, folder: Path) -> None:
    watched = Watched(system)
    async with living(system, folder, reset=True) as guest:
        await watched.begins(guest.uuid, Kind.KERNEL_SENT)
        async with asyncio.timeout(60):
            while len(await watched.store.events(kinds=[Kind.REBOOTED])) < 3:
                await asyncio.sleep(0.05)
        found = await watched.explained()

    assert found.diagnosis == "boot-loop"
    assert "web1 starts again and again" in found.cause


@proves("create-failed")
async def test_a_pool_that_is_not_there(driver: LibvirtHost) -> None:
    with pytest.raises(ProvisionerError) as refused:
        await driver.apply(CreateVolume("nowhere", "web1-i1", 1, "qcow2"))

    happened = [Event(Kind.CREATE_FAILED, START, "service", text=str(refused.value))]
    found = explained(MADE[:2], happened, late=False)
    assert found.diagnosis == "create-failed"
    assert "nowhere" in found.cause
