"""Guests kept as they were installed: what is made, what is refused, and that nothing half made stays."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, NotFound, ProvisionerError, Unavailable
from provisioner.core.install import Kind
from provisioner.core.lab import Ref
from provisioner.core.snapshot import Snapshot
from provisioner.plan.cloning import Blueprint, DiskVolume
from provisioner.plan.snapshots import check_snapshot
from provisioner.plan.steps import DefineDomain, HostStep, LinkVolume, StartDomain, StopDomain
from provisioner.service import snapshots as module
from provisioner.service.answering import Answering
from provisioner.service.ports import LabThing
from provisioner.service.rebuilds import Rebuilds
from provisioner.service.reconcile import reconcile
from provisioner.service.snapshots import Restored, Snapshots
from provisioner.service.starts import Starts
from provisioner.service.sweep import sweep
from tests.unit.service.test_guest_life import Living, new_living
from tests.unit.service.world import REQUEST


async def nobody(address: str, port: int) -> bool:
    return False


@pytest.fixture
async def living() -> Living:
    return await new_living()


def snapshots(living: Living, knock: Callable[[str, int], Awaitable[bool]] = nobody) -> Snapshots:
    answering = Answering(living.memory, living.libvirt, knock, neighbour=living.world.neighbours.get)
    return Snapshots(living.memory, living.libvirt, living.guests, living.world.clock, answering)


async def with_uefi(living: Living) -> None:
    """web2, on UEFI and two disks; its install is i2."""
    await living.guests.create(replace(REQUEST, name="web2", boot="uefi", disks=("size=4", "size=1")))
    await living.world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED, install="i2")
    living.libvirt.stores["web2"] = "as installed"


async def test_a_guest_that_runs_is_switched_off_kept_and_goes_on(living: Living) -> None:
    kept = await snapshots(living).take("web1")

    (disk,) = kept.disks
    assert (disk.target, disk.base, kept.state, kept.nvram) == ("vda", "web1-i1", "kept", "")
    assert living.libvirt.backings == {("default", "web1-i1-r0"): "web1-i1"}
    row = await living.memory.guest("web1")
    assert (row.volume, row.holdings.owned) == ("web1-i1-r0", (("default", "web1-i1-r0"),))
    assert "/web1-i1-r0" in living.libvirt.xmls["web1"]
    assert (await living.guests.show("web1")).state == "running"
    assert await living.memory.snapshot("web1") == kept
    assert (await living.world.kinds())[-1] is Kind.SNAPSHOT


async def test_a_reset_throws_away_what_was_written_since(living: Living) -> None:
    cases = snapshots(living)
    await cases.take("web1")
    living.libvirt.written.add("web1-i1-r0")

    for turn in (1, 2):
        done = await cases.reset("web1")
        assert (done.snapshot.state, done.snapshot.turn) == ("kept", turn)
        assert living.volumes() == ["web1-i1", f"web1-i1-r{turn}"]
        assert living.libvirt.backings == {("default", f"web1-i1-r{turn}"): "web1-i1"}
        assert (await living.memory.guest("web1")).volume == f"web1-i1-r{turn}"
        assert (await living.guests.show("web1")).state == "running"
    assert (await living.world.kinds())[-1] is Kind.RESTORED
    assert (await living.memory.install("web1")).id == "i1"


async def test_every_disk_and_the_variable_store_come_back(living: Living) -> None:
    await with_uefi(living)
    cases = snapshots(living)
    kept = await cases.take("web2")
    living.libvirt.stores["web2"] = "altered"
    row = await living.memory.guest("web2")
    assert (kept.nvram, row.volume) == ("web2-i2-r0-nvram", "web2-i2-r0")
    assert row.holdings.data == ("web2-i2-r0-vdb",)

    await cases.reset("web2")

    assert living.libvirt.stores["web2"] == "as installed"
    assert living.volumes() == [
        *("web1-i1", "web2-i2", "web2-i2-2", "web2-i2-r0-nvram", "web2-i2-r1", "web2-i2-r1-vdb")
    ]
    await living.life.delete("web2")
    assert living.volumes() == ["web1-i1"]
    assert await cases.every() == []


async def test_a_snapshot_that_is_let_go_leaves_the_guest_as_it_is(living: Living) -> None:
    await with_uefi(living)
    cases = snapshots(living)
    await cases.take("web2")

    await cases.drop("web2")

    assert "web2-i2-r0-nvram" not in living.volumes()
    assert (await living.memory.guest("web2")).volume == "web2-i2-r0"
    with pytest.raises(NotFound):
        await cases.reset("web2")
    await living.life.delete("web2")
    assert living.volumes() == ["web1-i1"]


async def test_a_second_snapshot_takes_the_place_of_the_first(living: Living) -> None:
    await with_uefi(living)
    cases = snapshots(living)
    await cases.take("web2")
    living.libvirt.written |= {"web2-i2-r0", "web2-i2-r0-vdb"}

    kept = await cases.take("web2")

    assert [disk.base for disk in kept.disks] == ["web2-i2-r0", "web2-i2-r0-vdb"]
    assert [name for name in living.volumes() if name.endswith("nvram")] == ["web2-i2-r1-nvram"]
    await living.life.delete("web2")
    assert living.volumes() == ["web1-i1"]


async def test_an_overlay_that_nobody_wrote_to_needs_no_other(living: Living) -> None:
    await living.off()
    await living.clones.clone("web1", "web2")

    kept = await snapshots(living).take("web2")

    assert [disk.base for disk in kept.disks] == ["web1-i1"]
    assert (await living.memory.guest("web2")).volume == "web2-i2"
    await snapshots(living).reset("web2")
    assert living.volumes() == ["web1-i1", "web1-i2", "web2-i2-r0"]


async def test_a_clone_of_it_keeps_what_it_stands_on(living: Living) -> None:
    cases = snapshots(living)
    await living.off()
    await cases.take("web1")
    living.libvirt.written.add("web1-i1-r0")
    await living.clones.clone("web1", "web2")

    await cases.reset("web1")

    assert living.volumes() == ["web1-i1", "web1-i1-r0", "web1-i1-r1", "web2-i2"]
    await living.life.delete("web2")
    assert living.volumes() == ["web1-i1", "web1-i1-r1"]


async def test_a_rebuild_ends_it(living: Living) -> None:
    cases = snapshots(living)
    await cases.take("web1")
    await Rebuilds(living.memory, living.libvirt, living.guests, living.life, cases.forget).rebuild("web1")

    assert living.volumes() == ["web1-i2"]
    with pytest.raises(NotFound, match="web1"):
        await cases.reset("web1")


async def test_a_rebuild_that_waited_for_its_turn_ends_it_too(living: Living) -> None:
    cases = snapshots(living)
    await cases.take("web1")
    row = await living.memory.guest("web1")
    await living.memory.put_guest(replace(row, install="i2"))
    living.guests.execution.busy.add("i2")
    assert (await cases.mend(), len(await cases.every())) == ([], 1)

    living.guests.execution.busy.discard("i2")
    assert (await cases.mend(), await cases.every()) == ([], [])


async def test_what_is_swept_is_none_of_it(living: Living) -> None:
    cases = snapshots(living)
    await with_uefi(living)
    await cases.take("web2")
    before = living.volumes()

    assert await sweep(living.memory, living.libvirt, [""]) == []
    assert await reconcile(living.memory, living.libvirt, living.guests, living.world.clock) == []
    assert living.volumes() == before


async def test_one_that_does_not_switch_off_is_told_and_its_power_may_be_cut(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(name: str) -> None:
        pass

    monkeypatch.setattr(living.libvirt, "shutdown", deaf)
    monkeypatch.setattr(module, "OFF_SECONDS", 0.01)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.001)
    with pytest.raises(Conflict, match="did not switch itself off"):
        await snapshots(living).take("web1")
    assert (living.volumes(), await snapshots(living).every()) == (["web1-i1"], [])

    await snapshots(living).take("web1", force=True)
    assert (await living.guests.show("web1")).state == "running"


async def test_one_that_is_not_installed_is_refused(living: Living) -> None:
    await living.guests.create(replace(REQUEST, name="web2"))
    with pytest.raises(Conflict, match="web2 is not installed: its install is booting"):
        await snapshots(living).take("web2")
    with pytest.raises(NotFound, match="nobody"):
        await snapshots(living).take("nobody")


DISK = DiskVolume("vda", "/p/web1", "default", "web1", "qcow2", 2**30, holds="qcow2")
REFUSED: dict[str, tuple[Blueprint, str, str]] = {
    "tpm": (Blueprint("", False, (DISK,), tpm=True), "has a TPM", "provisioner rebuild web1"),
    "none": (Blueprint("", False, ()), "no disk of its own", "provisioner rebuild web1"),
    "lvm": (
        Blueprint("", False, (replace(DISK, path="/dev/vg/web1", format="raw", holds="raw"),)),
        "disk vda (/dev/vg/web1) is a block device, which takes no overlay",
        "pool of files",
    ),
    "pool": (Blueprint("", False, (replace(DISK, name=""),)), "in no active storage pool", "pool-create-as"),
    "vmdk": (Blueprint("", False, (replace(DISK, format="vmdk"),)), "is vmdk", "qemu-img convert"),
    "lie": (Blueprint("", False, (replace(DISK, holds="raw"),)), "holds raw, not qcow2", "virsh edit"),
}


@pytest.mark.parametrize(("found", "words", "remedy"), REFUSED.values(), ids=REFUSED)
def test_what_takes_no_overlay_is_told_with_what_to_do(found: Blueprint, words: str, remedy: str) -> None:
    with pytest.raises(Conflict) as told:
        check_snapshot("web1", found)
    assert (words in str(told.value), remedy in told.value.remedy) == (True, True)


def test_a_raw_file_may_be_frozen() -> None:
    check_snapshot("web1", Blueprint("", False, (replace(DISK, format="raw", holds="raw"),)))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [LinkVolume, DefineDomain])
async def test_a_snapshot_that_fails_leaves_nothing_or_is_whole_at_the_next_look(
    living: Living, step: type, when: str
) -> None:
    cases = snapshots(living)
    living.libvirt.fail = {step: (when, Unavailable("libvirt went away"))}
    with pytest.raises(Unavailable):
        await cases.take("web1")
    living.libvirt.fail = {}

    if (step, when) == (DefineDomain, "after"):
        assert await cases.mend() == ["guest web1: its snapshot was cut off; it is whole"]
        assert (await cases.every())[0].state == "kept"
    else:
        assert (living.volumes(), await cases.every()) == (["web1-i1"], [])
    assert (await living.guests.show("web1")).state == "running"
    assert await cases.mend() == []
    await living.life.delete("web1")
    assert living.volumes() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [StopDomain, LinkVolume, DefineDomain, StartDomain])
async def test_a_reset_that_fails_is_undone_or_goes_on_at_the_next_look(
    living: Living, step: type, when: str
) -> None:
    cases = snapshots(living)
    await cases.take("web1")
    living.libvirt.written.add("web1-i1-r0")
    living.libvirt.fail = {step: (when, Unavailable("libvirt went away"))}
    with pytest.raises(Unavailable):
        await cases.reset("web1")
    living.libvirt.fail = {}

    await cases.mend()
    (left,) = await cases.every()
    volume = (await living.memory.guest("web1")).volume
    assert (left.state, living.volumes()) == ("kept", ["web1-i1", volume])
    assert f"/{volume}" in living.libvirt.xmls["web1"]
    assert (await living.guests.show("web1")).state == "running"
    assert (await cases.reset("web1")).snapshot.state == "kept"


class Killed(BaseException):
    """The service is no more."""


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("what", ["take", "reset"])
async def test_a_service_that_is_killed_anywhere_leaves_a_whole_guest(
    living: Living, monkeypatch: pytest.MonkeyPatch, what: str, number: int
) -> None:
    cases = snapshots(living)
    if what == "reset":
        await cases.take("web1")
    left, apply = [number], living.libvirt.apply

    async def mortal(step: HostStep) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        await apply(step)

    with monkeypatch.context() as patch:
        patch.setattr(living.libvirt, "apply", mortal)
        with suppress(Killed):
            await (cases.take if what == "take" else cases.reset)("web1")

    again = snapshots(living)
    await again.mend()
    kept = await again.every()
    assert [found.state for found in kept] in ([], ["kept"])
    row = await living.memory.guest("web1")
    assert f"/{row.volume}" in living.libvirt.xmls["web1"]
    assert (await living.guests.show("web1")).state == "running"
    assert await again.mend() == []
    await living.life.delete("web1")
    assert living.volumes() == []


async def test_several_are_reset_and_what_stands_against_one_holds_up_no_other(living: Living) -> None:
    cases = snapshots(living)
    taken = dict([made async for made in cases.take_each(["nobody", "web1"])])
    done = dict([made async for made in cases.reset_each(["nobody", "web1"], at_once=1)])

    assert isinstance(taken["nobody"], NotFound) and isinstance(taken["web1"], Snapshot)
    assert isinstance(done["nobody"], ProvisionerError) and isinstance(done["web1"], Restored)


async def test_a_lab_is_its_guests(living: Living) -> None:
    cases = snapshots(living)
    await living.memory.put_lab_things(
        [LabThing("shop", Ref("guest", "web1"), {}), LabThing("shop", Ref("pool", "fast", "rack1"), {})]
    )

    assert await cases.of_lab("shop") == ["web1"]
    with pytest.raises(NotFound, match="no guest belongs to a lab 'other'"):
        await cases.of_lab("other")


async def test_a_guest_answers_by_ssh_or_by_its_prompt(living: Living) -> None:
    asked: list[tuple[str, int]] = []

    async def knock(address: str, port: int) -> bool:
        asked.append((address, port))
        return len(asked) > 1

    await snapshots(living).take("web1")
    living.libvirt.said = b"old boot\r\nweb1 login: "
    living.libvirt.leases["52:54:00:00:00:01"] = "192.0.2.7"
    done = await snapshots(living, knock).reset("web1", wait=5)
    assert (done.answered, asked) == ("ssh at 192.0.2.7", [("192.0.2.7", 22)] * 2)

    async def speak() -> None:
        await asyncio.sleep(0.01)
        living.libvirt.said += b"new boot\r\nweb1 login: "

    speaking = asyncio.create_task(speak())
    done = await snapshots(living).reset("web1", wait=5)
    await speaking
    assert done.answered == "a login prompt on its serial line"

    with pytest.raises(Unavailable, match=r"gave no sign within 0\.05 s"):
        await snapshots(living).reset("web1", wait=0.05)


async def test_so_many_are_switched_on_at_a_time(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    greets: set[str] = set()

    async def knock(address: str, port: int) -> bool:
        return address in greets

    await living.guests.create(replace(REQUEST, name="web2"))
    for name in ("web1", "web2"):
        await living.off(name)
        mac = (await living.memory.guest(name)).spec.mac
        living.libvirt.leases[mac] = name
    monkeypatch.setattr("provisioner.service.answering._LOOK_SECONDS", 0.001)
    answering = Answering(living.memory, living.libvirt, knock, neighbour=living.world.neighbours.get)
    starts = Starts(living.libvirt, living.guests, answering)
    order = []
    async for name, started in starts.start_each(["web1", "nobody", "web2"], at_once=1):
        order.append((name, isinstance(started, NotFound)))
        if name == "web1":
            await asyncio.sleep(0.01)
            assert (await living.guests.show("web2")).state == "shut off"
            greets.add("web1")

    assert order == [("web1", False), ("nobody", True), ("web2", False)]
    assert (await living.guests.show("web2")).state == "running"
