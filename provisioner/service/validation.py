"""Judges whether a host can carry QEMU and LXC guests: the questions of virt-host-validate, from readings."""

from collections.abc import Callable, Iterator

from provisioner.core.readings import Area, Check, Readings, Verdict
from provisioner.service.validation_cgroups import cgroups

_AREA_CONTROLLERS = {
    "QEMU": ("cpu", "cpuacct", "cpuset", "memory", "devices", "blkio"),
    "LXC": ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio"),
}
# The CPU's flags that mean hardware virtualisation; an architecture that is not here needs none.
_VIRTUALISATION = {"x86_64": ("vmx", "svm"), "i686": ("vmx", "svm"), "s390x": ("sie",)}
_MODULES = {"vmx": "kvm_intel", "svm": "kvm_amd"}
# What describes an IOMMU, and the kernel argument that switches it on.
_TABLES = {"DMAR": "intel_iommu=on", "IVRS": "iommu=pt iommu=1", "IORT": ""}
_NAMESPACES = ("ipc", "mnt", "pid", "uts", "net", "user")
_OLDEST_KERNEL = (2, 6, 26)
_FROM_AFAR = "cannot be read from here, and libvirt does not tell it"


def validate(readings: Readings) -> tuple[Check, ...]:
    """Every check, in the order of virt-host-validate; what cannot be known is `unknown`."""
    return tuple(check for ask in _CHECKS for check in ask(readings))


def _virtualisation(readings: Readings) -> Iterator[Check]:
    def say(verdict: Verdict, reason: str, fix: str = "") -> Check:
        return Check("QEMU", "hardware virtualisation", verdict, reason, fix, "for hardware virtualization")

    system = readings.system
    if system is None:
        if readings.kvm:
            yield say("PASS", "libvirt offers KVM")
        else:
            yield say("unknown", _no_kvm(readings))
        return
    wanted = _VIRTUALISATION.get(system.arch, ())
    found = [flag for flag in wanted if flag in system.cpu]
    if found or not wanted:
        yield say("PASS", f"the CPU has {', '.join(found)}" if found else f"{system.arch} needs no CPU flag")
    else:
        reason = f"the CPU shows neither {' nor '.join(wanted)}"
        if "/dev/kvm" in system.devices:
            reason += ", and yet there is a /dev/kvm: only a kernel that boots proves it"
        inside = "switch nested virtualisation on, on the host of this virtual machine"
        outside = "switch virtualisation on in the machine's firmware"
        yield say("FAIL", reason, inside if "hypervisor" in system.cpu else outside)


def _no_kvm(readings: Readings) -> str:
    return f"libvirt offers no KVM; why {_FROM_AFAR}" if readings.kvm is False else _FROM_AFAR


def _kvm(readings: Readings) -> Iterator[Check]:
    exists, accessible = "if device /dev/kvm exists", "if device /dev/kvm is accessible"
    system = readings.system
    if system is None:
        verdict: Verdict = "PASS" if readings.kvm else "unknown"
        reason = "libvirt offers KVM" if readings.kvm else _no_kvm(readings)
        yield Check("QEMU", "/dev/kvm exists", verdict, reason, "", exists)
        yield Check("QEMU", "/dev/kvm accessible", verdict, reason, "", accessible)
        return
    if "/dev/kvm" not in system.devices:
        module = next((_MODULES[flag] for flag in _MODULES if flag in system.cpu), "")
        fix = f"modprobe {module}" if module else ""
        reason = "it is not there: no KVM module is loaded"
        yield Check("QEMU", "/dev/kvm exists", "FAIL", reason, fix, exists)
        return
    yield Check("QEMU", "/dev/kvm exists", "PASS", "it is there", "", exists)
    if system.kvm_closed:
        fix = "chgrp kvm /dev/kvm && chmod 660 /dev/kvm"
        yield Check("QEMU", "/dev/kvm accessible", "FAIL", system.kvm_closed, fix, accessible)
    else:
        reason = f"{system.kvm_user or 'QEMU'} can open it"
        yield Check("QEMU", "/dev/kvm accessible", "PASS", reason, "", accessible)


def _proof(readings: Readings) -> Iterator[Check]:
    if readings.proof is None:
        yield Check("KVM", "a kernel boots under KVM", "unknown", "nobody has tried it on this host yet")
    else:
        works, reason = readings.proof
        told = reason if works else f"{reason}; guests are emulated, which is slow"
        yield Check("KVM", "a kernel boots under KVM", "PASS" if works else "WARN", told)


def _device(
    area: Area, path: str, lacking: Verdict, module: str, use: str
) -> Callable[[Readings], Iterator[Check]]:
    """A check that a device is there."""

    def ask(readings: Readings) -> Iterator[Check]:
        name, question = f"{path} exists", f"if device {path} exists"
        if readings.system is None:
            yield Check(area, name, "unknown", _FROM_AFAR, "", question)
        elif path in readings.system.devices:
            yield Check(area, name, "PASS", "it is there", "", question)
        else:
            reason = f"it is not there: {use}"
            yield Check(area, name, lacking, reason, f"modprobe {module}", question)

    return ask


def _controllers(area: Area, lacking: Verdict) -> Callable[[Readings], Iterator[Check]]:
    def ask(readings: Readings) -> Iterator[Check]:
        for name in _AREA_CONTROLLERS[area]:
            question = f"for cgroup '{name}' controller support"
            if readings.system is None:
                yield Check(area, f"cgroup {name}", "unknown", _FROM_AFAR, "", question)
            else:
                there, reason, fix = cgroups(name, readings.system.cgroups, readings.system.kernel)
                yield Check(area, f"cgroup {name}", "PASS" if there else lacking, reason, fix, question)

    return ask


def _iommu(readings: Readings) -> Iterator[Check]:
    question = "for device assignment IOMMU support"
    system = readings.system
    if system is None:
        verdict: Verdict = "unknown" if readings.iommu is None else "PASS" if readings.iommu else "WARN"
        reason = {
            "PASS": "libvirt finds an IOMMU",
            "WARN": "libvirt finds no IOMMU: no device can be given to a guest",
        }.get(verdict, _FROM_AFAR)
        yield Check("QEMU", "IOMMU", verdict, reason, "", question)
        return
    tables = [table for table in _TABLES if table in system.tables]
    if not tables and not system.iommu_groups:
        reason = (
            f"no ACPI table of one ({', '.join(_TABLES)}) and no IOMMU group in the kernel: the firmware has "
            "it switched off, or there is none; no device can be given to a guest"
        )
        yield Check("QEMU", "IOMMU", "WARN", reason, "switch it on in the machine's firmware", question)
        return
    told = f"ACPI table {tables[0]}" if tables else f"the kernel made {system.iommu_groups} groups"
    yield Check("QEMU", "IOMMU", "PASS", told, "", question)
    enabled = "if IOMMU is enabled by kernel"
    if system.iommu_groups:
        reason = f"the kernel made {system.iommu_groups} groups"
        yield Check("QEMU", "IOMMU enabled", "PASS", reason, "", enabled)
    elif system.iommu_groups == 0:
        argument = _TABLES[tables[0]]
        fix = f"add {argument} to the kernel's command line" if argument else ""
        yield Check("QEMU", "IOMMU enabled", "WARN", "the kernel made no IOMMU group", fix, enabled)
    else:
        reason = "the kernel is built without IOMMU support"
        yield Check("QEMU", "IOMMU enabled", "WARN", reason, "", enabled)


def _secure(readings: Readings) -> Iterator[Check]:
    def say(verdict: Verdict, reason: str, fix: str = "") -> Check:
        return Check("QEMU", "secure guests", verdict, reason, fix, "for secure guest support")

    system = readings.system
    if system is None or not system.arch.startswith(("x86", "i686")):
        if readings.secure is None:
            yield say("unknown", _FROM_AFAR)
        elif readings.secure:
            yield say("PASS", "libvirt offers encrypted guests")
        else:
            yield say("WARN", "libvirt offers no encrypted guests")
    elif "sev" not in system.cpu:
        yield say("WARN", "the CPU shows no sev: guests' memory cannot be encrypted")
    elif not system.sev:
        yield say("WARN", "the CPU has sev, but this kernel's kvm_amd does not know it", "modprobe kvm_amd")
    elif system.sev[:1] not in "1Yy":
        fix = "add kvm_amd.sev=1 to the kernel's command line"
        yield say("WARN", "the CPU has sev, but kvm_amd has it switched off", fix)
    elif "/dev/sev" not in system.devices:
        yield say(
            "WARN", "the CPU has sev, but the firmware has it switched off", "switch it on in the firmware"
        )
    else:
        yield say("PASS", "AMD SEV")


def _kernel(readings: Readings) -> Iterator[Check]:
    def say(verdict: Verdict, reason: str) -> Check:
        return Check("LXC", "kernel", verdict, reason, "", "for Linux >= 2.6.26")

    system = readings.system
    if system is None:
        yield say("unknown", _FROM_AFAR)
    else:
        version = ".".join(map(str, system.kernel))
        yield say("PASS" if system.kernel >= _OLDEST_KERNEL else "FAIL", f"Linux {version}")


def _namespaces(readings: Readings) -> Iterator[Check]:
    for name in _NAMESPACES:
        question = f"for namespace {name}"
        system = readings.system
        if system is None:
            yield Check("LXC", f"namespace {name}", "unknown", _FROM_AFAR, "", question)
        elif name in system.namespaces:
            yield Check("LXC", f"namespace {name}", "PASS", "the kernel has it", "", question)
        else:
            lacking: Verdict = "WARN" if name == "user" else "FAIL"
            fix = f"boot a kernel with CONFIG_{name.upper()}_NS" if name != "mnt" else ""
            yield Check("LXC", f"namespace {name}", lacking, "the kernel lacks it", fix, question)


_CHECKS: tuple[Callable[[Readings], Iterator[Check]], ...] = (
    _virtualisation,
    _kvm,
    _proof,
    _device("QEMU", "/dev/vhost-net", "WARN", "vhost_net", "guests' networks are slower"),
    _device("QEMU", "/dev/net/tun", "FAIL", "tun", "guests have no network"),
    _controllers("QEMU", "WARN"),
    _iommu,
    _secure,
    _kernel,
    _namespaces,
    _controllers("LXC", "FAIL"),
    _device("LXC", "/sys/fs/fuse/connections", "FAIL", "fuse", "a container sees its host's /proc"),
)
