"""`LibvirtHost`: one libvirt connection as the port `service.ports.Hypervisor`."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import assert_never

import libvirt

from provisioner.core.host import Domain
from provisioner.core.libvirt_uri import check_uri
from provisioner.hypervisor import copies, guest, network, network_acts, nvram, pools, storage
from provisioner.hypervisor.census import Census
from provisioner.hypervisor.events import Watch
from provisioner.hypervisor.guest_calls import GuestCalls
from provisioner.hypervisor.host_calls import HostCalls
from provisioner.hypervisor.life_calls import LifeCalls
from provisioner.hypervisor.link import Link
from provisioner.hypervisor.network_calls import NetworkCalls
from provisioner.hypervisor.shapes import Shapes
from provisioner.hypervisor.storage_calls import StorageCalls
from provisioner.hypervisor.surroundings import Lookout
from provisioner.plan.steps import (
    CopyNvram,
    CopyVolume,
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    HostStep,
    KeepNvram,
    LinkVolume,
    ResizeVolume,
    RestoreNvram,
    SetAutostart,
    StartDomain,
    StopDomain,
    UndefineDomain,
    UploadVolume,
)
from provisioner.service.ports import OnDomainEvent

_PLUGS = {network.__name__, network_acts.__name__, pools.__name__}
_PLACES = {storage.ensure_pool, storage.remove_pool}


class LibvirtHost(GuestCalls, LifeCalls, HostCalls, NetworkCalls, StorageCalls):
    """Opens at the first call, or by `open()`; mends itself when libvirt goes away and comes back."""

    def __init__(self, uri: str, *, threads: int = 8, allow_unsafe: bool = False) -> None:
        super().__init__()
        self.uri = check_uri(uri, allow_unsafe=allow_unsafe)
        self._link = Link(uri, self._came_up, threads=threads)
        self._census = Census()
        self._watch = Watch(self._is_ours, self._census.touch)
        self._lookout = Lookout(uri)
        self._shapes = Shapes()
        self._link.heard(self._acted)
        self._deliverer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connects now. Raises Unavailable where libvirt does not answer, Invalid for a URI it refuses."""
        await self._link.open()

    async def close(self) -> None:
        """Ends the connection and the delivery of events."""
        await self._link.close()
        if self._deliverer is not None:
            self._deliverer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._deliverer

    @property
    def up(self) -> bool:
        """Whether libvirt is connected just now."""
        return self._link.up

    @property
    def trouble(self) -> str:
        """Why it is not, "" while it is or was not tried yet."""
        return self._link.trouble

    async def apply(self, step: HostStep) -> None:
        match step:
            case CreateVolume():
                await self.create_volume(step)
            case UploadVolume():
                await self.upload(step)
            case ResizeVolume():
                await self.resize_volume(step.pool, step.name, step.capacity)
            case LinkVolume():
                await self._link.act(copies.link, step)
            case CopyVolume():
                await self._link.stream(copies.copy, step)
            case CopyNvram():
                await self._link.act(nvram.copy, step)
            case KeepNvram():
                await self._link.act(nvram.keep, step)
            case RestoreNvram():
                await self._link.act(nvram.restore, step)
            case DeleteVolume():
                await self.delete_volume(step)
            case DefineDomain():
                self._watch.expect(step.name, step.uuid)
                with self._census.expecting(guest.told(step.xml)):
                    await self._link.act(guest.define, step, self._shapes)
            case UndefineDomain():
                await self._link.act(guest.undefine, step)
            case StartDomain():
                await self._link.act(guest.start, step)
            case StopDomain():
                await self._link.act(guest.stop, step)
            case SetAutostart():
                await self._link.act(guest.autostart, step)
            case _:
                assert_never(step)

    def watch(self, callback: OnDomainEvent) -> None:
        """From now on `callback(name, uuid, event)` is called in the event loop, for guests of ours."""
        self._watch.callbacks.append(callback)

    def _acted(self, function: Callable[..., object]) -> None:
        """Changes of networks and pools are changes of what guests are plugged into.

        A volume only takes room: that is looked up anew on this machine, and has to be asked of another.
        """
        domains = function.__module__ == guest.__name__
        if function in _PLACES or function.__module__ in _PLUGS or not (domains or self._local):
            self._lookout.changed()

    def _came_up(self, connection: libvirt.virConnect, again: bool) -> list[int]:
        """In a worker thread, for each new connection."""
        loop = self._link.loop
        if loop is None:
            return []
        self._lookout.changed()
        self._shapes.forget()
        callbacks = [*self._census.subscribe(connection), *self._watch.subscribe(connection, loop)]
        loop.call_soon_threadsafe(self._catch_up, self._census.read(connection), again)
        return callbacks

    def _catch_up(self, domains: list[Domain], again: bool) -> None:
        self._static = None
        if self._deliverer is None:
            self._deliverer = asyncio.get_running_loop().create_task(self._watch.run())
        self._watch.resync(domains, again=again)
