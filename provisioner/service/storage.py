"""Pools and volumes, as a person asks for them: named rightly, with room, of nobody else, never half."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError
from provisioner.core.host import Pool
from provisioner.core.storage import (
    PoolSpec,
    Volume,
    VolumeFormat,
    VolumeSpec,
    check_capacity,
    check_pool_path,
    check_volume_name,
)
from provisioner.service.ports import Inspector, StorageHost, StorageHosts
from provisioner.service.transfers import Transfer, Transfers


class Storage:
    """Each call names the host by its libvirt URI, "" for the configured one.

    `closed` are directories of the service's own, which no pool may be.
    """

    def __init__(
        self, hosts: StorageHosts, inspector: Inspector, transfers: Transfers, closed: Sequence[Path] = ()
    ) -> None:
        self._hosts = hosts
        self._inspector = inspector
        self._transfers = transfers
        self._closed = [str(folder) for folder in closed]

    async def pools(self, uri: str = "") -> Sequence[Pool]:
        return await self._hosts(uri).pools()

    async def pool(self, name: str, uri: str = "") -> Pool:
        return await self._hosts(uri).pool(name)

    async def create_pool(self, spec: PoolSpec, uri: str = "") -> Pool:
        """Raises Invalid for a place that is the system's, Conflict where the name is taken."""
        if spec.path:
            check_pool_path(spec.path, f"pool {spec.name}", self._closed)
        return await self._hosts(uri).create_pool(spec)

    async def start_pool(self, name: str, uri: str = "") -> Pool:
        return await self._hosts(uri).start_pool(name)

    async def refresh_pool(self, name: str, uri: str = "") -> Pool:
        """Reads again what is in it: files that came or went without libvirt."""
        return await self._hosts(uri).refresh_pool(name)

    async def delete_pool(self, name: str, *, files: bool, uri: str = "") -> Sequence[str]:
        """Forgets a pool; only with `files` its volumes are deleted, whose names are returned."""
        return await self._hosts(uri).delete_pool(name, files=files)

    async def volumes(self, pool: str, uri: str = "") -> Sequence[Volume]:
        await self._hosts(uri).pool(pool)
        return await self._hosts(uri).volume_list(pool)

    async def volume(self, pool: str, name: str, uri: str = "") -> Volume:
        return await self._hosts(uri).volume_info(pool, name)

    async def create_volume(
        self,
        pool: str,
        name: str,
        *,
        capacity: int = 0,
        form: VolumeFormat = "qcow2",
        backing: str = "",
        clone: str = "",
        uri: str = "",
    ) -> Volume:
        """An empty volume of `capacity` bytes.

        With `backing`, the name of a volume of the pool, an overlay on that, as large as it where no capacity
        is given; with `clone` a full copy of another.
        """
        host = self._hosts(uri)
        await host.pool(pool)
        check_volume_name(name)
        if backing and clone:
            raise Invalid(f"volume {name}: it is either an overlay or a clone")
        if clone:
            if name in await host.volumes(pool):
                raise Conflict(f"pool {pool} has a volume {name} already", remedy="choose another name")
            made = await host.clone_volume(pool, clone, name)
            return await host.resize_volume(pool, name, capacity) if capacity > made.capacity else made
        if not backing:
            return await host.new_volume(VolumeSpec(pool, name, capacity, form))
        base = await host.volume_info(pool, backing)
        if base.format not in ("qcow2", "raw"):
            raise Invalid(f"volume {backing} is {base.format}; an overlay stands on qcow2 or raw")
        spec = VolumeSpec(
            pool,
            name,
            capacity or base.capacity,
            "qcow2",
            base.path,
            "raw" if base.format == "raw" else "qcow2",
        )
        if spec.capacity < base.capacity:
            raise Invalid(
                f"volume {name}: an overlay is at least as large as {backing} ({base.capacity} bytes)"
            )
        return await host.new_volume(spec)

    async def upload(
        self,
        pool: str,
        name: str,
        size: int,
        pieces: AsyncIterator[bytes],
        *,
        overwrite: bool = False,
        uri: str = "",
    ) -> Volume:
        """Fills a volume with `size` bytes. Evil images are refused, by their beginning where it tells."""
        check_volume_name(name)
        check_capacity(size, f"volume {name}")
        host = self._hosts(uri)
        await host.pool(pool)
        if not overwrite and name in await host.volumes(pool):
            raise Conflict(
                f"pool {pool} has a volume {name} already",
                remedy="choose another name, or ask for --overwrite",
            )
        if overwrite:
            return await self._fill(host, pool, name, size, pieces, overwrite=True)
        with self._transfers.running(Transfer(uri, pool, name)):
            return await self._fill(host, pool, name, size, pieces, overwrite=False)

    def content(
        self, pool: str, name: str, uri: str = ""
    ) -> AbstractAsyncContextManager[tuple[int, AsyncIterator[bytes]]]:
        """The size of a volume's content, and the content."""
        return self._hosts(uri).volume_content(pool, name)

    async def resize(self, pool: str, name: str, capacity: int, uri: str = "") -> Volume:
        check_capacity(capacity, f"volume {name}")
        return await self._hosts(uri).resize_volume(pool, name, capacity)

    async def delete_volume(self, pool: str, name: str, uri: str = "") -> None:
        await self._hosts(uri).remove_volume(pool, name)

    async def mend(self) -> list[str]:
        """Takes back what came only half because the service or its host died; may be called at any time.

        Returns what was done, a sentence each. What cannot be done yet is tried again the next time.
        """
        told = []
        for file, transfer in await asyncio.to_thread(self._transfers.left):
            try:
                await self._hosts(transfer.uri).remove_volume(transfer.pool, transfer.volume)
                told.append(f"volume {transfer.volume} of pool {transfer.pool} came only half and is removed")
            except NotFound:
                pass
            except ProvisionerError:
                continue
            file.unlink(missing_ok=True)
        return told

    async def _fill(
        self,
        host: StorageHost,
        pool: str,
        name: str,
        size: int,
        pieces: AsyncIterator[bytes],
        *,
        overwrite: bool,
    ) -> Volume:
        what = f"volume {name}"
        head = await self._head(pieces, size)
        form: VolumeFormat = "qcow2" if self._inspector.judge(what, size, head, None) == "qcow2" else "raw"
        checked = self._checked(what, size, head, pieces)
        return await host.receive_volume(pool, name, size, checked, form, overwrite=overwrite)

    async def _head(self, pieces: AsyncIterator[bytes], size: int) -> bytes:
        """The first pieces: so much that they can be judged, or all there are."""
        head = bytearray()
        while len(head) < min(self._inspector.head_bytes, size) and (piece := await anext(pieces, b"")):
            head += piece
        return bytes(head)

    async def _checked(
        self, what: str, size: int, head: bytes, pieces: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        """All pieces. They are judged again by their end: until then the volume is there for nobody."""
        keep = self._inspector.tail_bytes
        tail = head[-keep:]
        yield head
        async for piece in pieces:
            tail = (tail + piece[-keep:])[-keep:]
            yield piece
        if size > len(head):
            self._inspector.judge(what, size, head, tail)
