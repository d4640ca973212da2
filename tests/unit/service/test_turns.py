"""How many guests load at a time, who waits, and what keeps their number from growing."""

import asyncio
from dataclasses import replace

import pytest

from provisioner.core.errors import NotFound
from provisioner.core.install import Event, Kind, Stage
from provisioner.service import turns as module
from provisioner.service.execution import Execution
from provisioner.service.guests import Guests
from provisioner.service.reconcile import reconcile
from provisioner.service.strain import Strain
from provisioner.service.turns import Turns
from provisioner.service.why import explain
from tests.unit.service.world import REQUEST, World


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.001)


def guests(world: World, limit: int, strain: Strain | None = None) -> Guests:
    made = world.guests()
    turns = Turns(world.memory, lambda uri: limit, *([strain] if strain else []))
    made.execution = Execution(
        world.memory, lambda uri: world.libvirt, world.workshop, world.tokens(), world.clock, turns
    )
    return made


async def create(made: Guests, *names: str) -> list[Stage]:
    return [(await made.create(replace(REQUEST, name=name))).install.stage for name in names]


async def settled(world: World, install: str, stage: Stage) -> None:
    async with asyncio.timeout(5):
        while (await world.memory.install(install)).stage is not stage:
            await asyncio.sleep(0.001)


async def text_of(world: World, install: str) -> list[str]:
    return [e.text for e in await world.memory.events(install=install, kinds=(Kind.WAITING,))]


async def test_so_many_load_and_the_next_is_started_when_one_has_loaded(world: World) -> None:
    made = guests(world, 2)

    stages = await create(made, "web1", "web2", "web3", "web4")

    assert stages == [Stage.BOOTING, Stage.BOOTING, Stage.CREATING, Stage.CREATING]
    assert (await made.show("web3")).state == "shut off"
    assert await text_of(world, "i3") == ["waits for its turn: 2 guests load"]
    assert await text_of(world, "i4") == ["waits for its turn: 1 before it"]
    why = explain(await world.memory.install("i3"), await world.memory.events(install="i3"))
    assert (why.diagnosis, why.cause) == ("waiting", "web3 is made and waits for its turn: 2 guests load")
    await world.happen(Kind.SCRIPT_SENT, Kind.ANSWER_SERVED, install="i2")
    await settled(world, "i3", Stage.BOOTING)
    await asyncio.sleep(0.01)
    assert (await world.memory.install("i4")).stage is Stage.CREATING
    await world.happen(Kind.FAILED, install="i1")
    await settled(world, "i4", Stage.BOOTING)
    await made.close()
    assert await world.memory.open_journal() == []


async def test_without_a_limit_nobody_waits(world: World) -> None:
    assert set(await create(guests(world, 0), *(f"web{n}" for n in range(40)))) == {Stage.BOOTING}


async def test_a_guest_that_is_to_be_rebuilt_runs_on_until_it_is_its_turn(world: World) -> None:
    made = guests(world, 1)
    await create(made, "web1")
    await world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED)
    await create(made, "web2")

    install = (await made.rebuild("web1")).install

    assert (install.stage, (await made.show("web1")).state) == (Stage.CREATING, "running")
    await world.happen(Kind.ANSWER_SERVED, install="i2")
    await settled(world, install.id, Stage.BOOTING)
    assert sorted(world.libvirt.disks) == [("default", "web1-i3"), ("default", "web2-i2")]


async def test_one_that_waits_may_be_cancelled_or_deleted(world: World) -> None:
    made = guests(world, 1)
    await create(made, "web1", "web2", "web3")

    await made.delete("web2")
    with pytest.raises(NotFound):
        await made.show("web2")
    await world.happen(Kind.CANCELLED, install="i3")
    await made.execution.given_up("i3")

    assert sorted(world.libvirt.disks) == [("default", "web1-i1")]
    assert [guest.name for guest in await made.list()] == ["web1"]
    assert await world.memory.open_journal() == []


async def test_who_waits_when_the_service_ends_goes_on_at_the_next_start(world: World) -> None:
    first = guests(world, 1)
    await create(first, "web1", "web2", "web3")
    async with asyncio.timeout(5):
        await first.close()
    assert (await world.memory.install("i2")).stage is Stage.CREATING

    second = guests(world, 1)
    async with asyncio.timeout(5):
        await reconcile(world.memory, lambda uri: world.libvirt, second, world.clock)
    assert [(await world.memory.install(i)).stage for i in ("i2", "i3")] == [Stage.CREATING] * 2
    await world.happen(Kind.ANSWER_SERVED, install="i1")
    await settled(world, "i2", Stage.BOOTING)
    await world.happen(Kind.ANSWER_SERVED, install="i2")
    await settled(world, "i3", Stage.BOOTING)


async def transfers(world: World, count: int, **data: object) -> None:
    for _ in range(count):
        await world.memory.record([Event(Kind.LOADER_SENT, world.clock(), "tftp", text="sent", data=data)])


async def test_while_tftp_loses_packets_their_number_does_not_grow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.service.strain._KEPT_SECONDS", 0)
    made = guests(world, 8, Strain(world.memory, world.clock))
    await transfers(world, 3, lossy=True)

    assert await create(made, "web1", "web2") == [Stage.BOOTING, Stage.CREATING]
    assert await text_of(world, "i2") == ["waits for its turn: 1 guest loads, and TFTP loses packets"]
    await transfers(world, 3, lossy=False)
    await asyncio.sleep(0.01)
    assert (await world.memory.install("i2")).stage is Stage.CREATING
    world.clock.pass_(31)
    await settled(world, "i2", Stage.BOOTING)


async def test_two_bad_transfers_are_none_and_an_upstream_that_is_full_is_told(world: World) -> None:
    await transfers(world, 2, lossy=True)
    assert await Strain(world.memory, world.clock)() == ""
    assert await Strain(world.memory, world.clock, lambda: "all is taken")() == "all is taken"
