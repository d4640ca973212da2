"""What a host is judged by: libvirt's words, and of this machine the files of /proc, /sys and /dev."""

import contextlib
import os
import platform
import pwd
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import libvirt

from provisioner.core.errors import ProvisionerError
from provisioner.core.readings import CONTROLLERS, Cgroups, Readings, System
from provisioner.hypervisor import devices, host
from provisioner.hypervisor.xml import parse

_DEVICES = ("/dev/kvm", "/dev/vhost-net", "/dev/net/tun", "/dev/sev", "/sys/fs/fuse/connections")
_TABLES = ("DMAR", "IVRS", "IORT")
_FLAGS = frozenset({"vmx", "svm", "sie", "sev", "hypervisor"})
_IOMMU = {"yes": True, "no": False}


def told(connection: libvirt.virConnect, uri: str, proof: tuple[bool, str] | None) -> Readings:
    """What libvirt tells of a host, this machine's or another's."""
    root = parse(connection.getCapabilities())
    iommu = root.find("host/iommu")
    readings = Readings(
        uri=uri,
        system=None,
        arch=root.findtext("host/cpu/arch") or "x86_64",
        kvm=None if devices.is_test(uri) else host.offers_kvm(connection),
        iommu=None if iommu is None or devices.is_test(uri) else _IOMMU.get(iommu.get("support", "")),
        proof=proof,
    )
    with contextlib.suppress(libvirt.libvirtError, ProvisionerError):
        known = host.capabilities(connection, "kvm" if readings.kvm else "qemu")
        readings = replace(readings, secure=known.secure_guests)
    return readings


def complete(readings: Readings) -> Readings:
    """The same with this machine's own files, where it is this machine that was asked."""
    if not devices.is_local(readings.uri) or devices.is_test(readings.uri):
        return readings
    return replace(readings, system=read(session=urlsplit(readings.uri).path == "/session"))


def read(root: Path = Path("/"), *, session: bool = False) -> System:
    """This machine, or the one whose files lie below `root`. In a `session` QEMU runs as this very user."""
    return System(
        arch=platform.machine(),
        kernel=_kernel(_text(root / "proc/sys/kernel/osrelease")),
        cpu=_FLAGS & _flags(_text(root / "proc/cpuinfo")),
        devices=frozenset(path for path in _DEVICES if (root / path.lstrip("/")).exists()),
        kvm_user=pwd.getpwuid(os.geteuid()).pw_name if session else devices.qemu_user(),
        kvm_closed=_closed(root / "dev/kvm", session=session),
        namespaces=frozenset(entry.name for entry in _listed(root / "proc/self/ns")),
        cgroups=_cgroups(root),
        tables=frozenset(name for name in _TABLES if (root / "sys/firmware/acpi/tables" / name).exists()),
        iommu_groups=_iommu_groups(root / "sys/kernel/iommu_groups"),
        sev=_text(root / "sys/module/kvm_amd/parameters/sev").strip(),
    )


def _closed(device: Path, *, session: bool) -> str:
    if not session:
        return devices.kvm_trouble(device)
    if not devices.closed_to_us(device):
        return ""
    return f"{device} is closed to the user that this service runs as, and so to its session's guests"


def _cgroups(root: Path) -> Cgroups:
    """As /proc/mounts has them; the first mount of version 2 tells its controllers."""
    v1: set[str] = set()
    v2: frozenset[str] | None = None
    for line in _text(root / "proc/mounts").splitlines():
        _source, where, kind, options, *_ = [*line.split(" "), "", "", ""]
        if kind == "cgroup":
            v1 |= set(CONTROLLERS) & set(options.split(","))
        elif kind == "cgroup2" and v2 is None:
            v2 = frozenset(_text(root / where.lstrip("/") / "cgroup.controllers").split())
    built = {}
    for line in _text(root / "proc/cgroups").splitlines():
        if not line.startswith("#") and len(fields := line.split()) == 4:
            built[fields[0]] = fields[3] == "1"
    return Cgroups(frozenset(v1), v2, built)


def _kernel(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", release.partition("-")[0])[:3])


def _flags(cpuinfo: str) -> frozenset[str]:
    """Of all CPUs; s390 calls them features, ARM too."""
    lines = re.findall(r"^(?:flags|features|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    return frozenset(flag for line in lines for flag in line.split())


def _iommu_groups(folder: Path) -> int | None:
    return len(_listed(folder)) if folder.is_dir() else None


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
