"""Volumes that belong to nobody any more are removed; whatever else lies in a pool is left alone."""

import pytest

from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.service.ports import GuestRow, Holdings
from provisioner.service.requests import CreateGuest
from provisioner.service.sweep import sweep
from tests.fakes import START
from tests.unit.service.world import World

MAC = "52:54:00:00:00:01"
OLD, NEW, OTHERS = "0123456789ab", "ba9876543210", "aaaaaaaaaaaa"
KEPT = (
    f"web1-{NEW}",
    f"web1-{NEW}-2",
    f"web1-{NEW}-seed",
    f"web1-{OLD}-left",  # written down: the next rebuild removes it
    f"web1-{OTHERS}",  # another service's, by a guest of the same name
    f"db-{OLD}",  # the install is ours, the guest is not its
    "base-0123456789abcdef.qcow2",
    "debian.iso",
    "web1",
    f"web1-{OLD.upper()}",
)
LEFT = (f"web1-{OLD}", f"web1-{OLD}-2", f"web1-{OLD}-kernel")


async def filled(world: World, *names: str) -> None:
    """A guest `web1` of install NEW, rebuilt once, and a pool with these volumes."""
    spec = GuestSpec(
        "web1", "tiny", "00000000-0000-4000-8000-0000000000ff", nics=(Nic("network", "default", MAC),)
    )
    pairs = [("default", f"web1-{NEW}{suffix}") for suffix in ("", "-2", "-seed")]
    held = Holdings(("-2",), tuple(pairs), (), (("default", f"web1-{OLD}-left"),))
    row = GuestRow(spec, NEW, f"web1-{NEW}", START, {}, holdings=held)
    for number, guest in ((OLD, None), (NEW, row)):
        install = Install(number, "web1", MAC, spec.uuid, "tiny", Stage.INSTALLED, START, START)
        await world.memory.add_install(install, guest)
    world.libvirt.disks = {("default", name): 1 for name in names}


async def swept(world: World, *busy: str) -> list[str]:
    return await sweep(world.memory, lambda uri: world.libvirt, [""], busy.__contains__)


def there(world: World) -> set[str]:
    return {name for _, name in world.libvirt.disks}


async def test_what_an_earlier_install_left_goes_and_all_else_stays(world: World) -> None:
    await filled(world, *KEPT, *LEFT)

    told = await swept(world)

    assert there(world) == set(KEPT)
    assert told == [f"volume {name} in pool default belonged to nobody: removed" for name in sorted(LEFT)]
    assert await swept(world) == []


async def test_what_is_being_made_is_left_alone(world: World) -> None:
    await filled(world, *LEFT)

    assert await swept(world, OLD) == []
    assert there(world) == set(LEFT)


async def test_what_a_domain_or_an_overlay_uses_is_left_alone(world: World) -> None:
    await filled(world, *KEPT, *LEFT)
    await world.guests().create(CreateGuest("db1", "tiny"))
    world.libvirt.xmls["db1"] += f'<source file="/var/lib/libvirt/images/{LEFT[0]}"/>'
    world.libvirt.backing["default", "overlay"] = LEFT[1]

    await swept(world)

    assert there(world) >= {LEFT[0], LEFT[1]}
    assert LEFT[2] not in there(world)


async def test_a_deleted_guests_volume_that_came_back_goes(world: World) -> None:
    await filled(world, *KEPT)
    await world.memory.remove_guest("web1")

    await swept(world)

    assert there(world) == {name for name in KEPT if NEW not in name and name != f"web1-{OLD}-left"}


async def test_a_host_that_is_away_is_left_for_the_next_time(world: World) -> None:
    await filled(world, *LEFT)
    world.libvirt.down = True
    assert await swept(world) == []

    world.libvirt.down = False
    assert len(await swept(world)) == len(LEFT)


@pytest.mark.parametrize("system", ["vol", "own"])
async def test_a_guests_system_disk_is_never_taken(world: World, system: str) -> None:
    """Whatever it is called, and though its holdings do not name it."""
    disk = Disk(0, volume=f"web1-{OLD}") if system == "vol" else Disk(4)
    spec = GuestSpec(
        "web1",
        "",
        "00000000-0000-4000-8000-0000000000ff",
        disks=(disk,),
        nics=(Nic("network", "default", MAC),),
        method="import",
    )
    row = GuestRow(spec, NEW, f"web1-{OLD}", START, {})
    for number, guest in ((OLD, None), (NEW, row)):
        install = Install(number, "web1", MAC, spec.uuid, "", Stage.INSTALLED, START, START)
        await world.memory.add_install(install, guest)
    world.libvirt.disks = {("default", f"web1-{OLD}"): 1}

    assert await swept(world) == []
