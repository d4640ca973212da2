"""The verdicts on hosts whose readings were recorded: cgroup v1 and v2, KVM and none, near and far."""

from dataclasses import replace
from typing import Any

import pytest

from provisioner.core.readings import Cgroups, Check, Line, Readings, System
from provisioner.service.comparison import compare
from provisioner.service.validation import validate
from tests.connections import CONTROLLERS, READINGS, SYSTEM

# Debian 12 as it comes: version 2 alone, no devices and no freezer in cgroup.controllers.
V2 = Cgroups(
    v2=frozenset({"cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"}),
    built=dict.fromkeys((*CONTROLLERS - {"devices"}, "devices", "pids"), True),
)
# Here: every controller on version 1, hugetlb on a version 2 beside it.
HYBRID = Cgroups(CONTROLLERS, frozenset({"hugetlb"}), dict.fromkeys(CONTROLLERS, True))
FAR = Readings("qemu+tls://rack1/system", None, kvm=True, iommu=True, secure=False)


def on(system: System = SYSTEM, **changes: Any) -> Readings:
    return replace(READINGS, system=replace(system, **changes))


def verdicts(readings: Readings) -> dict[str, str]:
    return {f"{check.area} {check.name}": check.verdict for check in validate(readings)}


def one(readings: Readings, name: str) -> Check:
    return next(check for check in validate(readings) if f"{check.area} {check.name}" == name)


@pytest.mark.parametrize("groups", [SYSTEM.cgroups, V2, HYBRID], ids=["v1", "v2", "both"])
def test_a_host_that_has_everything_passes(groups: Cgroups) -> None:
    assert {name: v for name, v in verdicts(on(cgroups=groups)).items() if v != "PASS"} == {}


def test_every_question_of_virt_host_validate_is_asked_in_its_order() -> None:
    asked = [(check.area, check.question) for check in validate(on()) if check.question]

    assert asked == [
        ("QEMU", "for hardware virtualization"),
        ("QEMU", "if device /dev/kvm exists"),
        ("QEMU", "if device /dev/kvm is accessible"),
        ("QEMU", "if device /dev/vhost-net exists"),
        ("QEMU", "if device /dev/net/tun exists"),
        *(
            ("QEMU", f"for cgroup '{n}' controller support")
            for n in ("cpu", "cpuacct", "cpuset", "memory", "devices", "blkio")
        ),
        ("QEMU", "for device assignment IOMMU support"),
        ("QEMU", "if IOMMU is enabled by kernel"),
        ("QEMU", "for secure guest support"),
        ("LXC", "for Linux >= 2.6.26"),
        *(("LXC", f"for namespace {n}") for n in ("ipc", "mnt", "pid", "uts", "net", "user")),
        *(
            ("LXC", f"for cgroup '{n}' controller support")
            for n in ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio")
        ),
        ("LXC", "if device /sys/fs/fuse/connections exists"),
    ]


# what is read, the check, its verdict, words of its reason, words of its fix
CASES: dict[str, tuple[Readings, str, str, str, str]] = {
    "no virtualisation": (
        on(cpu=frozenset(), devices=frozenset()),
        "QEMU hardware virtualisation", "FAIL", "neither vmx nor svm", "firmware",
    ),
    "a KVM without flags": (
        on(cpu=frozenset({"hypervisor"})),
        "QEMU hardware virtualisation", "FAIL", "yet there is a /dev/kvm", "nested virtualisation",
    ),
    "another architecture": (on(arch="aarch64"), "QEMU hardware virtualisation", "PASS", "aarch64", ""),
    "no module": (on(devices=frozenset()), "QEMU /dev/kvm exists", "FAIL", "no KVM module", "kvm_amd"),
    "closed": (on(kvm_closed="/dev/kvm is closed"), "QEMU /dev/kvm accessible", "FAIL", "closed", "chgrp"),
    "hangs": (
        replace(READINGS, proof=(False, "a kernel under KVM did not come up")),
        "KVM a kernel boots under KVM", "WARN", "did not come up; guests are emulated", "",
    ),
    "untried": (replace(READINGS, proof=None), "KVM a kernel boots under KVM", "unknown", "nobody", ""),
    "no vhost": (on(devices=frozenset()), "QEMU /dev/vhost-net exists", "WARN", "slower", "vhost_net"),
    "no tun": (on(devices=frozenset()), "QEMU /dev/net/tun exists", "FAIL", "no network", "modprobe tun"),
    "no fuse": (
        on(devices=frozenset()), "LXC /sys/fs/fuse/connections exists", "FAIL", "/proc", "modprobe fuse",
    ),
    "not mounted": (
        on(cgroups=replace(SYSTEM.cgroups, v1=CONTROLLERS - {"memory"})),
        "QEMU cgroup memory", "WARN", "no mounted cgroup hierarchy", "mount -t cgroup -o memory",
    ),
    "not mounted, for containers": (
        on(cgroups=replace(SYSTEM.cgroups, v1=CONTROLLERS - {"memory"})),
        "LXC cgroup memory", "FAIL", "no mounted cgroup hierarchy", "mount -t cgroup",
    ),
    "switched off": (
        on(cgroups=Cgroups(v2=frozenset({"cpu"}), built={"memory": False})),
        "QEMU cgroup memory", "WARN", "command line switches it off", "remove cgroup_disable=memory",
    ),
    "not built": (
        on(cgroups=Cgroups(v2=frozenset({"cpu"}), built={"cpu": True})),
        "QEMU cgroup cpuset", "WARN", "built without it", "",
    ),
    "not delegated": (
        on(cgroups=replace(V2, v2=frozenset({"cpu"}))),
        "QEMU cgroup blkio", "WARN", "cgroup v2 is mounted without io", "+io",
    ),
    "blkio is io": (on(cgroups=V2), "QEMU cgroup blkio", "PASS", "has it as io", ""),
    "cpuacct is cpu": (on(cgroups=V2), "QEMU cgroup cpuacct", "PASS", "as part of cpu", ""),
    "devices by eBPF": (on(cgroups=V2), "QEMU cgroup devices", "PASS", "eBPF", ""),
    "freezer": (on(cgroups=V2), "LXC cgroup freezer", "PASS", "cgroup.freeze", ""),
    "an old kernel's freezer": (
        on(cgroups=V2, kernel=(5, 1)), "LXC cgroup freezer", "FAIL", "from Linux 5.2 on", "",
    ),
    "no IOMMU": (
        on(tables=frozenset(), iommu_groups=0), "QEMU IOMMU", "WARN", "no ACPI table", "firmware",
    ),
    "an IOMMU that is off": (
        on(iommu_groups=0), "QEMU IOMMU enabled", "WARN", "no IOMMU group", "add iommu=pt iommu=1",
    ),
    "Intel's": (
        on(iommu_groups=0, tables=frozenset({"DMAR"})), "QEMU IOMMU enabled", "WARN", "", "intel_iommu=on",
    ),
    "no kernel support": (on(iommu_groups=None), "QEMU IOMMU enabled", "WARN", "built without", ""),
    "groups without a table": (on(tables=frozenset()), "QEMU IOMMU", "PASS", "12 groups", ""),
    "no sev": (on(cpu=frozenset({"svm"})), "QEMU secure guests", "WARN", "no sev", ""),
    "sev off": (on(sev="N"), "QEMU secure guests", "WARN", "switched off", "kvm_amd.sev=1"),
    "sev unknown": (on(sev=""), "QEMU secure guests", "WARN", "does not know it", "modprobe kvm_amd"),
    "sev off in firmware": (
        on(devices=SYSTEM.devices - {"/dev/sev"}), "QEMU secure guests", "WARN", "firmware", "firmware",
    ),
    "an ancient kernel": (on(kernel=(2, 6, 18)), "LXC kernel", "FAIL", "Linux 2.6.18", ""),
    "no user namespace": (
        on(namespaces=SYSTEM.namespaces - {"user"}), "LXC namespace user", "WARN", "lacks", "CONFIG_USER_NS",
    ),
    "no net namespace": (
        on(namespaces=SYSTEM.namespaces - {"net"}), "LXC namespace net", "FAIL", "lacks", "CONFIG_NET_NS",
    ),
    "far, with KVM": (FAR, "QEMU hardware virtualisation", "PASS", "libvirt offers KVM", ""),
    "far, without": (replace(FAR, kvm=False), "QEMU /dev/kvm exists", "unknown", "offers no KVM", ""),
    "far, IOMMU": (FAR, "QEMU IOMMU", "PASS", "libvirt finds an IOMMU", ""),
    "far, no IOMMU": (replace(FAR, iommu=False), "QEMU IOMMU", "WARN", "libvirt finds no IOMMU", ""),
    "far, no word": (replace(FAR, iommu=None), "QEMU IOMMU", "unknown", "cannot be read from here", ""),
    "far, secure": (FAR, "QEMU secure guests", "WARN", "no encrypted guests", ""),
    "far, cgroup": (FAR, "QEMU cgroup cpu", "unknown", "cannot be read from here", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_verdicts(case: str) -> None:
    readings, name, verdict, reason, fix = CASES[case]

    check = one(readings, name)

    assert check.verdict == verdict
    assert reason in check.reason and fix in check.fix
    assert bool(check.fix) is bool(fix)


def test_from_afar_nothing_is_claimed_that_libvirt_does_not_tell() -> None:
    silent = Readings("qemu+tls://rack1/system", None)

    assert set(verdicts(silent).values()) == {"unknown"}


def test_a_difference_on_cgroup_v2_is_explained() -> None:
    readings = on(cgroups=V2)
    lines = (
        Line("QEMU", "for cgroup 'devices' controller support", "WARN", "Enable 'devices' in kernel Kconfig"),
        Line("LXC", "for cgroup 'freezer' controller support", "FAIL", "Enable 'freezer' in kernel Kconfig"),
    )

    rows = compare(lines, validate(readings), readings)

    assert [(row.theirs, row.ours, row.differs) for row in rows] == [
        ("WARN", "PASS", False),
        ("FAIL", "PASS", False),
    ]
    assert (
        rows[1].why
        == "it asks for a controller of cgroup v1; cgroup v2 does it by cgroup.freeze in every group"
    )


DIFFERENCES: dict[str, tuple[Readings, Line, bool, str]] = {
    "other quotation marks": (on(), Line("QEMU", "if device '/dev/kvm' exists", "PASS"), False, ""),
    "a user": (
        on(kvm_closed="it is closed"),
        Line("QEMU", "if device /dev/kvm is accessible", "PASS"),
        False,
        "not for libvirt-qemu",
    ),
    "a virtual machine's IOMMU": (
        on(cpu=frozenset({"hypervisor"})),
        Line("QEMU", "for device assignment IOMMU support", "WARN", "Unknown if this platform has IOMMU"),
        False,
        "by the CPU's vmx or svm alone",
    ),
    "another hypervisor": (on(), Line("CH", "for hardware virtualization", "PASS"), False, "CH is no"),
    "a question that we do not ask": (on(), Line("QEMU", "for the moon", "PASS"), True, "not asked here"),
    "no reason": (on(), Line("QEMU", "if device /dev/net/tun exists", "FAIL"), True, "it is there"),
    "cgroup v1 is no excuse": (
        on(), Line("QEMU", "for cgroup 'cpu' controller support", "WARN"), True, "cgroup v1 is mounted",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DIFFERENCES)
def test_differences(case: str) -> None:
    readings, line, differs, why = DIFFERENCES[case]

    (row,) = compare([line], validate(readings), readings)

    assert row.differs is differs and why in row.why
