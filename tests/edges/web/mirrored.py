"""The guests' listener before the true mirror, and the hostile upstream behind it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
from aiohttp import ClientSession

from provisioner.core.digest import Expected
from provisioner.core.profile import Tree
from provisioner.mirror.cache import Cache
from provisioner.mirror.client import session
from provisioner.mirror.objects import Known, Objects
from provisioner.mirror.origins import Origins
from provisioner.mirror.patience import Patience
from provisioner.mirror.states import States
from provisioner.mirror.upstream import Upstream
from provisioner.mirror.vouching import Looked
from tests.edges.mirror.origin import Origin, origin
from tests.edges.web.world import World

TREE = "t"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a client got. `whole`: the transfer ended as HTTP says that it must."""

    status: int
    body: bytes
    whole: bool
    headers: Mapping[str, str]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass
class Truth:
    """Vouches for files by their path, as a tree's metadata does."""

    files: dict[str, bytes] = field(default_factory=dict)

    async def look(self, source: str, path: str, client: str = "") -> Looked | None:
        return self.known(source, path, client)

    def known(self, source: str, path: str, client: str = "") -> Looked | None:
        if path not in self.files:
            return None
        body = self.files[path]
        digest = hashlib.sha256(body).hexdigest()
        return Looked(digest, Expected("sha256", digest, len(body), "Packages"), True)

    def forget(self, source: str) -> None:
        """It remembers nothing of a source."""


@dataclass
class Mirrored:
    """`origin` is the upstream of the tree `t`, files are kept in `place`; `truth` vouches for some."""

    world: World
    origin: Origin
    truth: Truth
    cache: Cache
    objects: Objects
    place: Path
    client: ClientSession

    async def take(self, path: str, *, client: ClientSession | None = None, **headers: str) -> Taken:
        """A file of the tree, as a client gets it that reads to the end."""
        url = f"{self.world.guest_root}/tree/{TREE}/{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        got = bytearray()
        async with (client or self.client).get(url, headers=named) as response:
            assert response.status != 500, await response.text()
            try:
                async for piece in response.content.iter_any():
                    got += piece
            except aiohttp.ClientError:
                return Taken(response.status, bytes(got), False, response.headers)
            return Taken(response.status, bytes(got), True, response.headers)

    def kept(self) -> dict[str, Known]:
        """Every kept file by its path. Raises AssertionError where one is not what is known of it."""
        found = {}
        for kept in self.objects.walk():
            body = kept.file.read(kept.known.size)
            assert hashlib.sha256(body).hexdigest() == kept.known.sha256, kept.known
            found[kept.known.path] = kept.known
        return found

    async def at_rest(self) -> None:
        """Until nothing is being filled."""
        async with asyncio.timeout(20):
            while self.parts():
                await asyncio.sleep(0.01)

    def parts(self) -> list[Path]:
        return list((self.place / "parts").iterdir())


@asynccontextmanager
async def mirrored(
    folder: Path,
    empty: Path,
    *,
    place: Path | None = None,
    tree: Path | None = None,
    silent: float = 30,
    verified: bool = False,
    key: str = "",
) -> AsyncIterator[Mirrored]:
    """`place` is where files are kept, `tree` what the upstream has honestly, `empty` as World means it.

    `verified`: the tree's own metadata vouches, by `key` where it is signed, and not `truth`.
    """
    place = place or folder / "mirror"
    world = World(folder, empty)
    world.limits["total"] = 1000
    async with origin(tree) as upstream, session() as reading, client() as asking:
        objects = Objects(place)
        truth, patience = Truth(), Patience(silent, pause=0.01)
        origins = Origins(Upstream(reading).open)
        cache = Cache(origins, objects, truth, patience=patience)
        states = States(objects, origins.open, cache.fetch, keys=lambda _: key, blame=origins.blame)
        if verified:
            cache.vouching, cache.doubt = states, states.doubt
        world.services = replace(world.services, files=cache)
        async with world:
            await world.store.put_tree(Tree(TREE, upstream.url, "rhel", "7", "vmlinuz", "initrd"))
            yield Mirrored(world, upstream, truth, cache, objects, place, asking)
        await states.close()
        await cache.close()


def client(address: str = "127.0.0.1") -> ClientSession:
    """A guest of its own address."""
    connector = aiohttp.TCPConnector(limit=0, local_addr=(address, 0))
    patience = aiohttp.ClientTimeout(total=None)
    return ClientSession(connector=connector, timeout=patience, auto_decompress=False)
