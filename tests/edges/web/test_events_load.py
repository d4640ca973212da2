"""Streams that never read, many streams, and streams of installs alone."""

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.install import Event, Kind
from provisioner.web import events
from provisioner.web.keys import TAILER
from provisioner.web.tailer import BACKLOG, Stream, Told
from tests.edges.web.test_events import stream
from tests.edges.web.world import TOKEN, World, now


def tailer(world: World) -> Any:
    return world._listeners[1].app[TAILER]


async def test_who_never_reads_is_ended_and_costs_little(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STALLED_SECONDS", 1.0)
    install = await world.install()
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, ("127.0.0.1", world.people_port))
    request = f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    await loop.sock_sendall(deaf, request.encode())
    while not tailer(world)._streams:
        await asyncio.sleep(0.02)
    [held] = tailer(world)._streams
    most = 0
    for _ in range(40):
        lines = [Event(Kind.LOG, now(), "test", install=install.id, text="x" * 2000) for _ in range(250)]
        await world.store.record(lines)
        await asyncio.sleep(0.05)
        most = max(most, len(held._events))
    async with asyncio.timeout(20):
        while tailer(world)._streams:
            await asyncio.sleep(0.05)
    deaf.close()

    assert 0 < most <= BACKLOG
    assert (await world.ask("GET", "/healthz"))[0] == 200


async def test_fifty_streams_are_one_poll(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    install = await world.install()
    polls = 0
    real = world.store.events

    async def counted(**options: Any) -> Any:
        nonlocal polls
        polls += 1
        return await real(**options)

    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(stream(world)) for _ in range(50)]
        while len(tailer(world)._streams) < 50:
            await asyncio.sleep(0.02)
        monkeypatch.setattr(world.store, "events", counted)
        begun = asyncio.get_running_loop().time()
        await world.event(Kind.LOG, install.id, "to all")
        heard = await asyncio.gather(*(reader.texts(1) for reader in readers))
        await asyncio.sleep(1)
        passed = asyncio.get_running_loop().time() - begun
    assert heard == [["to all"]] * 50
    assert polls <= 5 * passed + 2


def told(name: str, number: int) -> Told:
    return Told(name, f"{name} {number}")


async def test_a_brief_stream_keeps_the_latest_of_each_install_alone() -> None:
    lag = Stream(after=0, brief=True)
    for number in range(1, 3 * BACKLOG):
        name = f"i{number % 3}"
        lag.put([replace(told(name, number), id=number)], [told(name, number)])
    last = 3 * BACKLOG - 1
    batch = await lag.take()

    assert batch is not None and batch.events == () and batch.last == last
    assert sorted(one.text for one in batch.installs) == sorted(
        f"i{n % 3} {n}" for n in range(last - 2, last + 1)
    )


async def test_a_stream_that_falls_behind_ends() -> None:
    lag = Stream(after=0)
    for number in range(1, BACKLOG + 2):
        lag.put([replace(told("i", number), id=number)], [told("i", number)])
    assert await lag.take() is None


async def test_brief_tells_installs_alone_and_can_be_resumed(world: World) -> None:
    one = await world.install()
    other = await world.install("web2", mac="52:54:00:00:00:02")
    async with stream(world, "?brief=1") as reader:
        await world.store.record(
            [
                Event(Kind.SCRIPT_SENT, now(), "test", install=one.id),
                Event(Kind.SCRIPT_SENT, now(), "test", install=other.id),
                Event(Kind.TREE_BYTES, now(), "test", install=one.id, data={"percent": 44}),
            ]
        )
        first, second = await reader.next(), await reader.next()
    assert first is not None and second is not None
    assert {first.name, second.name} == {"install"}
    assert {first.data["id"]: first.data["percent"], second.data["id"]: second.data["percent"]} == {
        one.id: 44,
        other.id: 6,
    }
    last = await world.store.last_event_id()
    assert (first.id, second.id) == ("", str(last))

    await world.event(Kind.FAILED, other.id, "while away")
    async with stream(world, "?brief=1", **{"Last-Event-ID": str(last)}) as reader:
        frame = await reader.next()
    assert frame is not None and (frame.data["id"], frame.data["stage"]) == (other.id, "failed")


async def test_a_stream_of_one_install_has_nobody_read_back(world: World) -> None:
    quiet = await world.install()
    busy = await world.install("web2", mac="52:54:00:00:00:02")
    await world.store.record([Event(Kind.LOG, now(), "test", install=busy.id) for _ in range(20)])
    async with stream(world, f"?install={quiet.id}&after=0") as reader:
        await reader.next()
        while not tailer(world)._streams:
            await asyncio.sleep(0.02)
        [held] = tailer(world)._streams
        assert held.after == await world.store.last_event_id()
        await world.event(Kind.LOG, quiet.id, "at last")
        while (frame := await reader.next()) and frame.data.get("text") != "at last":
            continue
        assert frame is not None


async def test_an_install_whose_news_broke_off_is_told_again(world: World) -> None:
    """The connection broke after the event, before the install that it changed."""
    install = await world.install()
    await world.event(Kind.SCRIPT_SENT, install.id)
    last = await world.store.last_event_id()
    async with stream(world, **{"Last-Event-ID": str(last)}) as reader:
        frame = await reader.next()
    assert frame is not None and (frame.name, frame.data["stage"]) == ("install", "loading")


@pytest.mark.parametrize("query", ["?after=999999", "?brief=1&after=999999"])
async def test_a_client_of_another_store_reads_all_anew(world: World, query: str) -> None:
    await world.install()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with world.session.get(f"{world.people_root}/events{query}", headers=headers) as response:
        first = await response.content.readuntil(b"\r\n\r\n")
    last = await world.store.last_event_id()
    assert first.startswith(f"id: {last}\r\nevent: renew\r\ndata: {last}\r\n".encode())


async def test_who_was_away_too_long_reads_all_anew(world: World) -> None:
    install = await world.install()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    lines = [Event(Kind.LOG, now(), "test", install=install.id) for _ in range(BACKLOG + 10)]
    await world.store.record(lines)
    for query, name in (("?brief=1&after=1", b"renew"), ("?after=1", b"hello")):
        async with world.session.get(f"{world.people_root}/events{query}", headers=headers) as response:
            first = await response.content.readuntil(b"\r\n\r\n")
        assert name in first
