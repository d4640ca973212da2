"""The connections of all hosts, and the hosts that the settings name."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from provisioner.core.host import Host
from provisioner.service.ports import OnDomainEvent

if TYPE_CHECKING:
    from provisioner.config import Settings
    from provisioner.hypervisor.connection import LibvirtHost


class Connections:
    """One connection for each URI, made when it is first asked for; `local` is the URI that "" means.

    What happens to our guests on any of them is told to `told`.
    """

    def __init__(self, local: str, told: OnDomainEvent) -> None:
        self._local = local
        self._told = told
        self._known: dict[str, LibvirtHost] = {}
        self._allowed: set[str] = set()
        self._proof: tuple[bool, str] | None = None

    def __call__(self, uri: str) -> "LibvirtHost":
        from provisioner.hypervisor.connection import LibvirtHost

        uri = uri or self._local
        if uri not in self._known:
            host = LibvirtHost(uri, allow_unsafe=uri in self._allowed)
            host.watch(self._told)
            if self._proof is not None and host.is_here:
                host.use_kvm(*self._proof)
            self._known[uri] = host
        return self._known[uri]

    def use_kvm(self, works: bool, reason: str) -> None:
        """The verdict of the proof, which holds for every connection to this machine."""
        self._proof = works, reason
        for host in self._known.values():
            if host.is_here:
                host.use_kvm(works, reason)

    def allow(self, uri: str) -> None:
        self._allowed.add(uri)

    async def end(self, uri: str) -> None:
        self._allowed.discard(uri)
        if (host := self._known.pop(uri, None)) is not None:
            await host.close()

    async def close(self) -> None:
        """Ends all of them side by side: a frozen one holds up no other."""
        hosts = list(self._known.values())
        self._known.clear()
        await asyncio.gather(*(host.close() for host in hosts), return_exceptions=True)


def at_once(settings: "Settings") -> Callable[[str], int]:
    """How many guests of a host, by its URI, load at a time; "" is the one called `local`."""
    named = {
        "" if value.uri == settings.libvirt_uri else value.uri: value.at_once
        for value in settings.hosts.values()
        if not isinstance(value, str) and value.at_once is not None
    }
    return lambda uri: named.get(uri, settings.at_once)


def configured(settings: "Settings") -> dict[str, Host]:
    """The hosts of the settings by name."""
    found = {}
    for name, value in settings.hosts.items():
        uri, allow = (value, False) if isinstance(value, str) else (value.uri, value.allow_unsafe)
        found[name] = Host(name, uri, allow, configured=True)
    return found
