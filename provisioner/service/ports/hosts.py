"""The hosts that are known, and what is asked of one as a whole."""

from typing import Protocol

from provisioner.core.host import Host, HostFacts, Load, Network, NodeInfo, Pool
from provisioner.core.readings import Line, Readings


class HostStore(Protocol):
    """The part of the store that keeps hosts. Those of the settings are not in it."""

    async def add_host(self, host: Host) -> None:
        """Raises Conflict where a host of that name is kept already."""
        ...

    async def hosts(self) -> list[Host]:
        """By name."""
        ...

    async def remove_host(self, name: str) -> None:
        """Raises NotFound."""
        ...


class Connection(Protocol):
    """One host's connection. It mends itself; calls to a host that is down raise Unavailable at once."""

    @property
    def up(self) -> bool: ...
    @property
    def trouble(self) -> str:
        """Why it is down, "" while it is up or was not tried yet."""
        ...

    async def open(self) -> None:
        """Raises Unavailable, or Invalid for a URI that libvirt has no driver for."""
        ...

    async def facts(self) -> HostFacts: ...
    async def node(self) -> NodeInfo: ...
    async def load(self) -> Load: ...
    async def networks(self) -> list[Network]: ...
    async def pools(self) -> list[Pool]: ...
    async def readings(self) -> Readings: ...


class Connections(Protocol):
    """Every host's connection by its URI, "" for the configured one; made when it is first asked for."""

    def __call__(self, uri: str) -> Connection:
        """Raises Invalid for a URI that is not accepted."""
        ...

    def allow(self, uri: str) -> None:
        """From now on this one URI is accepted although it is unsafe."""
        ...

    async def end(self, uri: str) -> None:
        """Closes the connection, where there is one, and takes back what was allowed."""
        ...


class Validator(Protocol):
    async def run(self) -> tuple[Line, ...]:
        """What this machine's virt-host-validate prints. Raises Unavailable where there is none."""
        ...
