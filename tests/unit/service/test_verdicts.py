"""Every field of a guest that is being described, judged by itself."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from provisioner.core.host import Pool
from provisioner.service.requests import CreateGuest
from provisioner.service.verdicts import Judged, Verdicts
from tests.fakes import FACTS, IMAGE, FakeHypervisor
from tests.unit.service.world import REQUEST, SERVED, World


async def judge(
    world: World, request: CreateGuest, served: dict[str, str] | None = None, names: Sequence[str] = ()
) -> Judged:
    guests = world.guests()
    own = SERVED if served is None else served
    verdicts = Verdicts(world.memory, guests.drafts, lambda: own, guests.dry_run)
    return await verdicts.judge(request, names)


def told(judged: Judged, severity: str = "fail") -> dict[str, str]:
    return {found.field: found.sentence for found in judged.verdicts if found.severity == severity}


async def test_a_guest_that_can_be_had_is_planned_and_each_field_tells_why(world: World) -> None:
    judged = await judge(world, REQUEST)

    assert told(judged) == {}
    assert judged.plan is not None
    assert "***" in judged.plan.xml
    good = told(judged, "good")
    assert set(good) == {"name", "memory", "vcpus", "disks", "networks"}
    assert good["name"] == "web1 is free"
    assert "netboot serves" in good["networks"]
    assert await world.memory.guests() == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "-x", "guest name"),
        ("profile", "", "--profile is missing"),
        ("profile", "nobody", "nobody"),
        ("memory", 1, "128 MiB is the least"),
        ("memory", 10**6, "more than the"),
        ("vcpus", 0, "out of range"),
        ("vcpus", 700, "more than the"),
        ("disks", ("size=x",), "not a number of GiB"),
        ("disks", ("size=4,pool=nowhere",), "no storage pool 'nowhere'"),
        ("disks", ("size=60000",), "larger than the"),
        ("networks", ("nothing=at,all",), "--network"),
        ("networks", ("network=nowhere",), "no libvirt network 'nowhere'"),
        ("boot", "coreboot", "write bios, uefi"),
        ("variables", {"timezone": "a\nb"}, "timezone"),
        ("ssh_keys", ("no key",), "not a public key"),
    ],
)
async def test_what_is_wrong_is_told_of_its_field_alone(
    world: World, field: str, value: object, words: str
) -> None:
    judged = await judge(world, replace(REQUEST, **{field: value}))  # type: ignore[arg-type]

    assert list(told(judged)) == [field]
    assert words in told(judged)[field]
    assert judged.plan is None


async def test_everything_that_is_wrong_is_told_at_once(world: World) -> None:
    wrong = replace(REQUEST, name="-x", memory=1, disks=("size=x",), networks=("bridge=",), profile="nobody")

    assert set(told(await judge(world, wrong))) == {"name", "memory", "disks", "networks", "profile"}


async def test_a_network_where_nobody_answers_comes_with_its_remedy(world: World) -> None:
    judged = await judge(world, REQUEST, served={})

    (found,) = [item for item in judged.verdicts if item.severity == "fail"]
    assert found.field == "networks"
    assert "--repair" in found.remedy


@pytest.mark.parametrize(("method", "field"), [("iso", "cdrom"), ("url", "location"), ("import", "disks")])
async def test_what_a_method_lacks_is_asked_for_in_its_place(world: World, method: str, field: str) -> None:
    lacking = CreateGuest("web1", method=method)  # type: ignore[arg-type]

    assert list(told(await judge(world, lacking))) == [field]


async def test_an_image_that_is_not_built_is_the_profiles_matter(world: World) -> None:
    await world.memory.remove_image(IMAGE.name)
    assert list(told(await judge(world, REQUEST))) == ["profile"]

    await world.memory.put_image(replace(IMAGE, unpacked=2**40))
    assert list(told(await judge(world, REQUEST))) == ["disks"]


async def test_a_full_pool_is_told_with_what_it_has(world: World) -> None:
    full = Pool("default", True, 2**40, 2**40 - 2**30, 2**30)
    world.libvirt = FakeHypervisor(replace(FACTS, pools=(full,)))

    judged = await judge(world, replace(REQUEST, disks=("size=4",)))
    assert "1.0 GiB that pool default has left" in told(judged)["disks"]


async def test_of_several_each_name_is_looked_at_and_the_sum_of_what_they_need(world: World) -> None:
    await world.guests().create(replace(REQUEST, name="web3"))
    some = Pool("default", True, 2**40, 0, 4 * 2**30)
    world.libvirt = FakeHypervisor(replace(FACTS, pools=(some,), memory=1200), world.libvirt.there.values())

    names = [f"web{number}" for number in range(1, 6)]
    judged = await judge(world, replace(REQUEST, disks=("size=2",)), names=names)

    assert told(judged) == {"name": "guest web3 exists already on qemu:///system"}
    warned = told(judged, "warn")
    assert "5 guests with 512 MiB each" in warned["memory"]
    assert warned["disks"] == "5 disks of 2 GiB grow beyond the 4.0 GiB that pool default has left"
