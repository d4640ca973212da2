"""One libvirt connection."""

from collections.abc import Callable, Collection
from typing import Literal, Protocol

from provisioner.core.host import Definition, Domain, HostFacts, Network, Pool
from provisioner.core.storage import Volume
from provisioner.plan.steps import HostStep

DomainEvent = Literal["started", "stopped", "crashed", "rebooted", "undefined"]
OnDomainEvent = Callable[[str, str, DomainEvent], None]
"""Called in the event loop with (name, uuid, event)."""


class Hypervisor(Protocol):
    """One libvirt connection. Every call may raise Unavailable (daemon gone) or Conflict (refused)."""

    async def facts(self, *, fresh: bool = False) -> HostFacts:
        """With `fresh` nothing in them is older than the question, the definitions of domains included."""
        ...

    async def networks(self) -> list[Network]: ...
    async def pools(self) -> list[Pool]: ...
    async def domains(self) -> list[Domain]: ...
    async def apply(self, step: HostStep) -> None: ...
    async def xml(self, name: str) -> str: ...
    async def definitions(self, uuids: Collection[str]) -> list[Definition]:
        """All domains, with the XML of these: what libvirt keeps for their next start, secrets included."""
        ...

    async def shutdown(self, name: str) -> None: ...
    async def reboot(self, name: str) -> None: ...
    async def reset(self, uuid: str) -> None: ...
    async def lease(self, mac: str) -> str | None:
        """The address that a libvirt network's DHCP server lent to a MAC."""
        ...

    async def volumes(self, pool: str) -> list[str]: ...
    async def volume_info(self, pool: str, name: str) -> Volume:
        """Raises NotFound."""
        ...

    async def all_volumes(self) -> list[Volume]:
        """The volumes of every active pool."""
        ...

    async def volume_users(self, paths: Collection[str]) -> dict[str, list[str]]:
        """Which domains and overlays use the files of these paths."""
        ...

    def watch(self, callback: OnDomainEvent) -> None: ...


Hosts = Callable[[str], Hypervisor]
"""The hypervisor of a libvirt URI, "" for the configured one. Raises Unavailable, Invalid."""
