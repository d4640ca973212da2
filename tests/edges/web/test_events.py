"""Live events: resumed without a gap, filtered, ended cleanly."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from provisioner.core.install import Kind
from tests.edges.web.world import TOKEN, World


@dataclass
class Frame:
    name: str
    data: Any
    id: str


class Reader:
    """Reads frames one by one."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def next(self) -> Frame | None:
        """None at the stream's end; comments and the greeting are passed over."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(10):
            while line := await self._content.readline():
                text = line.decode().rstrip("\r\n")
                if text:
                    key, _, value = text.partition(": ")
                    fields[key] = value
                elif fields.get("event") in ("event", "install"):
                    return Frame(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
                else:
                    fields = {}
        return None

    async def texts(self, count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            frame = await self.next()
            assert frame is not None
            if frame.name == "event":
                found.append(frame.data["text"])
        return found


@asynccontextmanager
async def stream(world: World, query: str = "", **headers: str) -> AsyncIterator[Reader]:
    given = {"Authorization": f"Bearer {TOKEN}", **headers}
    async with world.session.get(f"{world.people_root}/events{query}", headers=given) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        yield Reader(response.content)


async def test_an_event_and_then_its_install(world: World) -> None:
    install = await world.install()
    async with stream(world) as reader:
        await world.event(Kind.SCRIPT_SENT, install.id, "boot script")

        event, changed = await reader.next(), await reader.next()

    assert event is not None and changed is not None
    assert (event.name, event.data["text"], event.data["install"]) == ("event", "boot script", install.id)
    assert event.id == str(event.data["id"])
    assert (changed.name, changed.data["id"], changed.data["stage"]) == ("install", install.id, "loading")
    assert changed.id == ""


async def test_a_client_that_comes_back_misses_nothing(world: World) -> None:
    install = await world.install()
    for number in range(1200):
        if number % 200 == 0:
            await world.event(Kind.LOG, install.id, f"line {number}")
    last = await world.store.last_event_id()
    await world.event(Kind.LOG, install.id, "while away")

    async with stream(world, **{"Last-Event-ID": str(last)}) as reader:
        await world.event(Kind.LOG, install.id, "back")
        assert await reader.texts(2) == ["while away", "back"]
    async with stream(world, f"?after={last}") as reader:
        assert await reader.texts(2) == ["while away", "back"]
    async with stream(world, "?after=0") as reader:
        assert len(await reader.texts(10)) == 10


async def test_many_streams_get_all_in_order_while_events_pour(world: World) -> None:
    install = await world.install()

    async def listen() -> list[str]:
        async with stream(world, "?after=0") as reader:
            return (await reader.texts(202))[2:]

    async def pour() -> None:
        for number in range(200):
            await world.event(Kind.LOG, install.id, str(number))

    *heard, _ = await asyncio.gather(*(listen() for _ in range(5)), pour())

    for texts in heard:
        assert texts == [str(number) for number in range(200)]


async def test_a_stream_of_one_install_has_only_its_own(world: World) -> None:
    one = await world.install()
    other = await world.install("web2", mac="52:54:00:00:00:02")
    async with stream(world, f"?install={one.id}&after={await world.store.last_event_id()}") as reader:
        await world.event(Kind.LOG, other.id, "theirs")
        await world.event(Kind.LOG, one.id, "ours")

        frames = [await reader.next(), await reader.next()]

    assert [frame.data.get("text") or frame.data["id"] for frame in frames if frame] == ["ours", one.id]


async def test_the_end_of_the_service_ends_the_stream(world: World) -> None:
    async with stream(world) as reader:
        stopping = asyncio.create_task(world._listeners[1].cleanup())
        assert await reader.next() is None
        await stopping


async def test_nothing_is_asked_of_the_store_when_nobody_listens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    real = world.store.events

    async def counted(**options: Any) -> Any:
        nonlocal asked
        asked += 1
        return await real(**options)

    async with stream(world) as reader:
        await world.event(Kind.ALARM, "", "hello")
        assert await reader.texts(1) == ["hello"]
    await world.event(Kind.ALARM, "", "nobody hears")
    await asyncio.sleep(2.5)
    monkeypatch.setattr(world.store, "events", counted)
    await asyncio.sleep(0.7)
    assert asked == 0


@pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?after=99999999999999999999", "?after=%D9%A1"])
async def test_an_odd_id_is_refused(world: World, query: str) -> None:
    assert (await world.ask("GET", f"/events{query}"))[0] == 422
