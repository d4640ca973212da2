"""An upstream that breaks off, lies, stalls and counts, and a cache that stands before it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from provisioner.core.digest import Expected
from provisioner.mirror.cache import Cache
from provisioner.mirror.client import session
from provisioner.mirror.objects import Objects
from provisioner.mirror.patience import Patience
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
    then: tuple[bytes, str] | None = None
    """After an answer that broke off: another body and its tag."""
    ranges: bool = True
    length: bool = True
    status: int = 200
    stalls: int = 0
    """So many answers stop in the middle and say nothing more."""
    gate: asyncio.Event | None = None
    """Where there is one, the body waits for it in the middle."""
    pause: float = 0.5
    """Where its middle is."""
    asked: list[Mapping[str, str]] = field(default_factory=list)
    url: str = ""

    async def get(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.headers))
        if self.status != 200:
            return web.Response(status=self.status)
        if request.headers.get("If-None-Match") == self.etag:
            raise web.HTTPNotModified
        body, first, status = self.body, 0, 200
        same = request.headers.get("If-Range", self.etag) == self.etag
        if "Range" in request.headers and self.ranges and same:
            wanted = request.http_range
            first, status = wanted.start % len(body) if wanted.start < 0 else wanted.start, 206
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
            self.body, self.etag = self.then or (self.body, self.etag)
            return response
        middle = int(len(body) * self.pause)
        await response.write(body[:middle])
        if self.stalls:
            self.stalls -= 1
            await asyncio.sleep(60)
        if self.gate is not None:
            await self.gate.wait()
        await response.write(body[middle:])
        await response.write_eof()
        return response


class Straight:
    """One upstream, and who was blamed."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.blamed: list[str] = []
        self.after_blame: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def open(
        self, source: str, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Stream]:
        async with self._upstream.open(source, path, headers) as stream:
            yield stream

    def blame(self, url: str, reason: str) -> None:
        self.blamed.append(url)
        self.after_blame()


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

    def forget(self, source: str) -> None:
        """It remembers nothing of a source."""


@dataclass
class World:
    origin: Origin
    origins: Straight
    vouching: Vouching
    objects: Objects
    cache: Cache
    off: bool = False
    pinned: bool = False

    def open(
        self, path: str = PATH, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        return self.cache.open(self.origin.url, path, headers)

    async def get(self, path: str = PATH, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        async with self.open(path, headers) as stream:
            return stream.status, b"".join([piece async for piece in stream.chunks()])

    def kept(self, path: str = PATH, digest: str = "") -> bytes | None:
        found = self.objects.find(self.origin.url, path, digest)
        if found is None:
            return None
        with found:
            return found.file.read(found.known.size)

    async def settled(self) -> None:
        """Nothing is being fetched any more, and what came is in its place."""
        while self.cache.fetching():
            await asyncio.sleep(0.01)

    def parts(self) -> list[Path]:
        return list((self.objects.root / "parts").iterdir())


@asynccontextmanager
async def made_world(root: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        origin = Origin()
        app = web.Application()
        app.router.add_get("/os/{path:.+}", origin.get)
        server = await stack.enter_async_context(TestServer(app))
        origin.url = str(server.make_url("/os"))
        origins = Straight(Upstream(await stack.enter_async_context(session())))
        vouching, objects = Vouching(), Objects(root)
        patience = Patience(silent=0.5, tries=2, pause=0.01)
        cache = Cache(
            origins,
            objects,
            vouching,
            offline=lambda source: made.off,
            sources=lambda: [origin.url],
            pinned=lambda source: made.pinned,
            patience=patience,
        )
        made = World(origin, origins, vouching, objects, cache)
        stack.push_async_callback(cache.close)
        yield made
