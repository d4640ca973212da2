"""A guest of each method through the use cases: made, installed, rebuilt, removed, broken at every step."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.errors import Unavailable
from provisioner.core.install import Kind, Stage
from provisioner.plan.describe import describe
from provisioner.service.tokens import KINDS
from tests.unit.service.stocked import ASKED, OLD, TRIXIE, Asked, Stocked, as_it_should, ends, stocked

EVERY = pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)


@pytest.fixture
async def world() -> Stocked:
    return await stocked()


@EVERY
async def test_it_is_made(world: Stocked, asked: Asked) -> None:
    made = await world.guests().create(asked.request)

    await as_it_should(world, asked, "i1")
    assert made.install == await world.memory.install("web1")
    minted = [world.tokens().mint("i1", kind, 1) for kind in KINDS]
    told = repr([made.plan, await world.memory.events()]) + "".join(map(describe, made.plan.steps))
    assert [token for token in minted if token in told] == []
    assert minted[0] in world.libvirt.xmls["web1"]


@EVERY
async def test_its_xml_shows_no_token(world: Stocked, asked: Asked) -> None:
    guests = world.guests()
    await guests.create(asked.request)

    shown = await guests.xml("web1")

    assert [kind for kind in KINDS if world.tokens().mint("i1", kind, 1) in shown] == []


@EVERY
async def test_a_dry_run_is_the_same_plan_and_changes_nothing(world: Stocked, asked: Asked) -> None:
    files, trees = dict(world.libvirt.files), await world.memory.trees()

    planned = await world.guests().dry_run(asked.request)

    assert (world.libvirt.applied, world.workshop.applied, world.libvirt.files) == ([], [], files)
    assert (world.libvirt.disks, world.libvirt.there) == (OLD, {})
    assert [*await world.memory.events(), *await world.memory.installs()] == []
    assert await world.memory.trees() == trees
    made = await (await stocked()).guests().create(asked.request)
    assert [describe(step) for step in planned.steps] == [describe(step) for step in made.plan.steps]


@EVERY
async def test_it_is_installed_once_and_runs_from_its_disk(world: Stocked, asked: Asked) -> None:
    await world.guests().create(asked.request)

    done = await ends(world, asked, "i1")

    row = await world.memory.guest("web1")
    assert done.stage is Stage.INSTALLED
    assert world.by_definition()
    assert [d.state for d in world.libvirt.there.values()] == ["running"]
    assert world.lacking() == []
    assert (row.first_stage, row.holdings.temporary) == (False, ())
    assert world.made() == {f"web1-i1{suffix}" for suffix in asked.own if suffix not in asked.temporary}
    await world.aftercare().tick()
    assert (await world.kinds()).count(Kind.STARTED) == 1


class Broken:
    """Hands on every call; the step of that number fails, before or after it is done."""

    def __init__(self, inner: object, broken: "Breaking") -> None:
        self._inner = inner
        self._broken = broken

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._broken.applying(found) if name == "apply" else found


class Breaking:
    def __init__(self, number: int, when: str) -> None:
        self.number = number
        self.when = when
        self.left = number

    def applying(self, apply: Callable[[object], Any]) -> Callable[[object], Any]:
        async def call(step: object) -> None:
            self.left -= 1
            if self.left == -1 and self.when == "before":
                raise Unavailable("the disk is on fire")
            await apply(step)
            if self.left == -1:
                raise Unavailable("the disk is on fire")

        return call


def broken(world: Stocked, breaking: Breaking) -> Any:
    """The use cases of a service one of whose steps fails, once."""
    return world.guests(None, Broken(world.libvirt, breaking), Broken(world.workshop, breaking))


@pytest.mark.parametrize("when", ["before", "after"])
@EVERY
async def test_broken_at_any_step_nothing_is_left_and_the_name_is_free(asked: Asked, when: str) -> None:
    steps = len((await (await stocked()).guests().dry_run(asked.request)).steps)
    for number in range(steps):
        world = await stocked()
        with pytest.raises(Unavailable, match="on fire"):
            await broken(world, Breaking(number, when)).create(asked.request)

        assert (world.libvirt.there, world.made(), world.on_the_way()) == ({}, set(), [])
        assert OLD.items() <= world.libvirt.disks.items()
        failed = await world.memory.install("i1")
        assert (failed.stage, failed.reason) == (Stage.FAILED, "the disk is on fire")
        left = [await world.memory.open_journal(), await world.memory.machines(), await world.memory.guests()]
        assert left == [[], [], []]
        again = await world.guests().create(asked.request)
        await as_it_should(world, asked, again.install.id)


@EVERY
async def test_a_rebuild_keeps_what_was_there_before_and_every_further_disk(
    world: Stocked, asked: Asked
) -> None:
    guests = world.guests()
    await guests.create(asked.request)
    await ends(world, asked, "i1")
    world.progress()

    await guests.rebuild("web1")

    row = await world.memory.guest("web1")
    assert (row.old_volume, row.holdings.leftover) == ("", ())
    data = {name for name in row.holdings.data if name}
    assert data == {name for name in ("web1-i1-2",) if name.removeprefix("web1-i1") in asked.own}
    new = {f"web1-i2{suffix}" for suffix in asked.own if f"web1-i1{suffix}" not in data}
    assert world.made() == new | data
    assert {name for _, name in row.holdings.owned} == new | data
    assert OLD.items() <= world.libvirt.disks.items()
    assert world.lacking() == []
    assert world.by_definition() != asked.first
    installed = await world.memory.install("web1")
    assert (installed.id, installed.stage) == ("i2", asked.stage)
    assert (await ends(world, asked, "i2")).stage is Stage.INSTALLED


@EVERY
async def test_a_rebuild_in_the_midst_of_the_first_stage_begins_anew(world: Stocked, asked: Asked) -> None:
    """Libvirt tells that the old run was switched off while the new install is being made."""
    guests = world.guests()
    await guests.create(asked.request)
    progress = world.progress()

    await guests.rebuild("web1")
    await progress.drain()

    over = Stage.INSTALLED if asked.stage is Stage.INSTALLED else Stage.CANCELLED
    assert (await world.memory.install("i1")).stage is over
    assert (await world.memory.install("i2")).stage is asked.stage
    assert world.lacking() == []
    assert (await world.memory.guest("web1")).first_stage == asked.first
    world.libvirt.callbacks.clear()
    assert (await ends(world, asked, "i2")).stage is Stage.INSTALLED


@pytest.mark.parametrize("then", ["rebuild", "delete"])
@pytest.mark.parametrize("when", ["before", "after"])
@EVERY
async def test_a_rebuild_broken_at_any_step_keeps_the_guest(asked: Asked, when: str, then: str) -> None:
    number = 0
    while True:
        world = await stocked()
        await world.guests().create(asked.request)
        await ends(world, asked, "i1")
        try:
            await broken(world, Breaking(number, when)).rebuild("web1")
            break
        except Unavailable as error:
            assert "on fire" in str(error)

        assert (await world.memory.install("i2")).stage is Stage.FAILED
        assert [d.name for d in world.libvirt.there.values()] == ["web1"]
        assert OLD.items() <= world.libvirt.disks.items()
        assert world.on_the_way() == []
        world.libvirt.live.clear()
        assert world.lacking() == [], "what its definition names is there"
        row = await world.memory.guest("web1")
        held = {name for _, name in (*row.holdings.owned, *row.holdings.leftover)}
        assert world.made() <= held | {row.old_volume}
        guests = world.guests()
        if then == "rebuild":
            await guests.rebuild("web1")
            assert world.lacking() == []
        await guests.delete("web1")
        assert (world.made(), world.libvirt.there) == (set(), {})
        assert OLD.items() <= world.libvirt.disks.items()
        number += 1
    assert number >= 3


@EVERY
async def test_a_removal_takes_all_that_was_made_for_it_and_nothing_else(
    world: Stocked, asked: Asked
) -> None:
    guests = world.guests()
    await guests.create(asked.request)
    bases = {name for _, name in world.libvirt.disks if name.startswith("base-")}

    await guests.delete("web1")

    assert (world.libvirt.there, world.made()) == ({}, set())
    assert {name for _, name in world.libvirt.disks} == bases | {name for _, name in OLD}
    assert await world.memory.machines() == []


@EVERY
async def test_a_removal_in_the_midst_of_the_first_stage_starts_nothing(world: Stocked, asked: Asked) -> None:
    guests = world.guests()
    await guests.create(asked.request)
    progress = world.progress()

    await guests.delete("web1")
    await progress.drain()
    await world.aftercare().tick()

    assert (world.libvirt.there, world.made()) == ({}, set())


async def test_two_guests_of_one_image_share_its_base(world: Stocked) -> None:
    guests, request = world.guests(), ASKED["import, linked"].request
    await guests.create(request)
    second = await guests.create(replace(request, name="web2"))

    assert len(second.plan.steps) == 3, "no second upload"
    assert set(world.libvirt.backing.values()) == {"base-aaaa1111.qcow2"}
    await guests.delete("web1")
    assert ("default", "base-aaaa1111.qcow2") in world.libvirt.disks
    assert world.lacking("web2") == []


async def test_a_new_tree_is_remembered_with_its_install_alone(world: Stocked) -> None:
    guests, asked = world.guests(), ASKED["url, a tree that is not known"]
    await guests.create(asked.request)

    (tree,) = [tree for tree in await world.memory.trees() if tree.source == TRIXIE]
    assert (await world.memory.guest("web1")).spec.tree == tree.name
    again = await guests.create(replace(asked.request, name="web2"))
    assert len([tree for tree in await world.memory.trees() if tree.source == TRIXIE]) == 1
    assert again.install.stage is Stage.LOADING


async def test_the_files_of_two_installs_do_not_meet(world: Stocked) -> None:
    """Both are made at once: each kernel and seed is uploaded from the install's own folder."""
    guests = world.guests()
    names = ("url", "iso", "import, cloud-init")
    for number, name in enumerate(names):
        await guests.create(replace(ASKED[name].request, name=f"web{number}"))

    folders = [step.to.rsplit("/", 1)[0] for step in world.workshop.applied if hasattr(step, "inject")]
    assert len(world.libvirt.contents) == len({*world.libvirt.contents})
    assert len({*folders}) == 1
    assert world.on_the_way() == []
