"""Guests that are there: listed, shown, switched, deleted."""

from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, NotFound, Unavailable
from provisioner.core.host import Domain
from provisioner.core.install import Kind, Stage
from provisioner.service.requests import Address
from tests.unit.service.world import REQUEST, World

FOREIGN = Domain(
    "old", "11111111-0000-4000-8000-000000000001", "running", ours=False, macs=("52:54:00:aa:aa:aa",)
)


async def test_list_tells_ours_from_foreign_and_missing(world: World) -> None:
    guests = world.guests()
    await guests.create(REQUEST)
    await guests.create(replace(REQUEST, name="web2"))
    del world.libvirt.there[(await world.memory.guest("web2")).spec.uuid]
    world.libvirt.there[FOREIGN.uuid] = FOREIGN

    ours = await guests.list()
    everything = await guests.list(all=True)

    assert [(g.name, g.state, g.ours) for g in ours] == [("web1", "running", True), ("web2", "missing", True)]
    assert next((g.name, g.ours, g.mac) for g in everything) == ("old", False, "52:54:00:aa:aa:aa")
    assert everything[1:] == ours


async def test_the_address_comes_from_the_surest_source(world: World) -> None:
    guests = world.guests()
    await guests.create(REQUEST)
    mac = (await world.memory.guest("web1")).spec.mac

    assert (await guests.show("web1")).address is None
    await world.memory.bind("i1", "10.0.0.1")
    assert (await guests.show("web1")).address == Address("10.0.0.1", "answer")
    world.neighbours[mac] = "10.0.0.2"
    assert (await guests.show("web1")).address == Address("10.0.0.2", "neighbour")
    world.libvirt.leases[mac] = "10.0.0.3"
    assert (await guests.show("web1")).address == Address("10.0.0.3", "lease")
    await world.happen(Kind.FIRST_BOOT, address="10.0.0.4")
    shown = await guests.show("web1")
    assert (shown.address, shown.ssh) == (Address("10.0.0.4", "report"), "ssh root@10.0.0.4")


async def test_a_guest_is_switched(world: World) -> None:
    guests = world.guests()
    await guests.create(REQUEST)

    async def state() -> tuple[str, bool]:
        shown = await guests.show("web1")
        return shown.state, shown.autostart

    await guests.shutdown("web1")
    assert await state() == ("shut off", False)
    await guests.start("web1")
    await guests.autostart("web1", True)
    assert await state() == ("running", True)
    await guests.destroy("web1")
    assert await state() == ("shut off", True)
    with pytest.raises(Conflict, match="web1 is not running"):
        await guests.reboot("web1")


async def test_the_xml_hides_the_token(world: World) -> None:
    guests = world.guests()
    await guests.create(REQUEST)

    text = await guests.xml("web1")

    assert "***" in text
    assert world.tokens().mint("i1", "stub", 1) not in text


ACTS = ("start", "shutdown", "destroy", "reboot", "rebuild", "delete", "show", "xml")


@pytest.mark.parametrize("act", ACTS)
async def test_what_is_not_ours_is_never_touched(world: World, act: str) -> None:
    world.libvirt.there[FOREIGN.uuid] = FOREIGN

    with pytest.raises(Conflict, match="old is a domain that provisioner did not create"):
        await getattr(world.guests(), act)("old")
    with pytest.raises(NotFound, match="'nobody'"):
        await getattr(world.guests(), act)("nobody")

    assert (world.libvirt.applied, list(world.libvirt.there.values())) == ([], [FOREIGN])


@pytest.mark.parametrize("act", ["start", "shutdown", "destroy", "reboot", "xml"])
async def test_a_foreign_domain_that_took_the_name_is_not_touched(world: World, act: str) -> None:
    guests = world.guests()
    await guests.create(REQUEST)
    world.libvirt.there.clear()
    world.libvirt.applied.clear()

    with pytest.raises(Conflict, match="web1 is no longer in libvirt"):
        await getattr(guests, act)("web1")
    world.libvirt.there[FOREIGN.uuid] = replace(FOREIGN, name="web1")
    with pytest.raises(Conflict, match="did not create"):
        await getattr(guests, act)("web1")

    assert world.libvirt.applied == []


@pytest.mark.parametrize("act", ["start", "shutdown", "destroy", "reboot", "xml"])
async def test_a_guest_that_lost_our_mark_is_not_touched(world: World, act: str) -> None:
    guests = world.guests()
    await guests.create(REQUEST)
    uuid = (await world.memory.guest("web1")).spec.uuid
    world.libvirt.there[uuid] = replace(world.libvirt.there[uuid], ours=False)
    world.libvirt.applied.clear()

    with pytest.raises(Conflict, match="web1 is a domain that provisioner did not create"):
        await getattr(guests, act)("web1")

    assert world.libvirt.applied == []


async def test_delete_leaves_the_install_readable_and_nothing_else(world: World) -> None:
    world.libvirt.there[FOREIGN.uuid] = FOREIGN
    guests = world.guests()
    await guests.create(REQUEST)

    gone = await guests.delete("web1")

    assert [type(step).__name__ for step in gone.steps] == ["UndefineDomain", "DeleteVolume"]
    assert (list(world.libvirt.there.values()), world.libvirt.disks) == ([FOREIGN], {})
    assert (await world.memory.install("i1")).stage is Stage.CANCELLED
    assert (await world.kinds())[-1] is Kind.CANCELLED
    assert await world.memory.machines() == []
    assert (await guests.create(REQUEST)).install.id == "i2"


async def test_delete_can_be_asked_for_again_where_libvirt_went_away(world: World) -> None:
    guests = world.guests()
    await guests.create(REQUEST)
    await world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED)
    world.libvirt.down = True

    with pytest.raises(Unavailable, match="only partly removed"):
        await guests.delete("web1")
    world.libvirt.down = False
    await guests.delete("web1")

    assert (world.libvirt.there, world.libvirt.disks) == ({}, {})
    assert (await world.memory.install("i1")).stage is Stage.INSTALLED


async def test_a_guest_on_the_user_network_is_reached_by_its_port(world: World) -> None:
    """Its own reports come from this host's address, which leads to this host."""
    guests = world.guests()
    await guests.create(replace(REQUEST, networks=("user",)))
    await world.happen(Kind.FIRST_BOOT, address="127.0.0.1")

    shown = await guests.show("web1")

    assert (shown.address, shown.ssh) == (
        Address("127.0.0.1", "forward", 20001),
        "ssh -p 20001 root@127.0.0.1",
    )
