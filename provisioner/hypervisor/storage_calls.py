"""The storage pools of a libvirt host. Changes in one pool follow each other: libvirt refuses a busy pool."""

import asyncio
from collections import defaultdict

from provisioner.core.host import Pool
from provisioner.hypervisor import devices, storage
from provisioner.hypervisor.calls import Calls
from provisioner.plan.steps import CreateVolume, DeleteVolume


class StorageCalls(Calls):
    def __init__(self) -> None:
        super().__init__()
        self._pool_locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def pools(self) -> list[Pool]:
        return await self._link.run(storage.pools, local=devices.is_local(self.uri))

    async def volumes(self, pool: str) -> list[str]:
        return await self._link.run(storage.volumes, pool)

    async def create_volume(self, step: CreateVolume) -> None:
        async with self._pool_locks[step.pool]:
            await self._link.act(storage.create_volume, step)

    async def delete_volume(self, step: DeleteVolume) -> None:
        async with self._pool_locks[step.pool]:
            await self._link.act(storage.delete_volume, step)

    async def ensure_pool(self, name: str, path: str) -> None:
        """Makes and starts a directory pool, now and at every boot of the host."""
        await self._link.act(storage.ensure_pool, name, path)

    async def remove_pool(self, name: str, path: str) -> None:
        """Forgets the pool of that name at that path; its files stay."""
        await self._link.act(storage.remove_pool, name, path)
