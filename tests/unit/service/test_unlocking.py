"""Whose answers a key unlocks: a token, GRUB's serial, or nobody's where the first to ask is bound."""

from dataclasses import replace

import pytest

from provisioner.core.errors import Denied
from provisioner.core.firmware import Dialect
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.service.ports import TokenKind
from provisioner.service.unlocking import Unlocking
from tests.fakes import START
from tests.unit.service.world import World

MAC, HERE, THERE = "52:54:00:00:00:01", "192.168.122.50", "192.168.122.51"
INSTALL = Install("i1", "web1", MAC, "", "tiny", Stage.LOADING, START, START)


async def unlocking(world: World, dialect: Dialect) -> Unlocking:
    install = replace(INSTALL, loader=dialect)
    await world.memory.add_install(install, None)
    await world.tokens().issue(install)
    world.neighbours |= {HERE: MAC, THERE: MAC}
    return Unlocking(world.tokens(), world.memory, world.neighbours.get)


def token(world: World, kind: TokenKind) -> str:
    return world.tokens().mint("i1", kind, 1)


UNLOCKS: dict[str, tuple[Dialect, TokenKind | None, bool]] = {
    "iPXE's script carries the answer token": ("ipxe", "answer", True),
    "iPXE's serial does not": ("ipxe", "stub", False),
    "iPXE without a token": ("ipxe", None, False),
    "GRUB's serial": ("grub", "stub", True),
    "GRUB that reads no serial": ("grub", None, True),
    "GRUB with the report's token": ("grub", "report", False),
    "PXELINUX": ("pxelinux", None, True),
    "PXELINUX with a serial that it cannot read": ("pxelinux", "stub", False),
}


@pytest.mark.parametrize(("dialect", "kind", "unlocked"), UNLOCKS.values(), ids=UNLOCKS)
async def test_key(world: World, dialect: Dialect, kind: TokenKind | None, unlocked: bool) -> None:
    unlock = await unlocking(world, dialect)
    key = token(world, kind) if kind else "first"

    if unlocked:
        assert (await unlock(key, HERE)).id == "i1"
    else:
        with pytest.raises(Denied):
            await unlock(key, HERE)


async def test_the_first_to_ask_may_ask_again_and_no_other_may(world: World) -> None:
    unlock = await unlocking(world, "pxelinux")

    for _ in range(2):
        await unlock("first", HERE)
    with pytest.raises(Denied, match=f"belong to {HERE}, which asked first"):
        await unlock("first", THERE)


async def test_an_address_that_leads_to_no_machine_is_refused(world: World) -> None:
    unlock = await unlocking(world, "pxelinux")

    with pytest.raises(Denied, match=r"no install runs for the machine at 192\.168\.122\.99"):
        await unlock("first", "192.168.122.99")


async def test_the_answers_of_an_install_that_is_over_are_nobody_s(world: World) -> None:
    unlock = await unlocking(world, "pxelinux")
    await world.memory.record([Event(Kind.CANCELLED, START, "service", MAC, "i1", "no more")])

    with pytest.raises(Denied, match="no install runs"):
        await unlock("first", HERE)
