"""Stand-ins for what the use cases need from outside. Each passes the contract suite of its port."""

import asyncio
import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from provisioner.core.errors import Conflict, NotFound, ProvisionerError, Unavailable
from provisioner.core.host import Definition, Domain, HostFacts, Network, Pool
from provisioner.core.profile import Image, Profile, Tree
from provisioner.core.storage import Volume
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
from provisioner.service.ports import DomainEvent, OnDomainEvent

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
State = Literal["running", "shut off", "paused", "crashed", "other"]


class FakeClock:
    """A clock that goes on only when told to."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class CountingIds:
    """Ids in order: i1, i2 …"""

    def __init__(self) -> None:
        self._installs = itertools.count(1)
        self._macs = itertools.count(1)
        self._uuids = itertools.count(1)
        self._ports = itertools.count(20001)

    def install(self) -> str:
        return f"i{next(self._installs)}"

    def mac(self) -> str:
        number = next(self._macs)
        return f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}"

    def uuid(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._uuids):012x}"

    def port(self) -> int:
        return next(self._ports)


NETWORK = Network("default", "nat", True, bridge="virbr0", addresses=("192.168.122.1/24",), dhcp=True)
POOL = Pool("default", True, 100 * 1024**3, 0, 100 * 1024**3, "/var/lib/libvirt/images", autostart=True)
FACTS = HostFacts(
    "qemu:///system",
    "qemu",
    "/usr/bin/qemu-system-x86_64",
    "q35",
    firmwares=("bios", "efi"),
    max_vcpus=8,
    memory=16384,
    networks=(NETWORK,),
    pools=(POOL,),
    bridges=("virbr0", "br0"),
    interfaces=("eth0",),
)


class FakeHypervisor:
    """One host, in memory. `fail` maps a step's type to the error that applying it raises, before or after.

    Domains and volumes are what is really there; `applied` every step that was asked for. `disks` are the
    volumes' sizes in bytes, `backing` the volumes that others lie over, `contents` what was uploaded;
    `files` are the service's own files, which uploads are read from. `xmls` are the definitions, `live` what
    each domain was last started with.
    """

    def __init__(self, facts: HostFacts = FACTS, foreign: Iterable[Domain] = ()) -> None:
        self._facts = facts
        self.there: dict[str, Domain] = {domain.uuid: domain for domain in foreign}
        self.xmls: dict[str, str] = {}
        self.live: dict[str, str] = {}
        self.disks: dict[tuple[str, str], int] = {}
        self.backing: dict[tuple[str, str], str] = {}
        self.contents: dict[tuple[str, str], bytes] = {}
        self.files: dict[str, bytes] = {}
        self.applied: list[HostStep] = []
        self.resets: list[str] = []
        self.leases: dict[str, str] = {}
        self.fail: dict[type, tuple[str, ProvisionerError]] = {}
        self.down = False
        self.callbacks: list[OnDomainEvent] = []

    def __call__(self, uri: str) -> "FakeHypervisor":
        return self

    def _up(self) -> None:
        if self.down:
            raise Unavailable(f"libvirt at {self._facts.uri} does not answer")

    async def facts(self, *, fresh: bool = False) -> HostFacts:
        await asyncio.sleep(0)
        self._up()
        return replace(self._facts, domains=tuple(self.there.values()))

    async def networks(self) -> list[Network]:
        return list(self._facts.networks)

    async def pools(self) -> list[Pool]:
        return list(self._facts.pools)

    async def domains(self) -> list[Domain]:
        self._up()
        return list(self.there.values())

    async def volumes(self, pool: str) -> list[str]:
        return sorted(name for where, name in self.disks if where == pool)

    async def volume_info(self, pool: str, name: str) -> Volume:
        for volume in await self.all_volumes():
            if (volume.pool, volume.name) == (pool, name):
                return volume
        raise NotFound(f"pool {pool} has no volume {name}")

    async def all_volumes(self) -> list[Volume]:
        self._up()
        return [
            Volume(pool, name, _path(name), "qcow2", size, 0, _path(self.backing.get((pool, name), "")))
            for (pool, name), size in sorted(self.disks.items())
        ]

    async def volume_users(self, paths: Collection[str]) -> dict[str, list[str]]:
        self._up()
        texts = [(name, text) for kept in (self.xmls, self.live) for name, text in kept.items()]
        there = {domain.name for domain in self.there.values()}
        used = {path: [n for n, text in texts if n in there and f'"{path}"' in text] for path in paths}
        for (_, name), base in self.backing.items():
            used.setdefault(_path(base), []).append(name)
        return {path: users for path, users in used.items() if users and path in paths}

    async def apply(self, step: HostStep) -> None:
        await asyncio.sleep(0)
        self._up()
        self.applied.append(step)
        when, error = self.fail.get(type(step), ("", None))
        if error and when == "before":
            raise error
        self._do(step)
        if error and when == "after":
            raise error

    def _do(self, step: HostStep) -> None:
        match step:
            case CreateVolume():
                self._create(step)
            case UploadVolume():
                self._upload(step)
            case ResizeVolume():
                self._volume_there(step.pool, step.name)
                self.disks[step.pool, step.name] = max(self.disks[step.pool, step.name], step.capacity)
            case DeleteVolume():
                self.disks.pop((step.pool, step.name), None)
                self.backing.pop((step.pool, step.name), None)
                self.contents.pop((step.pool, step.name), None)
            case DefineDomain():
                self._define(step)
            case UndefineDomain():
                if self._mine(step.uuid):
                    self._tell(self._state(step.uuid, "shut off"), "undefined")
                    del self.there[step.uuid]
            case StopDomain():
                if self._mine(step.uuid):
                    self._state(step.uuid, "shut off")
            case StartDomain():
                self._must_be_there(step.uuid)
                if self.there[step.uuid].state != "running":
                    self.live[step.name] = step.xml or self.xmls[step.name]
                self._state(step.uuid, "running")
            case SetAutostart():
                self._must_be_there(step.uuid)
                self.there[step.uuid] = replace(self.there[step.uuid], autostart=step.on)

    def _create(self, step: CreateVolume) -> None:
        if step.backing:
            self._volume_there(step.pool, step.backing)
            self.backing[step.pool, step.name] = step.backing
        self.disks.setdefault((step.pool, step.name), step.capacity)

    def _upload(self, step: UploadVolume) -> None:
        if step.file not in self.files:
            raise Unavailable(f"{step.file} cannot be read")
        content = self.files[step.file]
        self.contents[step.pool, step.name] = content
        self.disks[step.pool, step.name] = step.capacity or len(content)

    def _volume_there(self, pool: str, name: str) -> None:
        if (pool, name) not in self.disks:
            raise NotFound(f"pool {pool} has no volume {name}")

    def _define(self, step: DefineDomain) -> None:
        if any(d.name == step.name and d.uuid != step.uuid for d in self.there.values()):
            raise Conflict(f"the name {step.name} is taken")
        there = self.there[step.uuid] if self._mine(step.uuid) else None
        if there and there.name != step.name:
            raise Conflict(f"UUID {step.uuid} belongs to domain {there.name} already")
        state: State = there.state if there else "shut off"
        self.there[step.uuid] = Domain(step.name, step.uuid, state, ours=True, memory=1024, vcpus=1)
        self.xmls[step.name] = step.xml

    def _mine(self, uuid: str) -> bool:
        """Whether there is such a domain. Raises Conflict where it is not ours."""
        if uuid in self.there and not self.there[uuid].ours:
            raise Conflict(f"domain {self.there[uuid].name} is not ours")
        return uuid in self.there

    def _must_be_there(self, uuid: str) -> None:
        if not self._mine(uuid):
            raise NotFound(f"no domain with UUID {uuid}")

    def _state(self, uuid: str, state: State) -> Domain:
        domain = self.there[uuid]
        self.there[uuid] = replace(domain, state=state)
        if domain.state != state:
            self._tell(domain, "started" if state == "running" else "stopped")
        return domain

    def _tell(self, domain: Domain, event: DomainEvent) -> None:
        for callback in self.callbacks:
            callback(domain.name, domain.uuid, event)

    async def xml(self, name: str) -> str:
        running = self._named(name).state == "running"
        return (self.live if running else self.xmls)[name]

    async def definitions(self, uuids: Collection[str]) -> list[Definition]:
        self._up()
        return [
            Definition(
                domain.name,
                uuid,
                domain.state not in ("shut off", "crashed"),
                domain.autostart,
                self.xmls.get(domain.name, "") if uuid in uuids else "",
            )
            for uuid, domain in self.there.items()
        ]

    async def shutdown(self, name: str) -> None:
        self._state(self._running(self._named(name)).uuid, "shut off")

    async def reboot(self, name: str) -> None:
        self._running(self._named(name))

    async def reset(self, uuid: str) -> None:
        self._must_be_there(uuid)
        self._running(self.there[uuid])
        self.resets.append(uuid)

    def _named(self, name: str) -> Domain:
        for domain in self.there.values():
            if domain.name == name:
                return domain
        raise NotFound(f"no domain {name}")

    def _running(self, domain: Domain) -> Domain:
        self._mine(domain.uuid)
        if domain.state != "running":
            raise Conflict(f"guest {domain.name} is not running")
        return domain

    async def lease(self, mac: str) -> str | None:
        return self.leases.get(mac)

    def watch(self, callback: OnDomainEvent) -> None:
        self.callbacks.append(callback)


def _path(name: str) -> str:
    return f"{POOL.path}/{name}" if name else ""


TREE = Tree("mini", "/srv/mini", "image", "1", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img")
PROFILE = Profile("tiny", "image", "mini", "image/tiny.ks.j2", image="tiny", memory=512, disk=1)
IMAGE = Image("tiny", "tiny.tar.zst", "0" * 64, 2_000_000, 14_000_000)


async def no_staging(tree: Tree) -> None:
    """In place of keeping what other loaders than iPXE fetch of a tree."""


class FakeProfiles:
    """Profiles by name, as the use case gives them."""

    def __init__(self, *profiles: Profile) -> None:
        self._profiles: Mapping[str, Profile] = {profile.name: profile for profile in profiles or (PROFILE,)}

    async def get(self, name: str) -> Profile:
        if name not in self._profiles:
            known = ", ".join(sorted(self._profiles))
            raise NotFound(f"no profile is called {name!r}; known are {known}")
        return self._profiles[name]


class FakeTrees:
    """One tree, whichever name is asked for. `broken` is why it cannot be read."""

    def __init__(self, tree: Tree = TREE) -> None:
        self._tree = tree
        self.broken = ""

    async def get(self, name: str) -> Tree:
        return self._tree

    async def reachable(self, tree: Tree) -> None:
        if self.broken:
            raise Unavailable(self.broken)
