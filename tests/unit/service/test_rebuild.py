from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, Denied, Unavailable
from provisioner.core.install import Kind, Stage
from provisioner.plan.steps import CreateVolume, DefineDomain, DeleteVolume, StartDomain, StopDomain
from provisioner.service.guests import Guests
from tests.unit.service.world import REQUEST, World

INSTALLED = (Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED)


async def installed(world: World) -> Guests:
    guests = world.guests()
    await guests.create(REQUEST)
    await world.happen(*INSTALLED)
    world.libvirt.applied.clear()
    return guests


async def test_a_rebuild_is_a_new_install_on_an_empty_disk(world: World) -> None:
    guests = await installed(world)

    made = await guests.rebuild("web1")

    assert (made.install.id, made.install.stage, made.install.answered) == ("i2", Stage.BOOTING, None)
    assert (await world.memory.install("i1")).stage is Stage.INSTALLED
    assert list(world.libvirt.disks) == [("default", "web1-i2")]
    assert [type(s) for s in world.libvirt.applied] == [
        StopDomain,
        CreateVolume,
        DefineDomain,
        DeleteVolume,
        StartDomain,
    ]
    row = await world.memory.guest("web1")
    assert (row.install, row.volume, row.old_volume) == ("i2", "web1-i2", "")
    assert await world.memory.open_journal() == []


async def test_an_install_that_runs_is_cancelled_first_and_its_tokens_die(world: World) -> None:
    guests = world.guests()
    await guests.create(REQUEST)
    await world.happen(Kind.ANSWER_SERVED)

    await guests.rebuild("web1")

    old, new = await world.memory.install("i1"), await world.memory.install("i2")
    assert (old.stage, new.stage) == (Stage.CANCELLED, Stage.BOOTING)
    tokens = world.tokens()
    with pytest.raises(Denied):
        await tokens.check(tokens.mint("i1", "answer", 1), "answer")
    assert await tokens.check(tokens.mint("i2", "answer", 1), "answer") == new


async def test_a_rebuild_that_cannot_be_planned_leaves_the_running_install_alone(world: World) -> None:
    guests = world.guests()
    await guests.create(REQUEST)
    world.trees.broken = "tree mini is gone"

    with pytest.raises(Unavailable, match="mini is gone"):
        await guests.rebuild("web1")

    assert (await world.memory.install("web1")).id == "i1"
    assert not (await world.memory.install("i1")).over


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [StopDomain, CreateVolume, DefineDomain, DeleteVolume, StartDomain])
async def test_a_rebuild_that_fails_keeps_the_guest_and_can_be_asked_for_again(
    world: World, step: type, when: str
) -> None:
    guests = await installed(world)
    uuid = (await world.memory.guest("web1")).spec.uuid
    world.libvirt.fail = {step: (when, Conflict("the disk is on fire"))}

    with pytest.raises(Conflict, match="on fire"):
        await guests.rebuild("web1")

    failed = await world.memory.install("web1")
    assert (failed.id, failed.stage) == ("i2", Stage.FAILED)
    assert list(world.libvirt.there) == [uuid]
    world.libvirt.fail = {}
    assert (await guests.rebuild("web1")).install.stage is Stage.BOOTING
    assert list(world.libvirt.disks) == [("default", "web1-i3")]
    assert await world.memory.open_journal() == []
    await guests.delete("web1")
    assert (world.libvirt.disks, world.libvirt.there) == ({}, {})


async def test_the_disk_that_the_domain_names_is_the_one_that_is_remembered(world: World) -> None:
    guests = await installed(world)
    world.libvirt.fail = {CreateVolume: ("before", Conflict("pool is full"))}
    with pytest.raises(Conflict):
        await guests.rebuild("web1")

    assert (await world.memory.guest("web1")).volume == "web1-i1"
    assert "web1-i1" in world.libvirt.xmls["web1"]
    assert list(world.libvirt.disks) == [("default", "web1-i1")]


async def test_a_rebuild_takes_the_profile_as_it_is_now(world: World) -> None:
    guests = await installed(world)
    profile = await world.profiles.get("tiny")
    world.profiles.__init__(replace(profile, image="other"))  # type: ignore[misc]

    with pytest.raises(Exception, match="image other, which is not built yet"):
        await guests.rebuild("web1")
