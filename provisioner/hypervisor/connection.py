"""`LibvirtHost`: one libvirt connection as the port `service.ports.Hypervisor`."""

import asyncio
import contextlib
from collections import defaultdict
from typing import assert_never
from urllib.parse import parse_qs, urlsplit

import libvirt

from provisioner.core.errors import Invalid
from provisioner.core.host import Domain, HostFacts, Network, Pool
from provisioner.hypervisor import devices, guest, host, network, storage
from provisioner.hypervisor.events import Watch
from provisioner.hypervisor.link import Link
from provisioner.plan.steps import (
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    SetAutostart,
    StartDomain,
    Step,
    StopDomain,
    UndefineDomain,
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


class LibvirtHost:
    """Opens at the first call, or by `open()`; mends itself when libvirt goes away and comes back."""

    def __init__(self, uri: str, *, threads: int = 8) -> None:
        self.uri = check_uri(uri)
        self._link = Link(uri, self._came_up, threads=threads)
        self._watch = Watch(self._is_ours)
        self._deliverer: asyncio.Task[None] | None = None
        self._pool_locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
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

    async def networks(self) -> list[Network]:
        return await self._link.run(network.networks)

    async def pools(self) -> list[Pool]:
        return await self._link.run(storage.pools, local=devices.is_local(self.uri))

    async def domains(self) -> list[Domain]:
        return await self._link.run(guest.domains)

    async def volumes(self, pool: str) -> list[str]:
        return await self._link.run(storage.volumes, pool)

    async def lease(self, mac: str) -> str | None:
        return await self._link.run(network.lease, mac)

    async def xml(self, name: str) -> str:
        return await self._link.run(guest.xml, name)

    async def shutdown(self, name: str) -> None:
        await self._link.act(guest.shutdown, name)

    async def reboot(self, name: str) -> None:
        await self._link.act(guest.reboot, name)

    async def reset(self, uuid: str) -> None:
        await self._link.act(guest.reset, uuid)

    async def apply(self, step: Step) -> None:
        match step:
            case CreateVolume():
                async with self._pool_locks[step.pool]:
                    await self._link.act(storage.create_volume, step)
            case DeleteVolume():
                async with self._pool_locks[step.pool]:
                    await self._link.act(storage.delete_volume, step)
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

    async def ensure_network(self, name: str, bridge: str, cidr: str, mode: str, bootp: str = "") -> None:
        """Makes and starts a network of ours; see `network.ensure_network`."""
        await self._link.act(network.ensure_network, name, bridge, cidr, mode, bootp)

    async def remove_network(self, name: str) -> None:
        """Removes a network that `ensure_network` made."""
        await self._link.act(network.remove_network, name)

    async def start_network(self, name: str) -> None:
        """Starts an existing network, now and at every boot of the host."""
        await self._link.act(network.start_network, name)

    async def ensure_pool(self, name: str, path: str) -> None:
        """Makes and starts a directory pool, now and at every boot of the host."""
        await self._link.act(storage.ensure_pool, name, path)

    async def remove_pool(self, name: str, path: str) -> None:
        """Forgets the pool of that name at that path; its files stay."""
        await self._link.act(storage.remove_pool, name, path)

    async def _is_ours(self, uuid: str) -> bool | None:
        return await self._link.run(guest.is_ours, uuid)

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
