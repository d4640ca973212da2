"""One fetch for all who wait for a file, resumed where it breaks off, and kept only when it is right."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import NotFound, Unavailable
from provisioner.mirror import filling
from provisioner.mirror.filling import BLOCK
from tests.edges.mirror.cached import BODY, OTHER, PATH, World, made_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with made_world(tmp_path / "mirror") as made:
        yield made


async def begun(world: World) -> None:
    while not world.origin.asked:
        await asyncio.sleep(0.01)


async def test_it_is_fetched_once_and_then_served_from_the_disk(world: World) -> None:
    assert await world.get() == (200, BODY)
    await world.settled()
    assert world.kept() == BODY
    assert await world.get() == (200, BODY)
    assert len(world.origin.asked) == 1
    assert world.parts() == []
    (count,) = world.cache.counts().values()
    assert (count.hits, count.misses, count.bytes_served, count.bytes_fetched) == (
        1,
        1,
        2 * len(BODY),
        len(BODY),
    )


async def test_two_hundred_clients_are_one_fetch(world: World) -> None:
    world.origin.gate = asyncio.Event()
    clients = [asyncio.create_task(world.get()) for _ in range(200)]
    await begun(world)
    world.origin.gate.set()
    for client in clients:
        assert await client == (200, BODY)
    assert len(world.origin.asked) == 1


async def test_the_first_byte_comes_before_the_last_is_there(world: World) -> None:
    world.origin.gate = asyncio.Event()
    async with world.open() as stream:
        assert stream.headers["Content-Length"] == str(len(BODY))
        growing = stream.grows
        assert growing is not None
        assert 0 < await growing.reach(0) <= len(BODY) // 2
        world.origin.gate.set()
        at = 0
        while (end := await growing.reach(at)) > at:
            at = end
        assert at == len(BODY)
        assert os.pread(growing.file.fileno(), at, 0) == BODY
        assert [piece async for piece in growing.rest(at)] == []


async def test_the_first_client_leaves(world: World) -> None:
    world.origin.gate = asyncio.Event()
    first = asyncio.create_task(world.get())
    await begun(world)
    second = asyncio.create_task(world.get())
    await asyncio.sleep(0.05)
    first.cancel()
    world.origin.gate.set()
    assert await second == (200, BODY)
    await world.settled()
    assert world.kept() == BODY
    assert len(world.origin.asked) == 1


@pytest.mark.parametrize(("half", "kept"), [(0.3, None), (0.6, BODY)])
async def test_all_clients_leave(
    world: World, monkeypatch: pytest.MonkeyPatch, half: float, kept: bytes | None
) -> None:
    """It goes on where more than half of it is there."""
    monkeypatch.setattr(filling, "LINGER_SECONDS", 0.1)
    world.origin.gate, world.origin.pause = asyncio.Event(), half
    async with world.open() as stream:
        assert stream.grows is not None
        while await stream.grows.reach(0) < int(half * len(BODY)):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert bool(world.cache.fetching()) == (kept is not None)
    world.origin.gate.set()
    await world.settled()
    assert world.kept() == kept
    assert world.parts() == []
    assert await world.get() == (200, BODY)


async def test_a_part_that_is_nearly_there_is_waited_for(world: World) -> None:
    world.origin.gate = asyncio.Event()
    whole = asyncio.create_task(world.get())
    await begun(world)
    part = asyncio.create_task(world.get(headers={"Range": f"bytes={len(BODY) - 100}-"}))
    await asyncio.sleep(0.05)
    world.origin.gate.set()
    assert await part == (206, BODY[-100:])
    assert await whole == (200, BODY)
    assert len(world.origin.asked) == 1


async def test_a_part_far_behind_is_fetched_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.mirror.ranges.NEAR", 1000)
    world.origin.gate = asyncio.Event()
    whole = asyncio.create_task(world.get())
    await begun(world)
    await asyncio.sleep(0.05)
    apart = asyncio.create_task(world.get(headers={"Range": f"bytes={len(BODY) - 100}-"}))
    while len(world.origin.asked) < 2:
        await asyncio.sleep(0.01)
    assert world.origin.asked[1]["Range"] == f"bytes={len(BODY) - 100}-"
    world.origin.gate.set()
    assert await apart == (206, BODY[-100:])
    assert await whole == (200, BODY)


@pytest.mark.parametrize("asked", ["bytes=0-0", "bytes=-10", "bytes=900000000-"])
async def test_nothing_is_fetched_whole_for_a_probe(world: World, asked: str) -> None:
    await world.get(headers={"Range": asked})
    assert [headers.get("Range") for headers in world.origin.asked] == [asked]
    (count,) = world.cache.counts().values()
    assert count.bytes_fetched == count.bytes_served < 100
    assert world.cache.fetching() == []


async def test_it_goes_on_where_it_broke_off(world: World) -> None:
    world.origin.cuts = [300_000, 200_000]
    assert await world.get() == (200, BODY)
    await world.settled()
    assert world.kept() == BODY
    first, second, third = world.origin.asked
    assert "Range" not in first
    assert (second["Range"], second["If-Range"]) == ("bytes=300000-", '"1"')
    assert third["Range"] == "bytes=500000-"


async def test_a_weak_tag_proves_nothing(world: World) -> None:
    world.origin.cuts, world.origin.etag = [300_000], 'W/"1"'
    assert await world.get() == (200, BODY)
    assert "Range" not in world.origin.asked[1]


async def test_a_digest_proves_more_than_a_tag(world: World) -> None:
    world.origin.cuts, world.origin.etag = [300_000], 'W/"1"'
    world.vouching.say(BODY)
    assert await world.get() == (200, BODY)
    assert world.origin.asked[1]["Range"] == "bytes=300000-"
    assert "If-Range" not in world.origin.asked[1]


async def test_an_upstream_that_begins_anew_with_the_same_bytes(world: World) -> None:
    world.origin.cuts, world.origin.ranges = [300_000], False
    assert await world.get() == (200, BODY)
    await world.settled()
    assert world.kept() == BODY


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("body", [OTHER, BODY + b"x", BODY[:-1]], ids=["other", "longer", "shorter"])
async def test_two_states_never_become_one_file(world: World, ranges: bool, body: bytes) -> None:
    world.origin.cuts, world.origin.then, world.origin.ranges = [300_000], (body, '"2"'), ranges
    with pytest.raises(Unavailable):
        await world.get()
    await world.settled()
    assert world.kept() is None
    assert world.parts() == []
    assert world.origins.blamed == []
    assert await world.get() == (200, body)


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("cut", [0, 1000, len(BODY) - 1])
async def test_nothing_is_kept_of_what_never_comes_whole(world: World, cut: int, length: bool) -> None:
    world.origin.cuts = [cut] * 9
    world.origin.ranges, world.origin.length = False, length
    with pytest.raises(Unavailable, match="broke off"):
        await world.get()
    await world.settled()
    assert world.kept() is None
    assert world.parts() == []


async def test_a_chunked_file_is_kept(world: World) -> None:
    world.origin.length = False
    async with world.open() as stream:
        assert "Content-Length" not in stream.headers
        assert b"".join([piece async for piece in stream.chunks()]) == BODY
    await world.settled()
    assert world.kept() == BODY


async def test_a_silent_upstream_has_broken_off(world: World) -> None:
    world.origin.stalls = 1
    assert await world.get() == (200, BODY)
    assert len(world.origin.asked) == 2
    assert world.origins.blamed == [f"{world.origin.url}/{PATH}"]


async def test_a_wrong_file_breaks_off_before_its_end(world: World) -> None:
    world.vouching.say(BODY)
    world.origin.body = OTHER
    got = 0
    with pytest.raises(Unavailable, match=r"repomd\.xml says"):
        async with world.open() as stream:
            async for piece in stream.chunks():
                got += len(piece)
    assert got <= len(BODY) - BLOCK
    await world.settled()
    assert world.kept(digest="1") is None
    assert world.parts() == []
    assert world.origins.blamed == [f"{world.origin.url}/{PATH}"]
    world.origin.body = BODY
    assert await world.get() == (200, BODY)
    await world.settled()
    assert world.kept(digest="1") == BODY


async def test_of_a_small_wrong_file_nobody_gets_anything(world: World) -> None:
    small = BODY[:1000]
    world.vouching.say(small)
    world.origin.body = OTHER[:1001]
    with pytest.raises(Unavailable, match="is wrong"):
        async with world.open():
            raise AssertionError("it must not begin")
    assert len(world.origins.blamed) == 2


async def test_another_upstream_is_tried_for_a_small_one(world: World) -> None:
    small, wrong = BODY[:1000], OTHER[:999] + b"z"
    world.vouching.say(small)
    world.origin.body = wrong
    world.origins.after_blame = lambda: setattr(world.origin, "body", small)
    assert await world.get() == (200, small)


async def test_what_vouches_for_it_is_known_of_a_kept_file(world: World) -> None:
    world.vouching.say(BODY)
    known = await world.cache.fill(world.origin.url, PATH)
    assert (known.by, known.size, known.etag) == ("repomd.xml", len(BODY), '"1"')
    assert await world.cache.fill(world.origin.url, PATH) == known
    assert len(world.origin.asked) == 1


async def test_fill_of_what_is_not_there(world: World) -> None:
    world.origin.status = 404
    with pytest.raises(NotFound):
        await world.cache.fill(world.origin.url, PATH)
    world.origin.status = 503
    with pytest.raises(Unavailable, match="503"):
        await world.cache.fill(world.origin.url, "b.rpm")


async def test_what_is_being_fetched_ends_with_the_service(world: World) -> None:
    world.origin.gate = asyncio.Event()
    waiting = asyncio.create_task(world.get())
    await begun(world)
    await world.cache.close()
    world.origin.gate.set()
    with pytest.raises(Unavailable):
        await waiting
    assert world.parts() == []
