"""The database under kill -9, under several processes, and under callers that go away."""

import asyncio
import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from provisioner.core.errors import Invalid, Unavailable
from provisioner.core.install import Event, Kind
from provisioner.store.database import Database
from tests.fakes import START

ROOT = Path(__file__).parents[3]
KILLS, AT_ONCE = 20, 4


def writer(url: str, prefix: str, count: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.edges.store.writer", url, prefix, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def event(text: str) -> Event:
    return Event(Kind.PROGRESS, START, "test", install="i1", text=text)


async def texts(store: Database) -> list[str]:
    found: list[Event] = []
    while page := await store.events(after=found[-1].id if found else 0):
        found += page
    return [e.text for e in found]


async def test_a_writer_killed_loses_nothing_that_was_acknowledged(store: Database, url: str) -> None:
    chance = random.Random(7)
    acknowledged: list[str] = []
    for batch in range(0, KILLS, AT_ONCE):
        children = [writer(url, f"w{number}") for number in range(batch, batch + AT_ONCE)]
        for child in children:
            assert child.stdout is not None
            acknowledged.append(child.stdout.readline().strip())
        for child in children:
            time.sleep(chance.uniform(0, 0.1))
            child.kill()
            acknowledged += child.communicate()[0].split()

    kept = await texts(store)
    whole = {text.rpartition("-")[0] for text in kept}

    assert len(acknowledged) > KILLS
    assert set(acknowledged) - set(kept) == set()
    assert len(kept) == 3 * len(whole), "a batch is kept whole or not at all"
    with closing(sqlite3.connect(url.partition("///")[2])) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []


async def test_two_processes_write_at_once(store: Database, url: str) -> None:
    children = [writer(url, prefix, 60) for prefix in ("netboot", "other")]
    mine = [f"web-{number}" for number in range(60)]
    await asyncio.gather(*(store.record([event(text)]) for text in mine))
    for child in children:
        await asyncio.to_thread(child.communicate)

    kept = await texts(store)

    assert [child.returncode for child in children] == [0, 0]
    assert len(kept) == len(set(kept)) == 60 + 2 * 180
    assert (await store.install("i1")).percent == 59


async def test_many_writers_and_readers_wait_their_turn(store: Database) -> None:
    writers = [store.record([event(f"e{number}")]) for number in range(64)]
    readers = [store.events(limit=5) for _ in range(64)]

    await asyncio.gather(*writers, *readers)

    assert len(await texts(store)) == 64


async def test_a_caller_that_goes_away_leaves_no_transaction_open(store: Database, url: str) -> None:
    chance = random.Random(3)

    async def impatient(number: int) -> None:
        task = asyncio.create_task(store.record([event(f"e{number}-{part}") for part in range(3)]))
        await asyncio.sleep(chance.uniform(0, 0.01))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await asyncio.gather(*(impatient(number) for number in range(100)))
    await store.record([event("last")])

    kept = await texts(store)
    assert kept[-1] == "last"
    assert len(kept) % 3 == 1
    with closing(sqlite3.connect(url.partition("///")[2], timeout=0)) as file:
        file.execute("BEGIN IMMEDIATE")


async def test_a_write_that_was_begun_is_written_though_nobody_waits(store: Database, url: str) -> None:
    asking = [asyncio.create_task(store.record([event(f"e{number}")])) for number in range(20)]
    await asyncio.sleep(0.002)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await store.close()
    await store.open()

    assert await texts(store) == [f"e{number}" for number in range(20)]


async def test_closing_waits_for_writes_and_ends_every_thread(url: str, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    database = Database(url)
    await database.open()
    await database.migrate(tmp_path)
    late = [asyncio.create_task(database.record([event(f"e{n}")])) for n in range(20)]
    await asyncio.sleep(0)

    await database.close()
    await asyncio.gather(*late)

    started = set(threading.enumerate()) - before
    for thread in started:
        thread.join(30)  # a thread says that its connection is closed just before it ends
    assert [thread for thread in started if thread.is_alive()] == []
    with pytest.raises(Unavailable, match="the database is closed"):
        await database.last_event_id()
    await database.close()
    await database.open()
    assert await database.last_event_id() == 20
    await database.close()


async def test_the_file_is_its_owners_alone_and_durable(store: Database, url: str) -> None:
    file = Path(url.partition("///")[2])

    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    "url",
    ["nonsense", "", "sqlite+nothing:///x", "oracle+none://h/x", "sqlite:///x", "sqlite+aiosqlite://"],
    ids=["text", "empty", "driver", "kind", "no async driver", "memory"],
)
async def test_a_bad_url_is_one_sentence(url: str) -> None:
    with pytest.raises(Invalid, match="database") as caught:
        await Database(url).open()
    assert "\n" not in str(caught.value)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable, match="cannot be opened"):
        await Database(f"sqlite+aiosqlite:///{tmp_path}/file/provisioner.db").open()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "provisioner.db"
    file.write_text("a letter to somebody " * 100)
    database = Database(f"sqlite+aiosqlite:///{file}")
    await database.open()

    with pytest.raises(Unavailable, match=f"the database {file} does not answer: file is not a database"):
        await database.migrate(tmp_path)
    await database.close()


async def test_a_full_disk_is_told_and_nothing_is_half_written(store: Database, url: str) -> None:
    await store.record([event("before")])

    def no_more(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    await store._opened().run(no_more)

    with pytest.raises(Unavailable, match="database or disk is full"):
        for number in range(50):
            await store.record([event(f"{number}" + "x" * 100_000)])

    kept = await texts(store)
    assert kept[0] == "before"
    assert all(len(text) > 100_000 for text in kept[1:])
