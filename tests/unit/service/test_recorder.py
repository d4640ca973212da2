"""Events on their way from netboot to the store: in order, kept while it is away, no drop unsaid."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from provisioner.core.errors import Unavailable
from provisioner.core.install import Event, Install, Kind
from provisioner.service.recorder import Recorder
from tests.fakes import START
from tests.unit.service.away import Away
from tests.unit.service.world import World


def event(number: int) -> Event:
    return Event(Kind.LOG, START, "test", text=str(number))


async def test_events_wait_in_order_while_the_store_is_away(world: World) -> None:
    store: Any = Away(world.memory)
    recorder = Recorder(store)
    for number in range(3):
        recorder.emit(event(number))
        with pytest.raises(Unavailable):
            await recorder.flush()
    store.away = False
    recorder.emit(event(3))
    await recorder.flush()
    await recorder.flush()

    assert [row.text for row in await world.memory.events()] == ["0", "1", "2", "3"]


async def test_it_is_behind_where_more_waits_than_a_transaction_takes_and_the_store_is_there(
    world: World,
) -> None:
    store: Any = Away(world.memory)
    recorder = Recorder(store)
    for number in range(500):
        recorder.emit(event(number))
    assert not recorder.behind
    recorder.emit(event(500))
    assert recorder.behind

    keeping = asyncio.create_task(recorder.keep())
    for _ in range(3):
        await asyncio.sleep(0)
    assert not recorder.behind  # no time of anybody's helps
    store.away = False
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_what_waits_at_the_end_is_recorded(world: World) -> None:
    recorder = Recorder(world.memory)
    keeping = asyncio.create_task(recorder.keep())
    await asyncio.sleep(0)
    recorder.emit(event(1))
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)

    assert [row.text for row in await world.memory.events()] == ["1"]


async def test_events_that_come_while_a_batch_is_written_are_kept(world: World) -> None:
    class Slow:
        async def record(self, events: Sequence[Event]) -> list[Install]:
            recorder.emit(event(2))
            await asyncio.sleep(0)
            return await world.memory.record(events)

    store: Any = Slow()
    recorder = Recorder(store)
    recorder.emit(event(1))
    await recorder.flush()
    assert [row.text for row in await world.memory.events()] == ["1"]
    await recorder.flush()

    assert [row.text for row in await world.memory.events()] == ["1", "2"]


async def test_what_is_too_much_makes_the_oldest_go_and_is_told(world: World) -> None:
    store: Any = Away(world.memory)
    recorder = Recorder(store)
    for number in range(20_300):
        recorder.emit(event(number))
    with pytest.raises(Unavailable):
        await recorder.flush()
    store.away = False
    recorder.emit(event(20_300))
    await recorder.flush()
    await recorder.flush()

    stored = await world.memory.events(limit=30_000)
    alarms = [row for row in stored if row.kind is Kind.ALARM]
    texts = [int(row.text) for row in stored if row.kind is Kind.LOG]
    assert [(row.data, row.text.split(" events")[0]) for row in alarms] == [({"dropped": 301}, "301")]
    assert stored[0] is alarms[0]
    assert texts == list(range(301, 20_301))
