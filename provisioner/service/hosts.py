"""Hosts by name: those of the settings, those that were added, and the one called `local`."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError
from provisioner.core.host import LOCAL, Host, HostFacts, Load, Network, NodeInfo, Pool
from provisioner.core.libvirt_uri import check_uri
from provisioner.core.machine import check_name
from provisioner.core.readings import Check, Comparison
from provisioner.service.comparison import compare
from provisioner.service.ports import Connection, Connections, Store, Validator
from provisioner.service.validation import validate

_LOOK_SECONDS = 1.0
_BETWEEN_SECONDS, _STALE_SECONDS = 0.5, 15.0
"""How far apart the two looks are that a load is told from."""


@dataclass(frozen=True, slots=True)
class HostState:
    """A host and whether it answers; `reason` why not."""

    host: Host
    up: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Busy:
    """How busy a host is: its CPUs in percent of all of them, and its load as it was read."""

    cpu: float
    load: Load


class Registry:
    """`configured` are the hosts of the settings, `local` the URI of the one called `local`."""

    def __init__(
        self,
        store: Store,
        connections: Connections,
        validator: Validator,
        *,
        local: str,
        configured: Mapping[str, Host],
    ) -> None:
        self._store = store
        self._connections = connections
        self._validator = validator
        self._configured = settled(local, configured)
        self._looks: dict[str, tuple[float, Load]] = {}

    async def all(self) -> list[Host]:
        """Every host: `local` first, the others by name. A name of the settings hides a kept one."""
        kept = {host.name: host for host in await self._store.hosts()}
        hosts = {**kept, **self._configured}
        return [hosts.pop(LOCAL), *(hosts[name] for name in sorted(hosts))]

    async def allow(self) -> None:
        """Lets the hosts whose unsafe URIs were allowed by name be connected to; before anything else."""
        for host in await self.all():
            if host.allow_unsafe:
                self._connections.allow(host.uri)

    async def open(self) -> None:
        """Begins to connect to every host; those that do not answer are tried again by themselves."""
        await self.states()

    async def states(self) -> list[HostState]:
        """Every host with its state. A host that does not answer at once is down, and holds up no other."""
        return list(await asyncio.gather(*(self._state(host) for host in await self.all())))

    async def get(self, name: str) -> Host:
        """Raises NotFound."""
        for host in await self.all():
            if host.name == name:
                return host
        raise NotFound(f"no host is called {name!r}", remedy="provisioner host list")

    async def add(self, name: str, uri: str, *, allow_unsafe: bool = False) -> HostState:
        """Keeps a host and connects to it. One that does not answer now is kept too, and tried again.

        Raises Invalid for a URI that is not accepted, Conflict where name or URI is taken.
        """
        host = Host(check_name(name, "host name"), check_uri(uri, allow_unsafe=allow_unsafe), allow_unsafe)
        for other in await self.all():
            if other.name == name:
                raise Conflict(f"a host called {name!r} exists already", remedy="choose another name")
            if other.uri == uri:
                raise Conflict(f"{uri} is the host {other.name} already")
        if allow_unsafe:
            self._connections.allow(uri)
        try:
            state = await self._state(host)
            await self._store.add_host(host)
        except ProvisionerError:
            await self._connections.end(uri)
            raise
        return state

    async def state(self, name: str) -> HostState:
        """One host with its state."""
        return await self._state(await self.get(name))

    async def show(self, name: str) -> tuple[HostState, HostFacts]:
        """One host with everything that is known of it, node info included. Raises Unavailable."""
        host = await self.get(name)
        connection = self.connection(host)
        facts, node = await asyncio.gather(connection.facts(), connection.node())
        return HostState(host, up=True), replace(facts, node=node)

    async def node(self, name: str) -> NodeInfo:
        return await self.connection(await self.get(name)).node()

    async def networks(self, name: str) -> list[Network]:
        return await self.connection(await self.get(name)).networks()

    async def pools(self, name: str) -> list[Pool]:
        return await self.connection(await self.get(name)).pools()

    async def load(self, name: str) -> Busy:
        """How busy a host is, told from this look and the one before; the first call takes two."""
        connection, clock = self.connection(await self.get(name)), asyncio.get_running_loop().time
        at, before = self._looks.get(name, (0.0, None))
        now = await connection.load()
        if before is None or not before.total < now.total or clock() - at > _STALE_SECONDS:
            at, before = 0.0, now
            await asyncio.sleep(_BETWEEN_SECONDS)
            now = await connection.load()
        if clock() - at >= _BETWEEN_SECONDS:
            self._looks[name] = clock(), now
        passed = now.total - before.total
        return Busy(100.0 * (now.busy - before.busy) / passed if passed > 0 else 0.0, now)

    async def check(self, name: str) -> tuple[Check, ...]:
        """The verdicts on one host: the questions of virt-host-validate, and whether KVM boots a kernel."""
        host = await self.get(name)
        return validate(await self.connection(host).readings())

    async def compare(self, name: str) -> tuple[Comparison, ...]:
        """Our verdicts beside those of virt-host-validate, which runs on this machine only."""
        host = await self.get(name)
        readings = await self.connection(host).readings()
        if readings.system is None:
            raise Invalid(
                f"virt-host-validate looks at the machine that it runs on, and {name} ({host.uri}) is "
                "not this one",
                remedy=f"run virt-host-validate there, or: provisioner host check {name}",
            )
        return compare(await self._validator.run(), validate(readings), readings)

    async def remove(self, name: str) -> None:
        """Forgets a host. Raises Conflict where the settings name it, or guests of ours are on it."""
        host = await self.get(name)
        if host.configured:
            raise Conflict(
                f"host {name} is named in the settings",
                remedy="change libvirt_uri, or take it out of [hosts], and start the service again",
            )
        if guests := [row.spec.name for row in await self._store.guests() if row.uri == host.uri]:
            raise Conflict(
                f"host {name} has guests of ours: {', '.join(sorted(guests)[:5])}"
                f"{' …' if len(guests) > 5 else ''}",
                remedy="remove them first: provisioner guest delete NAME",
            )
        await self._store.remove_host(name)
        self._looks.pop(name, None)
        await self._connections.end(host.uri)

    async def resolve(self, text: str) -> str:
        """The URI that a name or a URI means, "" for the configured host. Raises NotFound or Invalid."""
        if not text:
            return ""
        hosts = await self.all()
        local = hosts[0].uri
        for host in hosts:
            if text in (host.name, host.uri):
                return "" if host.uri == local else host.uri
        if ":" not in text:
            known = ", ".join(host.name for host in hosts)
            raise NotFound(
                f"no host is called {text!r}; known are {known}",
                remedy="give a libvirt URI, or: provisioner host add NAME URI",
            )
        return check_uri(text)

    def connection(self, host: Host) -> Connection:
        """The connection of a host."""
        return self._connections("" if host.uri == self._configured[LOCAL].uri else host.uri)

    async def _state(self, host: Host) -> HostState:
        connection = self.connection(host)
        opening = asyncio.ensure_future(connection.open())
        opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        done, _ = await asyncio.wait({opening}, timeout=_LOOK_SECONDS)
        if not done:
            return HostState(host, up=False, reason="connecting")
        error = opening.exception()
        if isinstance(error, Invalid):
            if host.configured:
                return HostState(host, up=False, reason=_without(str(error), host.uri))
            raise error
        trouble = connection.trouble or str(error or "")
        return HostState(host, connection.up, "" if connection.up else _without(trouble, host.uri))


def _without(reason: str, uri: str) -> str:
    """A reason that stands beside its URI need not begin with it."""
    return reason.removeprefix(f"libvirt at {uri} ")


def settled(local: str, configured: Mapping[str, Host]) -> dict[str, Host]:
    """The hosts of the settings, `local` among them. Raises Invalid where one cannot be accepted."""
    named = configured.get(LOCAL, Host(LOCAL, local))
    if named.uri != local:
        raise Invalid(f"[hosts.{LOCAL}] says {named.uri}, and libvirt_uri {local}: they are the same host")
    hosts = {**configured, LOCAL: named}
    for name, host in hosts.items():
        check_name(name, "host name")
        try:
            check_uri(host.uri, allow_unsafe=host.allow_unsafe)
        except Invalid as error:
            remedy = f"leave that out, or allow it by name: [hosts.{name}] with uri and allow_unsafe = true"
            raise Invalid(f"host {name}: {error}", remedy=remedy) from None
    return {name: replace(host, name=name, configured=True) for name, host in hosts.items()}
