"""What was read of a host to judge whether it can carry guests, and the verdicts on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["PASS", "WARN", "FAIL", "unknown"]
Area = Literal["QEMU", "LXC", "KVM"]
CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio")


@dataclass(frozen=True, slots=True)
class Cgroups:
    """Control groups as a host has them mounted: version 1, version 2, or both side by side.

    `v1` are the controllers that a version 1 mount carries, `v2` those of cgroup.controllers at the root of
    version 2, None where that is not mounted. `built` is /proc/cgroups: the kernel's own, and whether the
    command line left them switched on.
    """

    v1: frozenset[str] = frozenset()
    v2: frozenset[str] | None = None
    built: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class System:
    """Read from /proc, /sys and /dev of the machine itself.

    `cpu` are the CPU's flags, `devices` which of the device files and folders that are asked for are there,
    `kvm_user` who opens /dev/kvm and `kvm_closed` why that user cannot. `tables` are the ACPI tables that
    describe an IOMMU, `iommu_groups` how many groups the kernel made, None where it knows none.
    `sev` is the parameter of kvm_amd, "" where there is none.
    """

    arch: str
    kernel: tuple[int, ...]
    cpu: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    kvm_user: str = ""
    kvm_closed: str = ""
    namespaces: frozenset[str] = frozenset()
    cgroups: Cgroups = Cgroups()
    tables: frozenset[str] = frozenset()
    iommu_groups: int | None = None
    sev: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """`system` is None for a host whose files cannot be read from here; then only what libvirt tells is left.

    `kvm`, `iommu`, `secure`: what libvirt says that it can do, None where it says nothing. `proof` is whether
    a kernel was seen to boot under KVM, and why, None where nobody tried.
    """

    uri: str
    system: System | None
    arch: str = "x86_64"
    kvm: bool | None = None
    iommu: bool | None = None
    secure: bool | None = None
    proof: tuple[bool, str] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One verdict. `question` is how virt-host-validate words it, "" where that does not ask it."""

    area: Area
    name: str
    verdict: Verdict
    reason: str
    fix: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that virt-host-validate printed."""

    area: str
    question: str
    verdict: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A line of virt-host-validate beside our verdict on the same question.

    `why` explains a difference; `differs` where there is one that nothing explains.
    """

    area: str
    question: str
    theirs: str
    ours: str
    why: str = ""
    differs: bool = False
