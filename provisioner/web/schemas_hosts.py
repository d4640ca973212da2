"""The API's models of hosts."""

from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field

from provisioner.core.host import Host, HostFacts, NodeInfo
from provisioner.core.readings import Check, Comparison
from provisioner.service.hosts import Busy, HostState
from provisioner.web.schemas import In, Line, Name, Out


class NewHost(In):
    name: Name
    uri: Line = Field(description="libvirt URI, as qemu:///system or qemu+ssh://root@HOST/system")
    allow_unsafe: bool = Field(False, description="accept a URI that is not encrypted or not verified")


class HostOut(Out):
    """A host and whether it answers."""

    name: str
    uri: str
    configured: bool = Field(description="named by the settings, not added")
    allow_unsafe: bool
    state: Literal["up", "down"]
    reason: str = Field(description="why it is down")

    @classmethod
    def of(cls, state: HostState) -> "HostOut":
        return cls(state="up" if state.up else "down", reason=state.reason, **_host(state.host))


class NodeOut(Out):
    """As `virsh nodeinfo` prints it."""

    model: str
    cpus: int
    mhz: int
    sockets: int
    cores: int
    threads: int
    cells: int = Field(description="NUMA cells")
    memory: int = Field(description="KiB")


class HostShown(HostOut):
    """What is known of a host that is up."""

    node: NodeOut
    virt_type: Literal["kvm", "qemu"]
    virt_reason: str
    arch: str
    emulator: str
    machine: str
    max_vcpus: int
    firmwares: list[str]
    secure_boot: bool
    disk_devices: list[str]
    disk_buses: list[str]
    graphics: list[str]
    bridges: list[str]
    interfaces: list[str]
    networks: list[str]
    pools: list[str]
    domains: int
    warnings: list[str]

    @classmethod
    def shown(cls, state: HostState, facts: HostFacts) -> "HostShown":
        node = facts.node or NodeInfo("", 0, 0, 0, 0, 0, 0, facts.memory << 10)
        node_values: dict[str, Any] = asdict(node)
        names = (
            "virt_type", "virt_reason", "arch", "emulator", "machine", "max_vcpus", "secure_boot",
        )  # fmt: skip
        lists = (
            "firmwares", "disk_devices", "disk_buses", "graphics", "bridges", "interfaces", "warnings",
        )  # fmt: skip
        told: dict[str, Any] = {
            **HostOut.of(state).model_dump(),
            **{name: getattr(facts, name) for name in names},
            **{name: list(getattr(facts, name)) for name in lists},
        }
        return cls(
            node=NodeOut(**node_values),
            networks=[network.name for network in facts.networks],
            pools=[pool.name for pool in facts.pools],
            domains=len(facts.domains),
            **told,
        )


class LoadOut(Out):
    """How busy a host is now."""

    cpu: float = Field(description="percent of all its CPUs")
    memory: int = Field(description="KiB")
    used: int | None = Field(description="KiB that caches would not give back; null where it is not known")
    running: int = Field(description="domains that run")
    lent: int = Field(description="KiB of memory that they have")
    vcpus: int = Field(description="vCPUs that they have")

    @classmethod
    def of(cls, busy: Busy) -> "LoadOut":
        load = busy.load
        return cls(
            cpu=round(busy.cpu, 1),
            memory=load.memory,
            used=None if load.free is None else max(0, load.memory - load.free),
            running=load.running,
            lent=load.lent,
            vcpus=load.vcpus,
        )


class CheckOut(Out):
    """One verdict."""

    area: str
    name: str
    verdict: Literal["PASS", "WARN", "FAIL", "unknown"]
    reason: str
    fix: str

    @classmethod
    def of(cls, check: Check) -> "CheckOut":
        return cls(
            area=check.area, name=check.name, verdict=check.verdict, reason=check.reason, fix=check.fix
        )


class ComparisonOut(Out):
    """A line of virt-host-validate beside our verdict. `why` explains a difference."""

    area: str
    question: str
    theirs: str
    ours: str
    why: str
    differs: bool = Field(description="a difference that nothing explains")

    @classmethod
    def of(cls, row: Comparison) -> "ComparisonOut":
        return cls(**asdict(row))


def _host(host: Host) -> dict[str, Any]:
    return asdict(host)
