"""The storage of a libvirt host. Changes in one pool follow each other: libvirt refuses a busy pool.

A transfer holds its pool only while its volume is made and its end is told, not while its bytes flow.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from provisioner.core.host import Pool
from provisioner.core.storage import PoolSpec, Volume, VolumeFormat, VolumeSpec
from provisioner.hypervisor import devices, pools, storage, transfer, volumes
from provisioner.hypervisor.calls import Calls
from provisioner.hypervisor.flow import Drain, Feed
from provisioner.plan.steps import CreateVolume, DeleteVolume, UploadVolume

Progress = Callable[[int, int], None]
"""Called in the event loop with (bytes that are through, all of them)."""
_TELL_BYTES = 4 * 1024 * 1024


class StorageCalls(Calls):
    def __init__(self) -> None:
        super().__init__()
        self._pool_locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def _local(self) -> bool:
        return devices.is_local(self.uri)

    async def pools(self) -> list[Pool]:
        return await self._link.run(storage.pools, local=self._local)

    async def pool(self, name: str) -> Pool:
        return await self._link.run(pools.show, name, local=self._local)

    async def create_pool(self, spec: PoolSpec) -> Pool:
        """Makes, builds and starts a pool. Raises Conflict where its name is taken."""
        async with self._pool_locks[spec.name]:
            return await self._link.act(pools.create, spec, local=self._local)

    async def start_pool(self, name: str) -> Pool:
        return await self._link.act(pools.start, name, local=self._local)

    async def refresh_pool(self, name: str) -> Pool:
        """Has libvirt read the pool's storage again. Raises Conflict where it is not active."""
        return await self._link.act(pools.refresh, name, local=self._local)

    async def delete_pool(self, name: str, *, files: bool) -> list[str]:
        """Forgets a pool; with `files` its volumes go and are named. Raises Conflict where one is used."""
        async with self._pool_locks[name]:
            return await self._link.act(pools.delete, name, files=files)

    async def ensure_pool(self, name: str, path: str) -> None:
        """Makes and starts a directory pool, now and at every boot of the host."""
        await self._link.act(storage.ensure_pool, name, path)

    async def remove_pool(self, name: str, path: str) -> None:
        """Forgets the pool of that name at that path; its files stay."""
        await self._link.act(storage.remove_pool, name, path)

    async def volumes(self, pool: str) -> list[str]:
        return await self._link.run(storage.volumes, pool)

    async def volume_list(self, pool: str) -> list[Volume]:
        """The volumes of a pool as its storage has them now."""
        async with self._pool_locks[pool]:
            return await self._link.act(volumes.listed, pool, fresh=True)

    async def all_volumes(self) -> list[Volume]:
        """The volumes of every active pool, as libvirt last saw them; `core.storage.owner` tells whose."""
        return await self._link.act(volumes.everywhere)

    async def volume_info(self, pool: str, name: str) -> Volume:
        return await self._link.act(volumes.show, pool, name)

    async def volume_path(self, pool: str, name: str) -> str:
        """Where QEMU finds a volume. Raises NotFound."""
        return (await self.volume_info(pool, name)).path

    async def volume_users(self, paths: Collection[str]) -> dict[str, list[str]]:
        """Which domains and overlays use the files of these paths; those that nobody uses are left out."""
        return await self._link.act(volumes.users, paths)

    async def create_volume(self, step: CreateVolume) -> None:
        base = await self.volume_path(step.pool, step.backing) if step.backing else ""
        form: VolumeFormat = "raw" if step.backing_format == "raw" else "qcow2"
        async with self._pool_locks[step.pool]:
            await self._link.act(storage.create_volume, step, base, form)

    async def upload(self, step: UploadVolume) -> None:
        form: VolumeFormat = "raw" if step.format == "raw" else "qcow2"
        await self.upload_volume(step.pool, step.name, Path(step.file), form, step.capacity)

    async def delete_volume(self, step: DeleteVolume) -> None:
        async with self._pool_locks[step.pool]:
            await self._link.act(storage.delete_volume, step)

    async def make_volume(self, spec: VolumeSpec) -> Volume:
        """An empty volume, or an overlay on another; one of that name that is there is taken as made."""
        async with self._pool_locks[spec.pool]:
            return await self._link.act(volumes.create, spec)

    async def new_volume(self, spec: VolumeSpec) -> Volume:
        """The same for a person's wish. Raises Conflict where the name is taken or the pool has no room."""
        async with self._pool_locks[spec.pool]:
            return await self._link.act(volumes.create_new, spec, local=self._local)

    async def clone_volume(self, pool: str, source: str, name: str, source_pool: str = "") -> Volume:
        """A full copy; one of that name that is there is taken as made."""
        # libvirt makes other volumes beside a copy, which may take long: nobody waits for it.
        return await self._link.stream(volumes.clone, pool, source, name, source_pool, local=self._local)

    async def resize_volume(self, pool: str, name: str, capacity: int) -> Volume:
        """Makes it larger, `capacity` in bytes; one that has the size already stays."""
        async with self._pool_locks[pool]:
            return await self._link.act(volumes.resize, pool, name, capacity, local=self._local)

    async def remove_volume(self, pool: str, name: str) -> None:
        """Raises NotFound, and Conflict where a domain or an overlay needs it."""
        async with self._pool_locks[pool]:
            await self._link.act(volumes.delete, pool, name)

    async def upload_volume(
        self,
        pool: str,
        name: str,
        path: Path,
        form: VolumeFormat,
        capacity: int,
        progress: Progress | None = None,
    ) -> Volume:
        """A file of this machine as a volume of at least `capacity` bytes (0: as large as it is).

        A volume of that name that holds the file already stays, one that was cut off is made anew; one that a
        domain uses is the guest's and stays as it is.
        """
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        count = self._counting(progress, size)
        return await self._link.stream(
            transfer.upload, pool, name, path, form, capacity, local=self._local, count=count
        )

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
        """Fills a volume of `size` bytes with what comes; a new one that is not filled whole is taken away.

        `form` is what the bytes are, raw for everything but qcow2.

        What `pieces` raises is raised here, after that.
        """
        feed = Feed()
        work = asyncio.ensure_future(
            self._link.stream(
                transfer.receive, pool, name, size, feed, form, local=self._local, overwrite=overwrite
            )
        )
        work.add_done_callback(lambda _: feed.leave())
        try:
            async for piece in pieces:
                if not await feed.put(piece):
                    break
            feed.end()
            return await asyncio.shield(work)
        except BaseException:
            feed.fail()
            await asyncio.wait({work})
            if not work.cancelled():
                work.exception()
            raise

    @asynccontextmanager
    async def volume_content(self, pool: str, name: str) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """The size of a volume's content, and the content."""
        size = await self._link.act(transfer.size_of, pool, name)
        drain = Drain()
        work = asyncio.ensure_future(self._link.stream(transfer.fetch, pool, name, size, drain.put))
        work.add_done_callback(lambda done: drain.over(None if done.cancelled() else done.exception()))
        try:
            yield size, aiter(drain)
        finally:
            drain.leave()
            await asyncio.wait({work})

    def _counting(self, progress: Progress | None, size: int) -> transfer.Count | None:
        if progress is None:
            return None
        loop, told = asyncio.get_running_loop(), 0

        def count(done: int) -> None:
            nonlocal told
            if done - told >= _TELL_BYTES or done == size:
                told = done
                loop.call_soon_threadsafe(progress, done, size)

        return count
