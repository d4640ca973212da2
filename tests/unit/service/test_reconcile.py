"""A service killed at any moment of a creation or rebuild: its restart leaves one install, going on."""

from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.errors import NotFound, Unavailable
from provisioner.core.host import Domain
from provisioner.core.install import Kind, Stage
from provisioner.plan.steps import StartDomain, StopDomain
from provisioner.service.reconcile import reconcile
from tests.unit.service.world import REQUEST, World, new_world

WRITES = {
    "record",
    "add_install",
    "add_rebuild",
    "put_guest",
    "remove_guest",
    "put_token",
    "journal",
    "close_journal",
    "put_tree",
    "apply",
    "clear",
}
STRANGER = Domain("lost", "22222222-0000-4000-8000-000000000001", "running", ours=True)
FOREIGN = Domain("old", "11111111-0000-4000-8000-000000000001", "running", ours=False)


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Life:
    """How many more times something may begin or end before the process is killed."""

    def __init__(self, moments: int) -> None:
        self.moments = moments

    def moment(self) -> None:
        if self.moments == 0:
            raise Killed
        self.moments -= 1


class Mortal:
    """Hands on every call; the process may be killed just before and after one that changes something."""

    def __init__(self, inner: object, life: Life) -> None:
        self._inner = inner
        self._life = life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in WRITES:
            return found

        async def call(*given: object, **named: object) -> object:
            self._life.moment()
            result = await found(*given, **named)
            self._life.moment()
            return result

        return call


async def restart(world: World) -> list[str]:
    return await reconcile(world.memory, lambda uri: world.libvirt, world.guests(), world.clock)


async def one_install_goes_on(world: World, guest: str) -> None:
    """One guest, one disk, one install, no journal; and it ends installed."""
    install = await world.memory.install(guest)
    assert install.stage is Stage.BOOTING
    assert [(d.name, d.state) for d in world.libvirt.there.values() if d != FOREIGN] == [(guest, "running")]
    assert list(world.libvirt.disks) == [("default", f"{guest}-{install.id}")]
    assert f"{guest}-{install.id}" in world.libvirt.xmls[guest]
    assert await world.memory.open_journal() == []
    tokens = world.tokens()
    assert await tokens.check(tokens.mint(install.id, "answer", 1), "answer") == install
    done = await world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED, install=install.id)
    assert done.stage is Stage.INSTALLED


async def test_a_creation_killed_at_any_moment_goes_on_or_never_was() -> None:
    moments = 0
    while True:
        world = await new_world()
        world.libvirt.there[FOREIGN.uuid] = FOREIGN
        life = Life(moments)
        guests = world.guests(Mortal(world.memory, life), Mortal(world.libvirt, life))
        try:
            await guests.create(REQUEST)
            killed = False
        except Killed:
            killed = True

        await restart(world)
        await restart(world)

        assert world.libvirt.there[FOREIGN.uuid] == FOREIGN
        if not await world.memory.guests():
            assert moments <= 1, "only before the install was written down there may be none"
            assert (world.libvirt.disks, list(world.libvirt.there)) == ({}, [FOREIGN.uuid])
        else:
            assert [i.id for i in await world.memory.installs()] == ["i1"]
            await one_install_goes_on(world, "web1")
        if not killed:
            break
        moments += 1
    assert moments > 30


async def test_a_rebuild_killed_at_any_moment_goes_on_or_never_was() -> None:
    moments = 0
    while True:
        world = await new_world()
        await world.guests().create(REQUEST)
        await world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED)
        life = Life(moments)
        guests = world.guests(Mortal(world.memory, life), Mortal(world.libvirt, life))
        try:
            await guests.rebuild("web1")
            killed = False
        except Killed:
            killed = True

        await restart(world)
        await restart(world)

        if (await world.memory.install("web1")).id == "i1":
            assert moments <= 1
            assert list(world.libvirt.disks) == [("default", "web1-i1")]
        else:
            await one_install_goes_on(world, "web1")
        assert (await world.memory.guest("web1")).old_volume == ""
        if not killed:
            break
        moments += 1
    assert moments > 30


async def test_a_failing_creation_killed_while_it_is_taken_back_leaves_nothing() -> None:
    moments = 0
    while True:
        world = await new_world()
        life = Life(moments)
        world.libvirt.fail = {StartDomain: ("before", Unavailable("on fire"))}
        guests = world.guests(Mortal(world.memory, life), Mortal(world.libvirt, life))
        try:
            await guests.create(REQUEST)
        except Killed:
            killed = True
        except Unavailable:
            killed = False
        world.libvirt.fail = {}

        await restart(world)

        if await world.memory.guests():
            await one_install_goes_on(world, "web1")
        else:
            assert (world.libvirt.disks, world.libvirt.there) == ({}, {})
            assert all(install.over for install in await world.memory.installs())
        assert await world.memory.open_journal() == []
        if not killed:
            break
        moments += 1
    assert moments > 30


async def cut_off(world: World) -> None:
    """A creation killed when its domain was defined and not yet started."""
    life = Life(10_000)
    mortal = Mortal(world.libvirt, life)
    guests = world.guests(None, mortal)
    world.libvirt.fail = {}
    applied = world.libvirt.apply

    async def die(step: object) -> None:
        if isinstance(step, StartDomain):
            raise Killed
        await applied(step)  # type: ignore[arg-type]

    mortal.apply = die  # type: ignore[attr-defined]
    with pytest.raises(Killed):
        await guests.create(REQUEST)


async def test_what_can_no_longer_be_planned_is_removed(world: World) -> None:
    await cut_off(world)
    world.profiles.__init__(replace(await world.profiles.get("tiny"), name="other"))  # type: ignore[misc]

    told = await restart(world)

    failed = await world.memory.install("i1")
    assert failed.stage is Stage.FAILED
    assert failed.reason.startswith("interrupted, and no longer possible: no profile is called 'tiny'")
    assert (world.libvirt.there, world.libvirt.disks) == ({}, {})
    assert told == ["guest web1: what its failed creation left was removed"]
    with pytest.raises(NotFound):
        await world.memory.guest("web1")


async def test_while_libvirt_is_away_nothing_is_given_up(world: World) -> None:
    await cut_off(world)
    world.libvirt.down = True

    told = await restart(world)
    assert told[0].startswith("guest web1 is left as it is: libvirt at qemu:///system does not answer")
    assert not (await world.memory.install("i1")).over
    world.libvirt.down = False
    assert await restart(world) == ["guest web1: install i1 was cut off while it was made; it goes on"]

    await one_install_goes_on(world, "web1")


async def test_a_stranger_with_our_mark_is_told_and_left_alone(world: World) -> None:
    world.libvirt.there = {STRANGER.uuid: STRANGER, FOREIGN.uuid: FOREIGN}

    told = await restart(world)

    assert told == ["domain lost carries provisioner's mark and is unknown here; it is left alone"]
    assert world.libvirt.there == {STRANGER.uuid: STRANGER, FOREIGN.uuid: FOREIGN}
    assert world.libvirt.applied == []


MISSED: dict[str, tuple[tuple[Kind, ...], Stage, Kind]] = {
    "off before its answer file: started again": ((Kind.DHCP_QUESTION,), Stage.BOOTING, Kind.STARTED),
    "off while it installed: left to the watchdog": ((Kind.ANSWER_SERVED,), Stage.INSTALLING, Kind.STOPPED),
    "off after its success: installed": ((Kind.ANSWER_SERVED, Kind.SUCCEEDED), Stage.INSTALLED, Kind.STOPPED),
}


@pytest.mark.parametrize(("kinds", "stage", "last"), MISSED.values(), ids=MISSED)
async def test_what_happened_while_the_service_was_away_is_caught_up(
    world: World, kinds: tuple[Kind, ...], stage: Stage, last: Kind
) -> None:
    await world.guests().create(REQUEST)
    await world.happen(*kinds)
    await world.libvirt.apply(StopDomain("web1", (await world.memory.guest("web1")).spec.uuid))

    await restart(world)

    assert (await world.memory.install("i1")).stage is stage
    assert (await world.kinds())[-1] is last


async def test_a_running_install_goes_on_untouched(world: World) -> None:
    await world.guests().create(REQUEST)
    before = await world.happen(Kind.DHCP_QUESTION, Kind.SCRIPT_SENT, Kind.ANSWER_SERVED)
    world.libvirt.applied.clear()

    assert await restart(world) == []

    assert await world.memory.install("i1") == before
    assert world.libvirt.applied == []


async def test_an_install_whose_domain_is_gone_is_over(world: World) -> None:
    await world.guests().create(REQUEST)
    world.libvirt.there.clear()

    told = await restart(world)

    assert (await world.memory.install("i1")).stage is Stage.CANCELLED
    assert told == ["guest web1: its domain is gone, so install i1 is over"]
