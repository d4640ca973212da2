"""`LibvirtHost`: one libvirt connection as the port `service.ports.Hypervisor`."""

import asyncio
import contextlib
from typing import assert_never
from urllib.parse import parse_qs, urlsplit

import libvirt

from provisioner.core.errors import Invalid
from provisioner.core.host import Domain, HostFacts
from provisioner.hypervisor import guest, host
from provisioner.hypervisor.events import Watch
from provisioner.hypervisor.guest_calls import GuestCalls
from provisioner.hypervisor.link import Link
from provisioner.hypervisor.network_calls import NetworkCalls
from provisioner.hypervisor.storage_calls import StorageCalls
from provisioner.plan.steps import (
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    HostStep,
    ResizeVolume,
    SetAutostart,
    StartDomain,
    StopDomain,
    UndefineDomain,
    UploadVolume,
)
from provisioner.service.ports import OnDomainEvent

# These make libvirt's client run a program that the URI names.
_PROGRAMS = ("command", "netcat")


def check_uri(uri: str) -> str:
    """The URI where it is one that libvirt could know. Raises Invalid."""
    parts = urlsplit(uri)
    if not parts.scheme or not uri.isprintable():
        raise Invalid(
            f"{uri!r} is not a libvirt URI", remedy="write one like qemu:///system or qemu+ssh://HOST/system"
        )
    if parts.scheme.endswith("+ext") or set(parse_qs(parts.query)) & set(_PROGRAMS):
        raise Invalid(f"libvirt URI {uri} names a program to be run, which is not accepted")
    return uri


class LibvirtHost(GuestCalls, NetworkCalls, StorageCalls):
    """Opens at the first call, or by `open()`; mends itself when libvirt goes away and comes back."""

    def __init__(self, uri: str, *, threads: int = 8) -> None:
        super().__init__()
        self.uri = check_uri(uri)
        self._link = Link(uri, self._came_up, threads=threads)
        self._watch = Watch(self._is_ours)
        self._deliverer: asyncio.Task[None] | None = None
        self._virt_type: host.VirtType = "qemu"
        self._reason = "KVM was not proved to work yet"
        self._static: host.Capabilities | None = None

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

    def use_kvm(self, works: bool, reason: str) -> None:
        """Takes the verdict of `kvm.prove`: from now on plans use KVM, or say why they do not."""
        self._virt_type, self._reason, self._static = "kvm" if works else "qemu", reason, None

    async def offers_kvm(self) -> bool:
        """Whether libvirt believes in KVM, which is no proof."""
        return await self._link.run(host.offers_kvm)

    async def facts(self) -> HostFacts:
        if self._static is None:
            self._static = await self._link.run(host.capabilities, self._virt_type)
        return await self._link.run(host.facts, self.uri, self._virt_type, self._reason, self._static)

    async def apply(self, step: HostStep) -> None:
        match step:
            case CreateVolume():
                await self.create_volume(step)
            case UploadVolume():
                await self.upload(step)
            case ResizeVolume():
                await self.resize_volume(step.pool, step.name, step.capacity)
            case DeleteVolume():
                await self.delete_volume(step)
            case DefineDomain():
                await self._link.act(guest.define, step)
                self._watch.learn(step.name, step.uuid)
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

    def _came_up(self, connection: libvirt.virConnect, again: bool) -> list[int]:
        """In a worker thread, for each new connection."""
        loop = self._link.loop
        if loop is None:
            return []
        callbacks = self._watch.subscribe(connection, loop)
        loop.call_soon_threadsafe(self._catch_up, guest.domains(connection), again)
        return callbacks

    def _catch_up(self, domains: list[Domain], again: bool) -> None:
        self._static = None
        if self._deliverer is None:
            self._deliverer = asyncio.get_running_loop().create_task(self._watch.run())
        self._watch.resync(domains, again=again)
