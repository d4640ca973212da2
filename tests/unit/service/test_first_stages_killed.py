"""A service killed at any moment of a guest of any method, and one that was away when a first stage ended."""

from dataclasses import replace

import pytest

from provisioner.core.errors import Unavailable
from provisioner.core.install import Kind, Stage
from provisioner.plan.steps import HostStep, StartDomain, UploadVolume
from provisioner.service.guests import Guests
from tests.files import WORK
from tests.unit.service.stocked import ASKED, OLD, Asked, Stocked, as_it_should, ends, stocked
from tests.unit.service.test_reconcile import Killed, Life, Mortal, restart
from tests.unit.service.test_watchdog import watchdog

EVERY = pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
NEW_TREE = ASKED["url, a tree that is not known"]
URL, ISO, ALONE = ASKED["url"], ASKED["iso"], ASKED["iso, nobody answers"]


@pytest.fixture
async def world() -> Stocked:
    return await stocked()


def mortal(world: Stocked, moments: int) -> Guests:
    """The use cases of a service that is killed after so many moments."""
    life = Life(moments)
    wrapped = (Mortal(inner, life) for inner in (world.memory, world.libvirt, world.workshop))
    return world.guests(*wrapped)


@EVERY
async def test_a_creation_killed_at_any_moment_goes_on_or_never_was(asked: Asked) -> None:
    moments, killed = 0, True
    while killed:
        world = await stocked()
        try:
            await mortal(world, moments).create(asked.request)
            killed = False
        except Killed:
            pass

        await restart(world)
        await restart(world)

        if not await world.memory.guests():
            assert moments <= (2 if asked is NEW_TREE else 1), "once it is written down it goes on"
            assert all(install.over for install in await world.memory.installs())
            assert (world.made(), world.libvirt.there, world.on_the_way()) == (set(), {}, [])
        else:
            await as_it_should(world, asked, "i1")
            assert (await ends(world, asked, "i1")).stage is Stage.INSTALLED
            assert world.by_definition()
            assert world.lacking() == []
            await restart(world)
            assert [i.id for i in await world.memory.installs()] == ["i1"]
            assert [d.state for d in world.libvirt.there.values()] == ["running"]
        moments += 1
    assert moments > 30


@EVERY
async def test_a_rebuild_killed_at_any_moment_goes_on_or_never_was(asked: Asked) -> None:
    moments, killed = 0, True
    while killed:
        world = await stocked()
        await world.guests().create(asked.request)
        await ends(world, asked, "i1")
        try:
            await mortal(world, moments).rebuild("web1")
            killed = False
        except Killed:
            pass

        await restart(world)
        await restart(world)

        install = await world.memory.install("web1")
        row = await world.memory.guest("web1")
        assert (row.install, row.old_volume, row.holdings.leftover) == (install.id, "", ())
        assert world.lacking() == []
        assert {name for _, name in row.holdings.owned} == world.made()
        assert OLD.items() <= world.libvirt.disks.items()
        assert world.on_the_way() == []
        assert await world.memory.open_journal() == []
        if install.id == "i1":
            assert moments <= 1
        else:
            assert (install.id, install.stage) == ("i2", asked.stage)
            assert (await ends(world, asked, "i2")).stage is Stage.INSTALLED
            assert world.by_definition()
        moments += 1
    assert moments > 20


@EVERY
async def test_a_failing_creation_killed_while_it_is_taken_back_leaves_nothing_or_goes_on(
    asked: Asked,
) -> None:
    moments, killed = 0, True
    while killed:
        world = await stocked()
        world.libvirt.fail = {StartDomain: ("before", Unavailable("on fire"))}
        try:
            await mortal(world, moments).create(asked.request)
        except Killed:
            pass
        except Unavailable:
            killed = False
        world.libvirt.fail = {}

        await restart(world)

        if await world.memory.guests():
            await as_it_should(world, asked, "i1")
        else:
            assert (world.made(), world.libvirt.there, world.on_the_way()) == (set(), {}, [])
            assert all(install.over for install in await world.memory.installs())
        assert await world.memory.open_journal() == []
        moments += 1
    assert moments > 30


@pytest.mark.parametrize("asked", [URL, ISO, ASKED["import, cloud-init"]], ids=["url", "iso", "import"])
async def test_what_a_running_guest_reads_is_not_written_a_second_time(world: Stocked, asked: Asked) -> None:
    """Killed when its guest was started, before that was written down."""
    life = Life(10_000)
    mortal = Mortal(world.libvirt, life)

    async def die(step: HostStep) -> None:
        await world.libvirt.apply(step)
        if isinstance(step, StartDomain):
            raise Killed

    mortal.apply = die  # type: ignore[attr-defined]
    with pytest.raises(Killed):
        await world.guests(None, mortal).create(asked.request)
    world.libvirt.applied.clear()
    world.workshop.applied.clear()

    await restart(world)

    assert not [step for step in world.libvirt.applied if isinstance(step, UploadVolume)]
    assert world.workshop.applied == []
    await as_it_should(world, asked, "i1")


FIRST = {name: asked for name, asked in ASKED.items() if asked.first}


@pytest.mark.parametrize("asked", FIRST.values(), ids=FIRST)
async def test_an_end_that_nobody_saw_is_caught_up(world: Stocked, asked: Asked) -> None:
    """Success was told, then the service was away: the guest went off, and nobody started it."""
    await world.guests().create(asked.request)
    if not asked.unmanaged:
        await world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED)
    await world.libvirt.shutdown("web1")

    await restart(world)
    await world.aftercare().tick()

    assert (await world.memory.install("i1")).stage is Stage.INSTALLED
    assert [d.state for d in world.libvirt.there.values()] == ["running"]
    assert world.by_definition()
    assert world.lacking() == []


async def test_one_that_is_found_off_before_its_answers_is_started_into_its_first_stage_again(
    world: Stocked,
) -> None:
    await world.guests().create(URL.request)
    kept = world.libvirt.live["web1"]
    await world.libvirt.shutdown("web1")
    world.libvirt.live.clear()

    told = await restart(world)

    assert told == ["guest web1: found switched off before its install; started again"]
    assert world.libvirt.live["web1"] == kept
    assert world.lacking() == []
    assert (await world.kinds())[-1] is Kind.STARTED
    assert (await ends(world, URL, "i1")).stage is Stage.INSTALLED


async def test_one_that_is_found_off_while_it_installs_is_left_to_the_watchdog(world: Stocked) -> None:
    await world.guests().create(ISO.request)
    await world.libvirt.shutdown("web1")

    assert await restart(world) == []
    dog = watchdog(world)
    await dog.tick()
    world.clock.pass_(60)
    await dog.tick()
    await world.aftercare().tick()

    failed = await world.memory.install("i1")
    assert failed.stage is Stage.FAILED
    assert failed.reason.startswith("the guest is switched off, and it did not report success")
    assert [d.state for d in world.libvirt.there.values()] == ["shut off"]
    assert world.made() == {"web1-i1"}


async def test_one_that_runs_on_is_left_alone(world: Stocked) -> None:
    for number, asked in enumerate(FIRST.values()):
        await world.guests().create(replace(asked.request, name=f"web{number}"))
    world.libvirt.applied.clear()
    events = await world.memory.last_event_id()

    assert await restart(world) == []
    await world.aftercare().tick()

    assert (world.libvirt.applied, await world.memory.last_event_id()) == ([], events)


async def test_what_can_no_longer_be_planned_is_removed_with_its_files(world: Stocked) -> None:
    """Killed when its kernel was fetched; and its medium was removed before the service came back."""
    applied = world.libvirt.apply
    asked = ASKED["import, cloud-init"]

    async def die(step: object) -> None:
        if isinstance(step, StartDomain):
            raise Killed
        await applied(step)  # type: ignore[arg-type]

    world.libvirt.apply = die  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await world.guests().create(asked.request)
    world.libvirt.apply = applied  # type: ignore[method-assign]
    world.media.images.clear()
    world.libvirt.files[f"{WORK}/i1/cidata.iso"] = b"as a process that is killed leaves it"

    told = await restart(world)

    assert told == ["guest web1: what its failed creation left was removed"]
    assert (await world.memory.install("i1")).stage is Stage.FAILED
    assert (world.made(), world.libvirt.there, world.on_the_way()) == (set(), {}, [])


# Watchdog


async def test_a_first_stage_is_never_reset(world: Stocked) -> None:
    await world.guests().create(URL.request)
    dog = watchdog(world)

    for _ in range(6):
        world.clock.pass_(100)
        await dog.tick()

    assert world.libvirt.resets == []
    failed = await world.memory.install("i1")
    assert (failed.stage, failed.failed_at) == (Stage.FAILED, Stage.LOADING)


async def test_who_is_answered_by_a_person_has_all_the_time(world: Stocked) -> None:
    await world.guests().create(ALONE.request)
    dog = watchdog(world)

    for _ in range(10):
        world.clock.pass_(1_000_000)
        await dog.tick()
    assert not (await world.memory.install("i1")).over
    assert world.libvirt.resets == []
    await world.libvirt.shutdown("web1")
    await dog.tick()
    await world.aftercare().tick()

    assert (await world.memory.install("i1")).stage is Stage.INSTALLED
    assert (await world.kinds())[-1] is Kind.DONE
    assert world.by_definition()


async def test_who_is_answered_by_a_person_and_removed_by_another_is_over(world: Stocked) -> None:
    await world.guests().create(ALONE.request)
    world.libvirt.there.clear()
    dog = watchdog(world)

    await dog.tick()
    world.clock.pass_(60)
    await dog.tick()
    assert await restart(world) != []

    assert (await world.memory.install("i1")).over


async def test_one_that_somebody_halted_stands_still(world: Stocked) -> None:
    await world.guests().create(URL.request)
    uuid = (await world.memory.guest("web1")).spec.uuid
    world.libvirt._state(uuid, "paused")
    world.clock.pass_(1_000_000)

    await watchdog(world).tick()
    assert await restart(world) == []
    await world.aftercare().tick()

    assert not (await world.memory.install("i1")).over
