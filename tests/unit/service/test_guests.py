import asyncio
from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError, Unavailable
from provisioner.core.host import Domain
from provisioner.core.install import Kind, Stage
from provisioner.core.machine import Machine
from provisioner.plan.steps import (
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    SetAutostart,
    StartDomain,
    StopDomain,
    UndefineDomain,
)
from provisioner.service.requests import CreateGuest
from provisioner.service.tokens import KINDS
from tests.unit.service.world import REQUEST, World

FOREIGN = Domain(
    "old", "11111111-0000-4000-8000-000000000001", "running", ours=False, macs=("52:54:00:aa:aa:aa",)
)


async def kept(world: World) -> list[object]:
    """What the store holds beside the catalogue."""
    store = world.memory
    return [*await store.events(), *await store.installs(), *await store.machines(), *await store.guests()]


async def test_create_switches_a_guest_on(world: World) -> None:
    made = await world.guests().create(REQUEST)

    assert made.install == await world.memory.install("web1")
    assert (made.install.stage, made.install.guest, made.install.id) == (Stage.BOOTING, "web1", "i1")
    assert (made.guest.state, made.guest.memory, made.guest.profile) == ("running", 512, "tiny")
    assert [type(step) for step in world.libvirt.applied] == [CreateVolume, DefineDomain, StartDomain]
    assert world.libvirt.disks == {("default", "web1-i1"): 1024**3}
    assert await world.kinds() == [Kind.PLANNED, Kind.CREATING, Kind.STARTED]
    assert await world.memory.open_journal() == []


async def test_the_tokens_of_a_created_guest_are_good_and_its_serial_is_the_stub(world: World) -> None:
    made = await world.guests().create(REQUEST)

    stub = world.tokens().mint("i1", "stub", 1)
    for kind in KINDS:
        assert await world.tokens().check(world.tokens().mint("i1", kind, 1), kind) == made.install
    assert stub in world.libvirt.xmls["web1"]
    assert stub not in made.plan.xml
    assert "***" in made.plan.xml


async def test_a_dry_run_is_the_same_plan_and_changes_nothing(world: World) -> None:
    planned = await world.guests().dry_run(REQUEST)

    assert [type(step) for step in planned.steps] == [CreateVolume, DefineDomain, StartDomain]
    assert world.tokens().mint("i1", "stub", 1) not in repr(planned)
    assert (world.libvirt.applied, world.libvirt.there, world.libvirt.disks) == ([], {}, {})
    assert await kept(world) == []


async def test_what_is_asked_stands_above_the_profile(world: World) -> None:
    asked = CreateGuest(
        "web1",
        "tiny",
        memory=2048,
        vcpus=4,
        disks=("size=3,pool=default,format=raw",),
        networks=("bridge=virbr0",),
        mac="52-54-00-AB-CD-EF",
        uuid="4F1B1C1E-0000-4000-8000-525400123456",
        boot="uefi",
        rom=False,
        extra_args="quiet",
        autostart=True,
        root_password_hash="$6$abc$def",
    )

    await world.guests().create(asked)

    row = await world.memory.guest("web1")
    spec = row.spec
    assert (spec.memory, spec.vcpus, spec.disk.size, spec.disk.format) == (2048, 4, 3, "raw")
    assert (spec.nic.kind, spec.nic.source, spec.mac) == ("bridge", "virbr0", "52:54:00:ab:cd:ef")
    assert (spec.uuid, spec.boot, spec.rom) == ("4f1b1c1e-0000-4000-8000-525400123456", "uefi", False)
    assert (spec.extra_args, spec.autostart) == ("quiet", True)
    assert row.secrets == {"root_password_hash": "$6$abc$def"}
    assert SetAutostart("web1", spec.uuid, True) in world.libvirt.applied


WRONG: dict[str, tuple[dict[str, object], type[ProvisionerError], str]] = {
    "name": ({"name": "Web 1"}, Invalid, "guest name 'Web 1' is not usable"),
    "profile": ({"profile": "none"}, NotFound, "no profile is called 'none'; known are tiny"),
    "disk": ({"disks": ("size=x",)}, Invalid, "not a number of GiB"),
    "disk larger than the pool": ({"disks": ("size=200",)}, Invalid, "larger than the 100.0 GiB"),
    "pool": ({"disks": ("size=4,pool=slow",)}, NotFound, "no storage pool 'slow'.*known are default"),
    "network": ({"networks": ("network=lan",)}, NotFound, "no libvirt network 'lan'.*known are default"),
    "bridge": ({"networks": ("bridge=br9",)}, NotFound, "no bridge 'br9'.*known are br0, virbr0"),
    "bridge that nobody serves": (
        {"networks": ("bridge=br0",)},
        Conflict,
        "nobody answers PXE on bridge br0",
    ),
    "memory": ({"memory": 64}, Invalid, "memory 64 MiB is out of range"),
    "more memory than the host has": ({"memory": 99999}, Invalid, "more than the 16384 MiB"),
    "vcpus": ({"vcpus": 99}, Invalid, "99 vCPUs are more than the 8"),
    "mac": ({"mac": "nonsense"}, Invalid, "'nonsense' is not a MAC address"),
    "mac of a foreign domain": ({"mac": "52:54:00:aa:aa:aa"}, Conflict, "belongs to domain old"),
    "uuid": ({"uuid": "1"}, Invalid, "'1' is not a UUID"),
    "ssh key": ({"ssh_keys": ("ssh-ed25519 AAAA\nrootpw x",)}, Invalid, "SSH key 1 is not a public key"),
    "password": ({"root_password_hash": "secret"}, Invalid, r"not a crypt\(3\) hash"),
    "kernel arguments": ({"extra_args": "a\nb"}, Invalid, "line break"),
    "name of a foreign domain": ({"name": "old"}, Conflict, "not ours"),
    "disk smaller than the image": ({"disks": ("size=0.01",)}, Invalid, "image tiny needs"),
}


@pytest.mark.parametrize(("change", "error", "sentence"), WRONG.values(), ids=WRONG)
async def test_a_bad_request_is_one_sentence_and_leaves_nothing(
    world: World, change: dict[str, object], error: type[ProvisionerError], sentence: str
) -> None:
    world.libvirt.there[FOREIGN.uuid] = FOREIGN
    request: CreateGuest = replace(REQUEST, **change)  # type: ignore[arg-type]

    for act in (world.guests().dry_run, world.guests().create):
        with pytest.raises(error, match=sentence) as caught:
            await act(request)
        assert "\n" not in str(caught.value)

    assert (world.libvirt.applied, world.libvirt.disks) == ([], {})
    assert await kept(world) == []


async def test_an_image_that_is_not_built_is_named_with_the_command(world: World) -> None:
    await world.memory.remove_image("tiny")

    with pytest.raises(NotFound, match="image tiny, which is not built yet") as caught:
        await world.guests().create(REQUEST)

    assert caught.value.remedy == "provisioner image build tiny"


async def test_an_unreachable_tree_is_told_before_anything_is_done(world: World) -> None:
    world.trees.broken = "tree mini has no http://mirror/vmlinuz"

    with pytest.raises(Unavailable, match="http://mirror/vmlinuz"):
        await world.guests().create(REQUEST)

    assert world.libvirt.applied == []


async def test_libvirt_being_down_is_told(world: World) -> None:
    world.libvirt.down = True

    with pytest.raises(Unavailable, match="does not answer"):
        await world.guests().create(REQUEST)


async def test_a_bad_answer_file_stops_the_creation(world: World) -> None:
    guests = world.guests()

    async def refuse(*given: object) -> tuple[str, ...]:
        raise Invalid("line 3: unknown command")

    guests.drafts._check_answer = refuse
    with pytest.raises(Invalid, match="line 3"):
        await guests.create(REQUEST)

    assert await world.memory.installs() == []


async def test_of_a_hundred_that_ask_for_one_name_one_gets_it(world: World) -> None:
    guests = world.guests()

    done = await asyncio.gather(*(guests.create(REQUEST) for _ in range(100)), return_exceptions=True)

    refused = [error for error in done if isinstance(error, BaseException)]
    assert len(refused) == 99
    assert {type(error) for error in refused} == {Conflict}
    assert len(world.libvirt.there) == len(world.libvirt.disks) == len(await world.memory.installs()) == 1


async def test_of_several_each_is_made_by_itself(world: World) -> None:
    world.libvirt.there[FOREIGN.uuid] = FOREIGN
    asked = [replace(REQUEST, name=name) for name in ("web1", "old", "web2", "Not a name", "web1")]

    done = [made async for made in world.guests().create_each(asked)]

    refused = [error for _, error in done if isinstance(error, Exception)]
    assert sorted(name for name, _ in done) == ["Not a name", "old", "web1", "web1", "web2"]
    assert sorted(type(error).__name__ for error in refused) == ["Conflict", "Conflict", "Invalid"]
    assert sorted(guest.spec.name for guest in await world.memory.guests()) == ["web1", "web2"]
    assert await world.memory.open_journal() == []


async def test_who_stops_listening_stops_what_was_not_begun(world: World) -> None:
    guests = world.guests()
    making = guests.create_each([replace(REQUEST, name=f"web{number}") for number in range(200)])

    await anext(making)
    await making.aclose()
    await guests.close()

    made = await world.memory.guests()
    assert 0 < len(made) < 200
    assert {guest.install for guest in made} == {install.id for install in await world.memory.installs()}
    assert len(world.libvirt.there) == len(made)
    assert await world.memory.open_journal() == []


async def test_the_name_of_a_machine_is_taken(world: World) -> None:
    await world.memory.add_machine(Machine("web1", "52:54:00:99:99:99"))

    with pytest.raises(Conflict, match="web1 is taken by machine web1"):
        await world.guests().create(REQUEST)


STEPS = (CreateVolume, DefineDomain, StartDomain)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_fails_leaves_nothing_and_frees_the_name(
    world: World, step: type, when: str
) -> None:
    world.libvirt.there[FOREIGN.uuid] = FOREIGN
    guests = world.guests()
    for number in range(1, 21):
        world.libvirt.fail = {step: (when, Unavailable("the disk is on fire"))}
        with pytest.raises(Unavailable, match="on fire"):
            await guests.create(REQUEST)

        assert list(world.libvirt.there.values()) == [FOREIGN]
        assert world.libvirt.disks == {}
        failed = await world.memory.install(f"i{number}")
        assert (failed.stage, failed.reason) == (Stage.FAILED, "the disk is on fire")
        assert [*await world.memory.open_journal(), *await world.memory.machines()] == []

    world.libvirt.fail = {}
    assert (await guests.create(REQUEST)).install.stage is Stage.BOOTING


async def test_steps_are_undone_in_reverse(world: World) -> None:
    world.libvirt.fail = {StartDomain: ("after", Unavailable("the disk is on fire"))}

    with pytest.raises(Unavailable):
        await world.guests().create(REQUEST)

    assert [type(step) for step in world.libvirt.applied] == [
        *STEPS,
        StopDomain,
        UndefineDomain,
        DeleteVolume,
    ]


async def test_what_cannot_be_undone_stays_in_the_journal_and_is_told(world: World) -> None:
    world.libvirt.fail = {
        StartDomain: ("before", Conflict("no memory")),
        StopDomain: ("before", Unavailable("libvirt is gone")),
    }

    with pytest.raises(Conflict, match="no memory"):
        await world.guests().create(REQUEST)

    assert (await world.kinds())[-2:] == [Kind.CREATE_FAILED, Kind.ALARM]
    assert len(await world.memory.open_journal()) == 3
    assert (await world.memory.guest("web1")).install == "i1"


async def test_an_install_cancelled_while_it_is_made_is_taken_back(world: World) -> None:
    guests = world.guests()
    making = asyncio.create_task(guests.create(REQUEST))
    while not world.libvirt.applied:
        await asyncio.sleep(0)
    await world.happen(Kind.CANCELLED)

    with pytest.raises(Conflict, match="ended while its guest was being made"):
        await making

    assert (world.libvirt.there, world.libvirt.disks) == ({}, {})
    assert (await world.memory.install("i1")).stage is Stage.CANCELLED


async def test_who_asks_may_go_away(world: World) -> None:
    guests = world.guests()
    asking = asyncio.create_task(guests.create(REQUEST))
    while not world.libvirt.applied:
        await asyncio.sleep(0)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await guests.close()

    assert (await world.memory.install("web1")).stage is Stage.BOOTING
