"""Connections to hosts in memory: up or down as a test says, with the readings of recorded machines."""

import itertools
from dataclasses import replace

from provisioner.core.errors import Invalid, Unavailable
from provisioner.core.host import HostFacts, Load, Network, NodeInfo, Pool
from provisioner.core.libvirt_uri import check_uri
from provisioner.core.readings import Cgroups, Line, Readings, System
from tests.fakes import FACTS

NODE = NodeInfo("x86_64", 2, 2445, 1, 2, 1, 1, 6252320)
CONTROLLERS = frozenset({"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio"})
SYSTEM = System(
    arch="x86_64",
    kernel=(6, 1, 0),
    cpu=frozenset({"svm", "sev"}),
    devices=frozenset({"/dev/kvm", "/dev/vhost-net", "/dev/net/tun", "/dev/sev", "/sys/fs/fuse/connections"}),
    kvm_user="libvirt-qemu",
    namespaces=frozenset({"ipc", "mnt", "pid", "uts", "net", "user"}),
    cgroups=Cgroups(v1=CONTROLLERS, built=dict.fromkeys(CONTROLLERS, True)),
    tables=frozenset({"IVRS"}),
    iommu_groups=12,
    sev="Y",
)
READINGS = Readings(
    "qemu:///system", SYSTEM, kvm=True, proof=(True, "a kernel booted under KVM in 0.9 seconds")
)


class FakeConnection:
    """One host. `fault` is why it does not answer, "" where it does."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.fault = ""
        self.closed = False
        self.host_facts: HostFacts = replace(FACTS, uri=uri)
        self.read: Readings = replace(READINGS, uri=uri)
        self._looks = itertools.count(1)

    @property
    def up(self) -> bool:
        return not self.fault

    @property
    def trouble(self) -> str:
        return self.fault

    async def open(self) -> None:
        if self.uri.startswith("nothing:"):
            raise Invalid(f"libvirt at {self.uri} says: no connection driver available")
        if self.fault:
            raise Unavailable(f"{self.fault}; trying to reach it again")

    async def facts(self) -> HostFacts:
        await self.open()
        return self.host_facts

    async def node(self) -> NodeInfo:
        await self.open()
        return NODE

    async def load(self) -> Load:
        """A quarter of the time busy, since ever."""
        await self.open()
        look = next(self._looks)
        return Load(250 * look, 1000 * look, 8 * 1024**2, 6 * 1024**2, 2, 3 * 1024**2, 3)

    async def networks(self) -> list[Network]:
        await self.open()
        return list(self.host_facts.networks)

    async def pools(self) -> list[Pool]:
        await self.open()
        return list(self.host_facts.pools)

    async def readings(self) -> Readings:
        await self.open()
        return self.read


class FakeConnections:
    """As `wiring.hosts.Connections`; `made` are those that were asked for and not ended."""

    def __init__(self, local: str = "qemu:///system") -> None:
        self._local = local
        self.made: dict[str, FakeConnection] = {}
        self.allowed: set[str] = set()
        self.faults: dict[str, str] = {}

    def __call__(self, uri: str) -> FakeConnection:
        uri = check_uri(uri or self._local, allow_unsafe=uri in self.allowed)
        if uri not in self.made:
            self.made[uri] = FakeConnection(uri)
            self.made[uri].fault = self.faults.get(uri, "")
        return self.made[uri]

    def allow(self, uri: str) -> None:
        self.allowed.add(uri)

    async def end(self, uri: str) -> None:
        self.allowed.discard(uri)
        if uri in self.made:
            self.made.pop(uri).closed = True


class FakeValidator:
    """What virt-host-validate prints; None where there is none."""

    def __init__(self, *lines: Line) -> None:
        self.lines: tuple[Line, ...] | None = lines

    async def run(self) -> tuple[Line, ...]:
        if self.lines is None:
            raise Unavailable("virt-host-validate cannot be run here", remedy="install it")
        return self.lines
