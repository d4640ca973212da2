"""What is kept is served as it is asked for, asked for again when it is old, served without its server."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import unused_port

from provisioner.core.errors import Unavailable
from provisioner.mirror.cache import STALE_SECONDS, Cache
from provisioner.mirror.objects import Objects
from provisioner.mirror.stream import Stream
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.cached import BODY, OTHER, PATH, Straight, World, made_world
from tests.edges.mirror.conftest import BODY as VMLINUZ

META = "repodata/repomd.xml"
TAG = '"{}"'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with made_world(tmp_path / "mirror") as made:
        yield made


async def kept(world: World, path: str = PATH) -> None:
    await world.get(path)
    await world.settled()


def aged(world: World, seconds: float, path: str = META) -> None:
    """As if it had been asked for so long ago."""
    found = world.objects.find(world.origin.url, path)
    assert found is not None
    with found:
        os.utime(found.place, (time.time(), time.time() - seconds))
    world.cache.removed(world.objects.below(found.place))


async def headers_of(world: World, path: str) -> tuple[int, Stream]:
    async with world.open(path) as stream:
        return stream.status, stream


async def test_a_kept_file_is_told_with_its_digest(world: World) -> None:
    await kept(world)
    async with world.open() as stream:
        assert stream.headers["Content-Type"] == "application/x-rpm"
        assert stream.headers["Last-Modified"] == "Fri, 01 Nov 2024 10:00:00 GMT"
        assert stream.headers["Content-Length"] == str(len(BODY))
        assert stream.local is not None
        tag = stream.headers["ETag"]
    assert len(tag) == 66
    for asked in ({"If-None-Match": tag}, {"If-Modified-Since": "Fri, 01 Nov 2024 10:00:00 GMT"}):
        assert await world.get(headers=asked) == (304, b"")
    assert await world.get(headers={"Range": "bytes=1000-1999"}) == (206, BODY[1000:2000])
    assert await world.get(headers={"Range": "bytes=5-", "If-Range": tag}) == (206, BODY[5:])
    assert await world.get(headers={"Range": "bytes=5-", "If-Range": '"x"'}) == (200, BODY)
    assert (await world.get(headers={"Range": f"bytes={len(BODY)}-"}))[0] == 416
    assert len(world.origin.asked) == 1


async def test_what_lies_ready_is_had_without_waiting(world: World) -> None:
    url = world.origin.url
    assert world.cache.hit(url, PATH) is None
    await kept(world)
    await world.get()
    hit = world.cache.hit(url, PATH)
    assert hit is not None
    assert hit.local is not None
    assert world.cache.hit(url, PATH) is hit
    part = world.cache.hit(url, PATH, {"Range": "bytes=0-9"})
    assert part is not None
    assert part.status == 206
    assert os.pread(hit.local.file.fileno(), 10, 0) == BODY[:10]


async def test_what_is_asked_for_often_can_be_read_each_time(world: World) -> None:
    await kept(world)
    for _ in range(2):
        assert world.cache.hit(world.origin.url, PATH) is not None or await world.get()
        assert await asyncio.gather(*(world.get() for _ in range(2))) == [(200, BODY)] * 2


async def test_what_is_handed_out_was_used_now(world: World) -> None:
    await kept(world)
    found = world.objects.find(world.origin.url, PATH)
    assert found is not None
    with found:
        os.utime(found.place, (1000.0, found.checked))
    world.cache.removed(world.objects.below(found.place))
    await world.get()
    now = world.objects.find(world.origin.url, PATH)
    assert now is not None
    with now:
        assert now.used > 1000.0
        assert now.checked == pytest.approx(found.checked)


async def test_a_file_in_use_is_read_to_its_end_whatever_becomes_of_it(world: World) -> None:
    await kept(world)
    async with world.open() as stream:
        await world.cache.forget(world.origin.url)
        assert b"".join([piece async for piece in stream.chunks()]) == BODY


async def test_metadata_is_asked_for_again(world: World) -> None:
    await kept(world, META)
    await world.get(META)
    assert len(world.origin.asked) == 1
    aged(world, 3600)
    assert await world.get(META) == (200, BODY)
    assert world.origin.asked[1]["If-None-Match"] == '"1"'
    await world.settled()
    assert await world.get(META) == (200, BODY)
    assert len(world.origin.asked) == 2


async def test_what_has_changed_is_kept_anew(world: World) -> None:
    await kept(world, META)
    aged(world, 3600)
    world.origin.body, world.origin.etag = OTHER, '"2"'
    assert await world.get(META) == (200, OTHER)
    await world.settled()
    assert world.kept(META) == OTHER
    assert await world.get(META) == (200, OTHER)
    assert len(world.origin.asked) == 2


async def test_many_who_ask_for_old_metadata_are_one_question(world: World) -> None:
    await kept(world, META)
    aged(world, 3600)
    assert await asyncio.gather(*(world.get(META) for _ in range(50))) == [(200, BODY)] * 50
    assert len(world.origin.asked) == 2


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_old_metadata_is_served_while_the_upstream_is_away(world: World, status: int) -> None:
    await kept(world, META)
    aged(world, 3600)
    world.origin.status = status
    for _ in range(3):
        async with world.open(META) as stream:
            assert stream.status == 200
            assert int(stream.headers["Age"]) >= 3600
            assert stream.headers["Warning"].startswith("110 ")
            assert b"".join([piece async for piece in stream.chunks()]) == BODY


async def test_what_is_away_is_not_asked_each_time(world: World) -> None:
    await kept(world, META)
    aged(world, 3600)
    world.origin.status = 503
    for _ in range(20):
        await world.get(META)
    assert len(world.origin.asked) == 2


async def test_too_old_metadata_is_not_served(world: World) -> None:
    await kept(world, META)
    aged(world, STALE_SECONDS + 1)
    world.origin.status = 503
    with pytest.raises(Unavailable, match="503"):
        await world.get(META)


async def test_offline_nobody_is_asked(world: World) -> None:
    await kept(world, META)
    aged(world, STALE_SECONDS + 1)
    world.off = True
    async with world.open(META) as stream:
        assert stream.status == 200
        assert "Warning" not in stream.headers
    with pytest.raises(Unavailable, match="is not kept, and its tree is offline"):
        await world.get("b.rpm")
    with pytest.raises(Unavailable, match="offline"):
        await world.cache.fill(world.origin.url, "b.rpm")
    assert len(world.origin.asked) == 1


async def test_a_file_that_is_not_there_is_soon_asked_for_again(world: World) -> None:
    world.origin.status = 404
    assert await asyncio.gather(*(world.get() for _ in range(20))) == [(404, b"")] * 20
    await world.settled()
    assert (await world.get())[0] == 404
    assert len(world.origin.asked) == 1
    world.origin.status = 200
    await asyncio.sleep(1.1)
    assert await world.get() == (200, BODY)


async def test_a_miss_of_a_server_that_is_away_says_so(world: World) -> None:
    url = f"http://127.0.0.1:{unused_port()}/os"
    with pytest.raises(Unavailable, match=url):
        async with world.cache.open(url, PATH):
            pass


async def test_states_are_kept_side_by_side(world: World) -> None:
    world.vouching.say(BODY)
    await world.get(META)
    await world.settled()
    world.vouching.looked = None
    world.origin.body, world.origin.etag = OTHER, '"2"'
    assert await world.get(META) == (200, OTHER)
    world.vouching.say(BODY)
    assert await world.get(META) == (200, BODY)


async def test_a_folder_of_this_host_is_passed_on(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    async with world.cache.open(str(tmp_path), "file") as stream:
        assert b"".join([piece async for piece in stream.chunks()]) == b"abc"
    assert world.cache.counts() == {}


@pytest.mark.parametrize("path", ["../secret", "a/../../b"])
async def test_nothing_outside_is_asked_for(world: World, path: str) -> None:
    assert await world.get(path) == (404, b"")
    assert world.origin.asked == []


async def test_whatever_its_protocol_a_file_is_kept(
    source: str, client: ClientSession, tmp_path: Path
) -> None:
    """A folder and an ISO are served from where they lie."""
    objects = Objects(tmp_path / "mirror")
    cache = Cache(Straight(Upstream(client)), objects)
    here = source.startswith("/")
    for asked, status, body in (
        ({}, 200, VMLINUZ),
        ({"Range": "bytes=100000-"}, 206, VMLINUZ[100000:]),
        ({"Range": "bytes=-7"}, 206, VMLINUZ[-7:]),
    ):
        async with cache.open(source, "images/vmlinuz", asked) as stream:
            assert stream.status == status
            assert b"".join([piece async for piece in stream.chunks()]) == body
    assert (await _status(cache, source, "absent")) == 404
    if not here:
        assert (await cache.fill(source, "images/vmlinuz")).size == len(VMLINUZ)
        assert (await cache.fill(source, "images/empty")).size == 0
    assert sorted(kept.known.path for kept in objects.walk()) == (
        [] if here else ["images/empty", "images/vmlinuz"]
    )
    await cache.close()


async def _status(cache: Cache, source: str, path: str) -> int:
    async with cache.open(source, path) as stream:
        return stream.status
