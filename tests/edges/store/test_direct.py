"""SQLite's transactions, one thread each: written together, taken back alone, told by version."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from provisioner.core.errors import Conflict
from provisioner.core.install import Event, Kind
from provisioner.core.machine import Machine
from provisioner.store.base import Session
from provisioner.store.database import Database
from tests.fakes import START


def event(number: int) -> Event:
    return Event(Kind.PROGRESS, START, "test", install="i1", text=f"e{number}")


async def test_of_many_writes_at_once_one_that_fails_takes_back_only_itself(store: Database) -> None:
    await store.add_machine(Machine("taken", "52:54:00:00:00:09", None, guest=False))
    refused = [Machine("taken", f"52:54:00:00:01:{n:02x}", None, guest=False) for n in range(10)]
    asked = [work for n in range(10) for work in (store.record([event(n)]), store.add_machine(refused[n]))]

    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes[1::2]] == [Conflict] * 10
    assert [e.text for e in await store.events()] == [f"e{n}" for n in range(10)]
    assert [machine.name for machine in await store.machines()] == ["taken"]


async def test_writes_that_wait_together_cost_one_transaction(store: Database) -> None:
    before = await store.version()
    await asyncio.gather(*(store.record([event(n)]) for n in range(20)))

    after = await store.version()

    assert isinstance(before, int)
    assert isinstance(after, int)
    assert 1 <= after - before < 20


async def test_the_version_tells_what_another_program_wrote(store: Database, url: str) -> None:
    before = await store.version()
    same = await store.version()
    with closing(sqlite3.connect(url.partition("///")[2])) as other:
        other.execute("INSERT INTO machines (name, mac, guest) VALUES ('m', '52:54:00:00:00:07', 0)")
        other.commit()

    assert before is not None
    assert same == before
    assert await store.version() != before
    assert [machine.name for machine in await store.machines()] == ["m"]


async def test_reading_changes_no_version(store: Database) -> None:
    before = await store.version()
    await store.events()

    assert await store.version() == before


async def test_a_transaction_may_wait_for_its_database_only(store: Database) -> None:
    async def work(session: Session) -> None:
        await session.execute(text("INSERT INTO machines (name, mac, guest) VALUES ('m', 'x', 0)"))
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits for something beside its database"):
        await store._write(work)

    assert await store.machines() == []
