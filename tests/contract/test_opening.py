"""What an install begins and ends with: written together or not at all, in every store alike."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.profile import Tree
from provisioner.service.ports import GuestRow, JournalRow, Opening, Store, Token
from tests.fakes import START

MAC = "52:54:00:00:00:01"
UUID = "00000000-0000-4000-8000-000000000001"
SPEC = GuestSpec("web1", "tiny", UUID, nics=(Nic("network", "default", MAC),))
ROW = GuestRow(SPEC, "i1", "web1-i1", START, {})
INSTALL = Install("i1", "web1", MAC, UUID, "tiny", Stage.PLANNED, START, START)
TOKEN = Token("i1", "stub", START + timedelta(minutes=60))
TREE = Tree("c7", "http://mirror/7", "rhel", "7")
OPENING = Opening(
    events=(
        Event(Kind.PLANNED, START, "t", MAC, "i1", "p"),
        Event(Kind.CREATING, START, "t", MAC, "i1", "c"),
    ),
    tokens=(("digest", TOKEN),),
    journal=(JournalRow("i1", 0, "define", "intent"), JournalRow("i1", 1, "start", "intent")),
    tree=TREE,
)


def event(kind: Kind) -> Event:
    return Event(kind, START, "test", MAC, "i1", str(kind))


async def test_an_install_is_there_with_all_that_it_begins_with(store: Store) -> None:
    await store.add_install(INSTALL, ROW, OPENING)

    assert (await store.install("i1")).stage is Stage.CREATING
    assert [e.kind for e in await store.events()] == [Kind.PLANNED, Kind.CREATING]
    assert await store.token("digest") == TOKEN
    assert await store.open_journal() == list(OPENING.journal)
    assert await store.tree("c7") == TREE


async def test_of_a_name_that_is_taken_nothing_is_written(store: Store) -> None:
    await store.add_install(INSTALL, ROW)

    with pytest.raises(Conflict):
        await store.add_install(replace(INSTALL, id="i2"), replace(ROW, install="i2"), OPENING)

    assert await store.open_journal() == []
    assert await store.events() == []
    assert await store.token("digest") is None
    with pytest.raises(NotFound):
        await store.tree("c7")


async def test_of_many_that_ask_at_once_for_one_name_one_gets_it(store: Store) -> None:
    def one(number: int) -> tuple[Install, GuestRow]:
        row = replace(ROW, install=f"i{number}")
        return replace(INSTALL, id=f"i{number}"), row

    asked = [store.add_install(*one(number)) for number in range(20)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict] * 19
    assert len(await store.installs()) == len(await store.guests()) == 1


async def test_a_rebuild_begins_in_the_same_way(store: Store) -> None:
    await store.add_install(INSTALL, ROW)
    await store.record([event(Kind.DONE)])
    row = JournalRow("i2", 0, "define", "intent")

    await store.add_rebuild(replace(INSTALL, id="i2"), replace(ROW, install="i2"), Opening(journal=(row,)))

    assert await store.open_journal() == [row]


async def test_a_making_that_is_through_leaves_no_journal_open(store: Store) -> None:
    await store.add_install(INSTALL, ROW, OPENING)

    now = await store.complete("i1", [event(Kind.STARTED)])

    assert now == await store.install("i1")
    assert now.stage is Stage.BOOTING
    assert await store.open_journal() == []
    assert (await store.events())[-1].kind is Kind.STARTED


async def test_a_making_may_be_through_without_anything_that_happened(store: Store) -> None:
    await store.add_install(INSTALL, ROW, OPENING)

    assert (await store.complete("i1", [])).stage is Stage.CREATING
    assert await store.open_journal() == []


async def test_an_install_that_was_ended_meanwhile_is_not_through(store: Store) -> None:
    await store.add_install(INSTALL, ROW, OPENING)
    await store.record([event(Kind.CANCELLED)])

    with pytest.raises(Conflict, match="ended while its guest was being made"):
        await store.complete("i1", [event(Kind.STARTED)])

    assert await store.open_journal() == list(OPENING.journal)
    assert (await store.events())[-1].kind is Kind.CANCELLED


@pytest.mark.parametrize("asked", [{"mac": MAC, "name": "other"}, {"uuid": UUID, "name": "other"}])
async def test_the_first_thing_that_is_asked_for_finds_a_machine(store: Store, asked: dict[str, str]) -> None:
    other = replace(
        SPEC, name="other", uuid=UUID[:-1] + "2", nics=(Nic("network", "default", MAC[:-1] + "2"),)
    )
    await store.add_install(INSTALL, ROW)
    await store.add_install(replace(INSTALL, id="i2"), replace(ROW, spec=other, install="i2"))

    found = await store.machine(**asked)

    assert found is not None
    assert found.name == "web1"
