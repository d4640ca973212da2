import pytest

from provisioner.core.errors import Conflict, Denied, NotFound, Unavailable
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.service.installs import Installs, whole_timeline
from tests.fakes import START
from tests.unit.service.world import REQUEST, World


def installs(world: World) -> Installs:
    return Installs(world.memory, lambda uri: world.libvirt, world.clock)


async def test_an_install_is_found_by_its_id_and_by_its_guest(world: World) -> None:
    made = await world.guests().create(REQUEST)

    assert await installs(world).show("web1") == await installs(world).show("i1") == made.install
    assert await installs(world).list() == await installs(world).list(active=True) == [made.install]
    with pytest.raises(NotFound, match="'web9'"):
        await installs(world).show("web9")


async def test_its_events_are_read_on_from_where_one_left(world: World) -> None:
    await world.guests().create(REQUEST)

    first = await installs(world).events("web1", limit=2)
    rest = await installs(world).events("web1", after=first[-1].id)

    assert [event.kind for event in first + rest] == [Kind.PLANNED, Kind.CREATING, Kind.STARTED]


async def test_cancel_ends_the_install_and_switches_the_guest_off(world: World) -> None:
    guests = world.guests()
    await guests.create(REQUEST)

    ended = await installs(world).cancel("web1")

    assert ended.stage is Stage.CANCELLED
    assert (await guests.show("web1")).state == "shut off"
    tokens = world.tokens()
    with pytest.raises(Denied):
        await tokens.check(tokens.mint("i1", "answer", 1), "answer")
    with pytest.raises(Conflict, match="install i1 of web1 is over: it is cancelled"):
        await installs(world).cancel("web1")


async def test_a_cancel_holds_where_libvirt_does_not_answer(world: World) -> None:
    await world.guests().create(REQUEST)
    world.libvirt.down = True

    with pytest.raises(Unavailable):
        await installs(world).cancel("web1")

    assert (await world.memory.install("i1")).stage is Stage.CANCELLED


async def test_the_install_of_a_machine_is_cancelled_without_a_hypervisor(world: World) -> None:
    metal = Install("m1", "rack1", "52:54:00:99:00:01", "", "tiny", Stage.PLANNED, START, START)
    await world.memory.add_install(metal, None)

    assert (await installs(world).cancel("rack1")).stage is Stage.CANCELLED
    assert world.libvirt.applied == []


async def test_why_reads_a_long_timeline_whole(world: World) -> None:
    await world.guests().create(REQUEST)
    await world.happen(Kind.ANSWER_SERVED)
    await world.memory.record(
        [Event(Kind.LOG, world.clock(), "syslog", install="i1", text=f"line {n}") for n in range(2500)]
    )

    why = await installs(world).why("web1")

    assert len(await whole_timeline(world.memory, await world.memory.install("i1"))) == 2504
    assert (why.install, why.stage, why.last and why.last.text) == ("i1", Stage.INSTALLING, "line 2499")
    assert "line 2497 | line 2498 | line 2499" in why.cause
