"""A mirror before an upstream of our own, what vouches for its files, and a clock set by hand."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.cache import Cache
from provisioner.mirror.objects import Known, Objects
from provisioner.mirror.origins import Origins
from provisioner.mirror.states import States
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.origin import Origin


@dataclass
class Mirror:
    """`folder` is what the upstream serves."""

    folder: Path
    origin: Origin
    origins: Origins
    objects: Objects
    cache: Cache
    states: States
    source: str
    blamed: list[str] = field(default_factory=list)
    now: float = 1_800_000_000.0
    keys: str = ""

    async def get(self, path: str, client: str = "") -> bytes | None:
        """The whole of a file, None where there is none. Raises Unavailable where it does not end well."""
        async with self.cache.open(self.source, path, client=client) as stream:
            if stream.status == 404:
                return None
            assert stream.status == 200
            return b"".join([piece async for piece in stream.chunks()])

    async def refuses(self, path: str, client: str = "") -> str:
        """Why a file does not end well."""
        try:
            await self.get(path, client)
        except Unavailable as error:
            return str(error)
        raise AssertionError(f"{path} ended well")

    async def known(self, path: str, client: str = "") -> Known:
        """What is known of a file, once it is kept."""
        return await self.cache.fill(self.source, path, client=client)

    def kept(self) -> dict[str, Known]:
        return {kept.known.path: kept.known for kept in self.objects.walk(self.source)}

    def asked(self, path: str) -> int:
        return self.origin.count(f"/{path}")

    def change(self, path: str, data: bytes) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


@asynccontextmanager
async def mirror(place: Path, client: ClientSession) -> AsyncIterator[Mirror]:
    """Below `place`: `upstream` is what is served, `kept` the mirror's folder."""
    origin = Origin(place / "upstream")
    await origin.start()
    try:
        async with _before(place, client, origin) as made:
            yield made
    finally:
        await origin.stop()


@asynccontextmanager
async def again(before: Mirror, client: ClientSession) -> AsyncIterator[Mirror]:
    """Another service on the same folder and upstream."""
    async with _before(before.folder.parent, client, before.origin) as made:
        made.now, made.keys = before.now, before.keys
        yield made


@asynccontextmanager
async def _before(place: Path, client: ClientSession, origin: Origin) -> AsyncIterator[Mirror]:
    origins = Origins(Upstream(client).open)
    objects = await asyncio.to_thread(Objects, place / "kept")
    cache = Cache(origins, objects)
    blamed: list[str] = []
    states = States(
        objects,
        origins.open,
        cache.fetch,
        keys=lambda source: made.keys,
        blame=lambda url, reason: blamed.append(url),
        clock=lambda: made.now,
        shipped=(),
    )
    cache.vouching, cache.doubt = states, states.doubt
    made = Mirror(place / "upstream", origin, origins, objects, cache, states, origin.url, blamed)
    try:
        yield made
    finally:
        await states.close()
        await cache.close()


def empty(folder: Path) -> None:
    """What an upstream had is gone."""
    shutil.rmtree(folder)
    folder.mkdir()
