from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, Denied, Invalid, NotFound, ProvisionerError, Unavailable
from provisioner.core.install import Kind, Stage
from provisioner.plan.steps import CreateVolume, DefineDomain, DeleteVolume, StartDomain, StopDomain
from provisioner.service.guests import Guests
from provisioner.service.requests import Rebuild
from tests.files import PLAIN
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


KEPT = Rebuild(wipe="none")


async def test_a_rebuild_that_keeps_the_disks_starts_from_the_network_once(world: World) -> None:
    guests = await installed(world)

    made = await guests.rebuild("web1", KEPT)

    assert (made.install.id, list(world.libvirt.disks)) == ("i2", [("default", "web1-i1")])
    assert [type(s) for s in world.libvirt.applied] == [StopDomain, DefineDomain, StartDomain]
    assert '<boot order="1"/>' in world.libvirt.xmls["web1"].partition("<interface")[0]
    first, _, later = world.libvirt.live["web1"].partition("<interface")
    assert ('<boot order="2"/>' in first, '<boot order="1"/>' in later) == (True, True)
    assert "<on_reboot>destroy</on_reboot>" in first
    row = await world.memory.guest("web1")
    assert (row.volume, row.old_volume, row.first_stage) == ("web1-i1", "", True)
    assert row.holdings.owned == (("default", "web1-i1"),)


async def test_once_its_installer_is_done_it_starts_from_its_disk(world: World) -> None:
    guests = await installed(world)
    await guests.rebuild("web1", KEPT)
    world.progress()
    await world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED, install="i2")
    (uuid,) = world.libvirt.there
    await world.libvirt.apply(StopDomain("web1", uuid))

    await world.aftercare().tick()

    assert world.libvirt.there[uuid].state == "running"
    assert world.libvirt.live["web1"] == world.libvirt.xmls["web1"]
    await guests.rebuild("web1")
    assert list(world.libvirt.disks) == [("default", "web1-i3")]
    assert not (await world.memory.guest("web1")).first_stage


@pytest.mark.parametrize("step", [StopDomain, DefineDomain, StartDomain])
async def test_disks_that_are_to_be_kept_outlive_a_rebuild_that_fails(world: World, step: type) -> None:
    guests = await installed(world)
    world.libvirt.fail = {step: ("after", Conflict("the disk is on fire"))}

    with pytest.raises(Conflict, match="on fire"):
        await guests.rebuild("web1", KEPT)

    assert list(world.libvirt.disks) == [("default", "web1-i1")]
    row = await world.memory.guest("web1")
    assert (row.volume, row.holdings.owned) == ("web1-i1", (("default", "web1-i1"),))
    world.libvirt.fail = {}
    await guests.rebuild("web1")
    assert list(world.libvirt.disks) == [("default", "web1-i3")]


async def with_two_disks(world: World) -> Guests:
    guests = world.guests()
    await guests.create(replace(REQUEST, disks=("size=4", "size=1")))
    await world.happen(*INSTALLED)
    return guests


async def test_further_disks_are_emptied_where_that_is_asked_for(world: World) -> None:
    guests = await with_two_disks(world)
    assert sorted(world.libvirt.disks) == [("default", "web1-i1"), ("default", "web1-i1-2")]

    await guests.rebuild("web1")
    assert sorted(world.libvirt.disks) == [("default", "web1-i1-2"), ("default", "web1-i2")]
    await guests.rebuild("web1", Rebuild(wipe="all"))

    assert sorted(world.libvirt.disks) == [("default", "web1-i3"), ("default", "web1-i3-2")]
    row = await world.memory.guest("web1")
    assert (row.holdings.data, row.holdings.former, row.holdings.leftover) == (("web1-i3-2",), (), ())


async def test_a_further_disk_is_the_old_one_where_the_rebuild_fails_early(world: World) -> None:
    guests = await with_two_disks(world)
    world.libvirt.fail = {DefineDomain: ("before", Conflict("no"))}

    with pytest.raises(Conflict):
        await guests.rebuild("web1", Rebuild(wipe="all"))

    assert sorted(world.libvirt.disks) == [("default", "web1-i1"), ("default", "web1-i1-2")]
    assert (await world.memory.guest("web1")).holdings.data == ("web1-i1-2",)


async def test_another_profile_may_be_installed(world: World) -> None:
    guests = await installed(world)
    profile = replace(await world.profiles.get("tiny"), name="other")
    world.profiles.__init__(await world.profiles.get("tiny"), profile)  # type: ignore[misc]

    made = await guests.rebuild("web1", Rebuild("other"))

    assert (made.install.profile, made.guest.profile) == ("other", "other")
    machine = await world.memory.machine(name="web1")
    assert machine is not None and machine.profile == "other"


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        (Rebuild("nope"), NotFound, "nope"),
        (Rebuild("tiny"), Invalid, "no installer runs that could follow profile tiny"),
        (KEPT, Invalid, "nothing would change with its disks kept"),
    ],
)
async def test_what_cannot_be_rebuilt_so_is_told_and_nothing_is_done(
    world: World, wish: Rebuild, error: type[ProvisionerError], words: str
) -> None:
    guests = world.guests()
    imported = replace(REQUEST, profile="", method="import", disks=(PLAIN.path,), ssh_keys=())
    await guests.create(REQUEST if wish.profile == "nope" else imported)
    applied = len(world.libvirt.applied)

    with pytest.raises(error, match=words):
        await guests.rebuild("web1", wish)
    assert len(world.libvirt.applied) == applied
