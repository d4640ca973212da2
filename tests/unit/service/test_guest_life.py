"""Guests paused, watched and typed into; what their removal takes, and what it leaves."""

from dataclasses import dataclass, replace

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, Unavailable
from provisioner.core.host import Domain
from provisioner.core.install import Kind
from provisioner.plan.steps import CreateVolume, DeleteVolume, LinkVolume
from provisioner.service.clones import Clones
from provisioner.service.guest_life import GuestLife
from provisioner.service.guests import Guests
from provisioner.service.rebuilds import Rebuilds
from provisioner.service.requests import Address
from tests.fakes import FakeClock
from tests.life import FakeLifeHost
from tests.memory import MemoryStore
from tests.unit.service.world import REQUEST, World

FOREIGN = Domain("old", "11111111-0000-4000-8000-000000000001", "running", ours=False)


@dataclass
class Living:
    """A world whose host lets guests live. `web1` is there and runs; its install is `i1`."""

    world: World
    libvirt: FakeLifeHost
    guests: Guests
    life: GuestLife
    clones: Clones

    @property
    def memory(self) -> MemoryStore:
        return self.world.memory

    async def off(self, name: str = "web1") -> None:
        await self.guests.destroy(name)

    def volumes(self) -> list[str]:
        return sorted(name for _, name in self.libvirt.disks)


async def new_living() -> Living:
    from pathlib import Path

    from tests.fakes import IMAGE

    clock = FakeClock()
    libvirt = FakeLifeHost()
    world = World(clock, MemoryStore(clock), libvirt)
    await world.memory.put_image(IMAGE)
    guests = world.guests()
    life = GuestLife(world.memory, libvirt, guests, clock, neighbour=world.neighbours.get)
    clones = Clones(
        world.memory, libvirt, guests, world.tokens(), clock, world.ids, Path("/var/log/provisioner")
    )
    await guests.create(REQUEST)
    await world.happen(Kind.SCRIPT_SENT, Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED)
    return Living(world, libvirt, guests, life, clones)


@pytest.fixture
async def living() -> Living:
    return await new_living()


async def test_a_guest_is_paused_let_go_on_and_reset(living: Living) -> None:
    await living.life.suspend("web1")
    assert (await living.guests.show("web1")).state == "paused"
    await living.life.resume("web1")
    assert (await living.guests.show("web1")).state == "running"
    await living.life.reset("web1")
    assert len(living.libvirt.resets) == 1


async def test_a_console_has_one_end_here_unless_it_is_taken(living: Living) -> None:
    first = await living.life.console("web1")
    await first.write(b"ls\n")
    assert await first.read() == b"ls\n"

    with pytest.raises(Conflict, match="open somewhere else"):
        await living.life.console("web1")
    second = await living.life.console("web1", force=True)

    assert await first.read() == b""
    await second.write(b"x")
    assert await second.read() == b"x"
    assert await living.life.said("web1", 4) == b"in: "


async def test_a_screens_password_is_new_each_time_and_expires(living: Living) -> None:
    first = await living.life.unlock_display("web1", 10)
    second = await living.life.unlock_display("web1", 10)

    assert (await living.life.display("web1")).password == ""
    assert first.password != second.password
    assert {len(password) for password, _ in living.libvirt.passwords} == {8}
    assert first.expires is not None
    assert (first.expires - living.world.clock()).total_seconds() in range(599, 601)
    for minutes in (0, -1, 1441):
        with pytest.raises(Invalid, match="out of range"):
            await living.life.unlock_display("web1", minutes)


ACTS = (
    "suspend",
    "resume",
    "reset",
    "console",
    "said",
    "serial",
    "screenshot",
    "display",
    "screen",
    "removal",
)


@pytest.mark.parametrize("act", ACTS)
async def test_a_foreign_domain_is_left_alone_and_a_stranger_is_named(living: Living, act: str) -> None:
    living.libvirt.there[FOREIGN.uuid] = FOREIGN

    with pytest.raises(Conflict, match="did not create"):
        await getattr(living.life, act)("old")
    with pytest.raises(NotFound, match="nobody"):
        await getattr(living.life, act)("nobody")

    assert living.libvirt.calls == []


async def test_the_addresses_of_many_are_asked_for_at_once(living: Living) -> None:
    row = await living.memory.guest("web1")
    living.libvirt.leases[row.spec.mac] = "192.0.2.7"
    living.libvirt.there[FOREIGN.uuid] = FOREIGN

    found = await living.life.addressed(await living.guests.list(all=True))

    assert [(guest.name, guest.address) for guest in found] == [
        ("old", None),
        ("web1", Address("192.0.2.7", "lease")),
    ]


async def test_a_removal_is_counted_before_it_is_done(living: Living) -> None:
    removal = await living.life.removal("web1")

    assert [(volume.name, volume.capacity) for volume in removal.volumes] == [("web1-i1", 1024**3)]
    assert (removal.stays, removal.nvram, removal.tpm) == ((), "", False)
    assert living.volumes() == ["web1-i1"]
    await living.life.delete("web1")
    assert living.volumes() == []


async def test_a_domain_that_is_gone_can_still_be_counted_and_removed(living: Living) -> None:
    living.libvirt.there.clear()

    assert (await living.life.removal("web1")).nvram == ""
    await living.life.delete("web1")

    assert living.volumes() == [] and await living.memory.guests() == []


async def test_a_base_stays_until_the_last_that_stands_on_it_is_removed(living: Living) -> None:
    await living.off()
    await living.clones.clone("web1", "web2")
    await living.clones.clone("web1", "web3")
    assert living.volumes() == ["web1-i1", "web1-i2", "web2-i2", "web3-i3"]

    removal = await living.life.removal("web2")
    assert [volume.name for volume in removal.volumes] == ["web2-i2"]
    assert [(kept.volume.name, kept.users) for kept in removal.stays] == [("web1-i1", ("web1-i2", "web3-i3"))]

    await living.life.delete("web2")
    await living.life.delete("web1")
    assert living.volumes() == ["web1-i1", "web3-i3"]
    last = await living.life.removal("web3")
    assert [volume.name for volume in last.volumes] == ["web3-i3", "web1-i1"]
    await living.life.delete("web3")
    assert living.volumes() == []


async def test_a_chain_of_bases_goes_with_its_end(living: Living) -> None:
    await living.off()
    await living.clones.clone("web1", "web2")
    living.libvirt.written.add("web2-i2")
    await living.clones.clone("web2", "web3")
    assert living.libvirt.backings["default", "web3-i3"] == "web2-i2"

    for name in ("web1", "web2"):
        await living.life.delete(name)
    assert living.volumes() == ["web1-i1", "web2-i2", "web3-i3"]
    await living.life.delete("web3")

    assert living.volumes() == []


async def test_a_rebuild_leaves_no_base_that_nobody_needs(living: Living) -> None:
    await living.off()
    await living.clones.clone("web1", "web2")
    rebuilds = Rebuilds(living.memory, living.libvirt, living.guests, living.life)
    await rebuilds.rebuild("web1")
    assert living.volumes() == ["web1-i1", "web1-i3", "web2-i2"]
    await living.world.happen(Kind.CANCELLED, install="i3")

    await rebuilds.rebuild("web2")

    assert living.volumes() == ["web1-i3", "web2-i4"]


async def test_two_that_go_at_once_leave_no_base(living: Living) -> None:
    import asyncio

    await living.off()
    await living.clones.clone("web1", "web2")
    await living.life.delete("web1")
    await living.guests.create(replace(REQUEST, name="web4"))
    await living.clones.clone("web2", "web3")

    await asyncio.gather(*(living.life.delete(name) for name in ("web2", "web3")))

    assert living.volumes() == ["web4-i3"]


FOREIGN_BASES = ("golden.qcow2", "golden-i99", "web1-i1-vda.bak")


@pytest.mark.parametrize("base", FOREIGN_BASES)
async def test_a_base_that_was_not_made_here_is_never_removed(living: Living, base: str) -> None:
    pool = "default"
    await living.libvirt.apply(CreateVolume(pool, base, 1024, "qcow2"))
    await living.libvirt.apply(DeleteVolume(pool, "web1-i1"))
    await living.libvirt.apply(LinkVolume(pool, "web1-i1", base, f"/p/{base}", "qcow2", 1024))

    removal = await living.life.removal("web1")
    await living.life.delete("web1")

    assert [(kept.volume.name, kept.users) for kept in removal.stays] == [(base, ())]
    assert living.volumes() == [base]


async def test_libvirt_that_is_away_is_told(living: Living) -> None:
    living.libvirt.down = True

    with pytest.raises(Unavailable):
        await living.life.removal("web1")
