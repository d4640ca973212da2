"""After a first stage: started again from its disk, once; what only the installer needed is removed."""

from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, Unavailable
from provisioner.core.install import Kind, Stage
from provisioner.plan.steps import DeleteVolume, StartDomain
from tests.unit.service.stocked import ASKED, Asked, Stocked, stocked

FIRST = {name: asked for name, asked in ASKED.items() if asked.first}
EVERY = pytest.mark.parametrize("asked", FIRST.values(), ids=FIRST)
URL, ISO, ALONE = ASKED["url"], ASKED["iso"], ASKED["iso, nobody answers"]


@pytest.fixture
async def world() -> Stocked:
    return await stocked()


async def begun(world: Stocked, asked: Asked, *kinds: Kind) -> None:
    """A guest in its first stage, of which these events are known; its applied steps are forgotten."""
    await world.guests().create(asked.request)
    await world.happen(*kinds)
    world.libvirt.applied.clear()


async def state(world: Stocked) -> str:
    (domain,) = world.libvirt.there.values()
    return domain.state


def starts(world: Stocked) -> list[StartDomain]:
    return [step for step in world.libvirt.applied if isinstance(step, StartDomain)]


async def off(world: Stocked) -> None:
    """The guest goes off, and nobody is told."""
    await world.libvirt.shutdown("web1")


INSTALLED = (Kind.ANSWER_SERVED, Kind.SUCCEEDED)


@EVERY
async def test_it_is_started_from_its_disk_and_its_volumes_go(world: Stocked, asked: Asked) -> None:
    await begun(world, asked, *INSTALLED)
    await off(world)
    await world.happen(Kind.STOPPED)

    for _ in range(3):
        await world.aftercare().tick()

    row = await world.memory.guest("web1")
    assert starts(world) == [StartDomain("web1", row.spec.uuid)]
    assert world.by_definition()
    assert {step.name for step in world.libvirt.applied if isinstance(step, DeleteVolume)} == {
        f"web1-i1{suffix}" for suffix in asked.temporary
    }
    assert world.lacking() == []
    assert (row.first_stage, row.holdings.temporary) == (False, ())
    assert {name for _, name in row.holdings.owned} == world.made()


@EVERY
async def test_while_it_runs_it_is_waited_for(world: Stocked, asked: Asked) -> None:
    """Success was reported and settled, and the installer takes its time to reboot."""
    await begun(world, asked, *INSTALLED, Kind.SETTLED)

    await world.aftercare().tick()
    assert world.libvirt.applied == []
    assert (await world.memory.guest("web1")).first_stage
    await off(world)
    await world.aftercare().tick()

    assert len(starts(world)) == 1


@EVERY
async def test_before_its_answers_were_fetched_nothing_is_done(world: Stocked, asked: Asked) -> None:
    """Afterwards it boots its disk, as by PXE: a report may be lost, and a first boot tells then."""
    await begun(world, asked)
    await off(world)
    answered = (await world.memory.install("web1")).answered is not None
    needed = (await world.memory.guest("web1")).holdings.temporary

    await world.aftercare().tick()

    row = await world.memory.guest("web1")
    assert (len(starts(world)), row.first_stage) == (int(answered), not answered)
    assert row.holdings.temporary == needed, "its install is not over"


@pytest.mark.parametrize("end", [Kind.FAILED, Kind.CANCELLED, Kind.DEADLINE])
@EVERY
async def test_an_install_that_did_not_succeed_is_not_started(
    world: Stocked, asked: Asked, end: Kind
) -> None:
    await begun(world, asked, end)
    await world.aftercare().tick()
    assert world.libvirt.applied == [], "its installer may be looked at on the console"
    await off(world)

    await world.aftercare().tick()

    row = await world.memory.guest("web1")
    assert starts(world) == []
    assert await state(world) == "shut off"
    assert (row.first_stage, row.holdings.temporary) == (False, ())
    assert not world.made() & {f"web1-i1{suffix}" for suffix in asked.temporary}


async def test_a_crash_is_an_end_as_well(world: Stocked) -> None:
    await begun(world, URL, *INSTALLED, Kind.SETTLED)
    uuid = (await world.memory.guest("web1")).spec.uuid
    world.libvirt._state(uuid, "crashed")

    await world.aftercare().tick()

    assert len(starts(world)) == 1


async def test_a_guest_of_pxe_is_none_of_its_business(world: Stocked) -> None:
    await begun(world, ASKED["pxe"], *INSTALLED, Kind.REBOOTED)
    await off(world)

    await world.aftercare().tick()
    await world.aftercare().look("web1")

    assert world.libvirt.applied == []


async def test_where_libvirt_is_away_it_is_looked_at_later(
    world: Stocked, caplog: pytest.LogCaptureFixture
) -> None:
    await begun(world, URL, *INSTALLED)
    await off(world)
    await world.happen(Kind.STOPPED)
    world.libvirt.down = True

    await world.aftercare().tick()
    assert "the first stage of web1 is over, but: libvirt at qemu:///system does not answer" in caplog.text
    assert (await world.memory.guest("web1")).first_stage
    world.libvirt.down = False
    await world.aftercare().tick()

    assert await state(world) == "running"
    assert not (await world.memory.guest("web1")).first_stage


async def test_a_start_that_fails_is_tried_again(world: Stocked, caplog: pytest.LogCaptureFixture) -> None:
    await begun(world, URL, *INSTALLED)
    await off(world)
    await world.happen(Kind.STOPPED)
    world.libvirt.fail = {StartDomain: ("before", Conflict("the network is not active"))}

    await world.aftercare().tick()
    assert "the network is not active" in caplog.text
    world.libvirt.fail = {}
    await world.aftercare().tick()

    assert await state(world) == "running"


async def test_a_volume_that_cannot_be_deleted_starts_nobody_a_second_time(world: Stocked) -> None:
    await begun(world, URL, *INSTALLED)
    await off(world)
    await world.happen(Kind.STOPPED)
    world.libvirt.fail = {DeleteVolume: ("before", Unavailable("the pool is busy"))}

    await world.aftercare().tick()
    assert await state(world) == "running"
    await off(world)
    world.libvirt.fail = {}
    await world.aftercare().tick()

    assert await state(world) == "shut off", "whoever switched it off now means it"
    assert len(starts(world)) == 1
    assert (await world.memory.guest("web1")).holdings.temporary == ()
    assert world.made() == {"web1-i1"}


async def test_a_volume_that_cannot_be_deleted_does_not_hold_up_the_next_guest(world: Stocked) -> None:
    await begun(world, URL, *INSTALLED)
    guests = world.guests()
    await guests.create(replace(ISO.request, name="web2"))
    await world.happen(Kind.SUCCEEDED, install="i2")
    for name, install in (("web1", "i1"), ("web2", "i2")):
        await world.libvirt.shutdown(name)
        await world.happen(Kind.STOPPED, install=install)
    world.libvirt.fail = {DeleteVolume: ("before", Unavailable("the pool is busy"))}

    await world.aftercare().tick()

    assert [d.state for d in world.libvirt.there.values()] == ["running", "running"]


async def test_a_guest_that_was_deleted_meanwhile_is_left(world: Stocked) -> None:
    await begun(world, URL, *INSTALLED)
    await off(world)
    await world.happen(Kind.STOPPED)
    world.libvirt.there.clear()

    await world.aftercare().look("web1")
    await world.aftercare().look("nobody")

    assert world.libvirt.applied == []


async def test_the_power_off_that_ends_it_is_enough(world: Stocked) -> None:
    """Nobody looks now and then: libvirt tells it, and that starts the guest."""
    await begun(world, ISO, Kind.SUCCEEDED)
    progress = world.progress()

    await off(world)
    await progress.drain()

    assert (await world.memory.install("i1")).stage is Stage.INSTALLED
    assert await state(world) == "running"
    assert world.by_definition()


async def test_who_is_reported_by_nobody_is_done_when_it_goes_off(world: Stocked) -> None:
    await begun(world, ALONE)
    progress = world.progress()

    await off(world)
    await progress.drain()
    await off(world)
    await progress.drain()

    assert (await world.memory.install("i1")).stage is Stage.INSTALLED
    assert (await world.kinds()).count(Kind.DONE) == 1
    assert await state(world) == "shut off", "its second power-off is somebody's wish"
    last = [event for event in await world.memory.events() if event.kind is Kind.DONE]
    assert last[0].text == "the guest was switched off: its first stage is over"
