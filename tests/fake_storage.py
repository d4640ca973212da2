"""The storage of one host, in memory. It passes the contract suite of its port."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError
from provisioner.core.host import Pool
from provisioner.core.storage import PoolSpec, Volume, VolumeFormat, VolumeSpec
from provisioner.media.inspect import StreamInspector
from provisioner.media.loader_store import LoaderStore
from provisioner.media.loaders import Shelf
from provisioner.media.prepare import Prepared
from provisioner.media.store import MediaStore
from provisioner.service.loaders import Loaders
from provisioner.service.media import Media
from provisioner.service.ports import StorageHosts
from provisioner.service.storage import Storage
from provisioner.service.transfers import Transfers

ROOM = 100 * 1024**3


def storage(folder: Path, hosts: StorageHosts) -> Storage:
    """The use case on such a host, with the true inspector."""
    return Storage(hosts, StreamInspector(), Transfers(folder / "transfers"), [folder / "state"])


def media(folder: Path, hosts: StorageHosts) -> Media:
    """The use case over two folders, `media` its own and `other`."""
    return Media(MediaStore(folder / "media", [folder / "other"]), Prepared(folder / "cache"), hosts)


def loaders(folder: Path) -> Loaders:
    """The use case over two folders, `loaders` its own and `other`."""
    return Loaders(LoaderStore(Shelf(folder / "loaders", [folder / "other"])))


class FakeStorageHost:
    """`used` maps a path to the domains that use it; `down` is raised by every call."""

    def __init__(self, *pools: str) -> None:
        self.there: dict[str, Pool] = {
            name: self._pool(PoolSpec(name, "dir", f"/pools/{name}")) for name in pools
        }
        self.disks: dict[tuple[str, str], Volume] = {}
        self.content: dict[tuple[str, str], bytes] = {}
        self.used: dict[str, list[str]] = {}
        self.down: ProvisionerError | None = None

    def __call__(self, uri: str) -> "FakeStorageHost":
        return self

    def _pool(self, spec: PoolSpec) -> Pool:
        path = spec.path or f"/dev/{spec.source}"
        return Pool(spec.name, True, ROOM, 0, ROOM, path, spec.autostart, spec.kind, spec.source)

    def _up(self) -> None:
        if self.down is not None:
            raise self.down

    async def pools(self) -> list[Pool]:
        self._up()
        return sorted(self.there.values(), key=lambda pool: pool.name)

    async def pool(self, name: str) -> Pool:
        self._up()
        if name not in self.there:
            raise NotFound(f"no storage pool is called {name!r}; known are: {', '.join(self.there)}")
        return self.there[name]

    async def _active(self, name: str) -> Pool:
        pool = await self.pool(name)
        if not pool.active:
            raise Conflict(f"storage pool {name} is not active", remedy=f"provisioner pool start {name}")
        return pool

    async def create_pool(self, spec: PoolSpec) -> Pool:
        self._up()
        if spec.name in self.there:
            raise Conflict(f"a pool called {spec.name} is there already")
        self.there[spec.name] = self._pool(spec)
        return self.there[spec.name]

    async def start_pool(self, name: str) -> Pool:
        self.there[name] = replace(await self.pool(name), active=True)
        return self.there[name]

    async def refresh_pool(self, name: str) -> Pool:
        found = await self.pool(name)
        if not found.active:
            raise Conflict(f"storage pool {name} is not active")
        return found

    async def delete_pool(self, name: str, *, files: bool) -> list[str]:
        volumes = await self.volume_list(name)
        for volume in volumes:
            if users := self.used.get(volume.path):
                raise Conflict(f"pool {name} holds {volume.path}, a disk of {', '.join(users)}")
        gone = [volume.name for volume in volumes] if files else []
        for volume in volumes:
            del self.disks[name, volume.name]
        del self.there[name]
        return gone

    async def volumes(self, pool: str) -> list[str]:
        return [volume.name for volume in await self.volume_list(pool)]

    async def volume_list(self, pool: str) -> list[Volume]:
        await self._active(pool)
        return sorted((v for (where, _), v in self.disks.items() if where == pool), key=lambda v: v.name)

    async def all_volumes(self) -> list[Volume]:
        return list(self.disks.values())

    async def volume_info(self, pool: str, name: str) -> Volume:
        await self._active(pool)
        if (pool, name) not in self.disks:
            raise NotFound(f"pool {pool} has no volume {name!r}")
        return self.disks[pool, name]

    async def volume_path(self, pool: str, name: str) -> str:
        return (await self.volume_info(pool, name)).path

    async def volume_users(self, paths: Collection[str]) -> dict[str, list[str]]:
        self._up()
        found = {path: list(names) for path, names in self.used.items() if path in paths}
        for volume in self.disks.values():
            if volume.backing in paths:
                found.setdefault(volume.backing, []).append(f"the overlay {volume.name}")
        return found

    async def make_volume(self, spec: VolumeSpec) -> Volume:
        pool = await self._active(spec.pool)
        if spec.backing_path and spec.backing_path not in {v.path for v in self.disks.values()}:
            raise Invalid(f"volume {spec.name} is to stand on {spec.backing_path}, which is no volume")
        path = f"{pool.path}/{spec.name}"
        made = Volume(spec.pool, spec.name, path, spec.format, spec.capacity, 0, spec.backing_path)
        return self.disks.setdefault((spec.pool, spec.name), made)

    async def new_volume(self, spec: VolumeSpec) -> Volume:
        if spec.name in await self.volumes(spec.pool):
            raise Conflict(f"pool {spec.pool} has a volume {spec.name} already")
        self._check_room(spec.capacity, spec.pool)
        return await self.make_volume(spec)

    def _check_room(self, size: int, pool: str) -> None:
        if size > ROOM:
            raise Conflict(f"it takes more than the {ROOM / 1024**3:.1f} GiB that pool {pool} has left")

    async def clone_volume(self, pool: str, source: str, name: str, source_pool: str = "") -> Volume:
        found = await self.volume_info(source_pool or pool, source)
        path = f"{(await self._active(pool)).path}/{name}"
        self.content[pool, name] = self.content.get((found.pool, source), b"")
        return self.disks.setdefault(
            (pool, name), replace(found, pool=pool, name=name, path=path, backing="")
        )

    async def resize_volume(self, pool: str, name: str, capacity: int) -> Volume:
        found = await self.volume_info(pool, name)
        if capacity < found.capacity:
            raise Invalid(f"volume {name}: making it {capacity} would cut its content off")
        self.disks[pool, name] = replace(found, capacity=capacity)
        return self.disks[pool, name]

    async def remove_volume(self, pool: str, name: str) -> None:
        found = await self.volume_info(pool, name)
        if users := (await self.volume_users([found.path])).get(found.path):
            raise Conflict(f"volume {name} is a disk of {', '.join(users)} and is not deleted")
        del self.disks[pool, name]

    async def upload_volume(
        self,
        pool: str,
        name: str,
        path: Path,
        form: VolumeFormat,
        capacity: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> Volume:
        content = path.read_bytes()
        spec = VolumeSpec(pool, name, max(capacity, len(content)), form)
        made = await self.make_volume(spec)
        self.content[pool, name] = content
        return made

    async def receive_volume(
        self,
        pool: str,
        name: str,
        size: int,
        pieces: AsyncIterator[bytes],
        form: VolumeFormat = "raw",
        *,
        overwrite: bool = False,
    ) -> Volume:
        there = name in await self.volumes(pool)
        if there and not overwrite:
            raise Conflict(f"pool {pool} has a volume {name} already")
        self._check_room(size, pool)
        content = b"".join([piece async for piece in pieces])
        if len(content) != size:
            raise Invalid(f"volume {name}: {len(content)} bytes came of the {size} that were announced")
        if there:
            found = await self.volume_info(pool, name)
            self.content[pool, name] = content + self.content[pool, name][len(content) :]
            return found
        self.content[pool, name] = content
        return await self.make_volume(VolumeSpec(pool, name, size, form))

    @asynccontextmanager
    async def volume_content(self, pool: str, name: str) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        await self.volume_info(pool, name)
        content = self.content.get((pool, name), b"")

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(content), 1000):
                yield content[at : at + 1000]

        yield len(content), pieces()
