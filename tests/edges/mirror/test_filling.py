"""One fetch for all who wait, from an origin of our own that breaks off, lies, stalls and counts."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from provisioner.core.digest import Expected
from provisioner.core.errors import Unavailable
from provisioner.mirror.cache import Cache
from provisioner.mirror.client import session
from provisioner.mirror.fetching import Patience
from provisioner.mirror.objects import Objects
from provisioner.mirror.stream import Stream
from provisioner.mirror.upstream import Upstream
from provisioner.mirror.vouching import Looked

BODY = os.urandom(1024 * 1024)
OTHER = BODY[:1000] + b"x" + BODY[1001:]
PATH = "Packages/a-1.rpm"


@dataclass
class Origin:
    """What it gives and how, and what it was asked. `cuts`: where its next answers break off, in bytes."""

    body: bytes = BODY
    etag: str = '"1"'
    cuts: list[int] = field(default_factory=list)
    after_cut: bytes = b""
    ranges: bool = True
    length: bool = True
    missing: bool = False
    gate: asyncio.Event | None = None
    """Where there is one, half of the body waits for it."""
    asked: list[Mapping[str, str]] = field(default_factory=list)
    url: str = ""

    async def get(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.headers))
        if self.missing:
            raise web.HTTPNotFound
        if request.headers.get("If-None-Match") == self.etag:
            raise web.HTTPNotModified
        body, first, status = self.body, 0, 200
        same = request.headers.get("If-Range", self.etag) == self.etag
        if "Range" in request.headers and self.ranges and same:
            wanted = request.http_range
            first, status = wanted.start, 206
            body = body[wanted.start : wanted.stop]
        headers = {"ETag": self.etag, "Last-Modified": "Fri, 01 Nov 2024 10:00:00 GMT"}
        if status == 206:
            headers["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{len(self.body)}"
        if self.length:
            headers["Content-Length"] = str(len(body))
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        cut = self.cuts.pop(0) if self.cuts else None
        if cut is not None:
            await response.write(body[:cut])
            await asyncio.sleep(0.05)
            assert request.transport is not None
            request.transport.abort()
            self.body = self.after_cut or self.body
            return response
        await response.write(body[: len(body) // 2])
        if self.gate is not None:
            await self.gate.wait()
        await response.write(body[len(body) // 2 :])
        await response.write_eof()
        return response


class Origins:
    """One upstream, and who was blamed."""

    def __init__(self, client: ClientSession) -> None:
        self._upstream = Upstream(client)
        self.blamed: list[str] = []

    @asynccontextmanager
    async def open(
        self, source: str, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Stream]:
        async with self._upstream.open(source, path, headers) as stream:
            yield stream

    def blame(self, url: str, reason: str) -> None:
        self.blamed.append(url)


class Vouching:
    """What a test says that files must be."""

    def __init__(self) -> None:
        self.looked: Looked | None = None

    async def look(self, source: str, path: str, client: str = "") -> Looked | None:
        return self.looked

    def known(self, source: str, path: str, client: str = "") -> Looked | None:
        return self.looked

    def say(self, body: bytes, size: bool = True) -> None:
        expected = Expected("sha256", sha256(body).hexdigest(), len(body) if size else None, "repomd.xml")
        self.looked = Looked("1", expected, True)


@dataclass
class World:
    origin: Origin
    origins: Origins
    vouching: Vouching
    objects: Objects
    cache: Cache
    off: bool = False

    async def get(self, path: str = PATH, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        async with self.cache.open(self.origin.url, path, headers) as stream:
            return stream.status, b"".join([piece async for piece in stream.chunks()])

    def kept(self, path: str = PATH, digest: str = "") -> bytes | None:
        found = self.objects.find(self.origin.url, path, digest)
        if found is None:
            return None
        with found:
            return found.file.read(found.known.size)

    def parts(self) -> list[Path]:
        return list((self.objects.root / "parts").iterdir())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        origin = Origin()
        app = web.Application()
        app.router.add_get("/os/{path:.+}", origin.get)
        server = await stack.enter_async_context(TestServer(app))
        origin.url = str(server.make_url("/os"))
        origins = Origins(await stack.enter_async_context(session()))
        vouching, objects = Vouching(), Objects(tmp_path / "mirror")
        patience = Patience(silent=0.5, tries=2, pause=0.01)
        cache = Cache(origins, objects, vouching, offline=lambda source: made.off, patience=patience)
        made = World(origin, origins, vouching, objects, cache)
        stack.push_async_callback(cache.close)
        yield made


async def settled(world: World) -> None:
    """Nothing is being fetched any more."""
    while world.cache.fetching():
        await asyncio.sleep(0.01)


async def test_it_is_fetched_once_and_then_served_from_the_disk(world: World) -> None:
    assert await world.get() == (200, BODY)
    await settled(world)
    assert world.kept() == BODY
    assert await world.get() == (200, BODY)
    assert len(world.origin.asked) == 1
    assert world.parts() == []


async def test_two_hundred_clients_are_one_fetch(world: World) -> None:
    world.origin.gate = asyncio.Event()
    clients = [asyncio.create_task(world.get()) for _ in range(200)]
    while len(world.origin.asked) < 1:
        await asyncio.sleep(0.01)
    world.origin.gate.set()
    for client in clients:
        assert await client == (200, BODY)
    assert len(world.origin.asked) == 1


async def test_the_first_byte_comes_before_the_last_is_there(world: World) -> None:
    world.origin.gate = asyncio.Event()
    async with world.cache.open(world.origin.url, PATH) as stream:
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


async def test_the_first_client_leaves(world: World) -> None:
    world.origin.gate = asyncio.Event()
    first = asyncio.create_task(world.get())
    await asyncio.sleep(0.05)
    second = asyncio.create_task(world.get())
    await asyncio.sleep(0.05)
    first.cancel()
    world.origin.gate.set()
    assert await second == (200, BODY)
    await settled(world)
    assert world.kept() == BODY


async def test_nothing_is_kept_of_what_never_comes_whole(world: World) -> None:
    world.origin.cuts = [1000] * 10
    world.origin.ranges = False
    with pytest.raises(Unavailable, match="broke off"):
        await world.get()
    await settled(world)
    assert world.kept() is None
    assert world.parts() == []
