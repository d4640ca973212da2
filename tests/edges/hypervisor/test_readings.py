"""What is read of a machine to judge it: recorded file systems, this machine, and its virt-host-validate."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.core.errors import Unavailable
from provisioner.core.readings import Line
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.hypervisor.readings import read
from provisioner.hypervisor.validator import HostValidator, parse
from provisioner.service.comparison import compare
from provisioner.service.validation import validate

# What Debian 12 on AMD shows, in so far as it is read.
V2_HOST = {
    "proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
    "proc/cpuinfo": "processor : 0\nflags\t\t: fpu svm sev lm\n\nprocessor : 1\nflags\t\t: fpu svm sev lm\n",
    "proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0\nproc /proc proc rw 0 0\n",
    "proc/cgroups": "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t120\t1\nmemory\t0\t120\t0\n",
    "proc/self/ns/mnt": "",
    "proc/self/ns/user": "",
    "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n",
    "sys/firmware/acpi/tables/IVRS": "",
    "sys/kernel/iommu_groups/0/devices": "",
    "sys/kernel/iommu_groups/1/devices": "",
    "sys/module/kvm_amd/parameters/sev": "Y\n",
    "dev/sev": "",
    "dev/net/tun": "",
}
# CentOS 7 on Intel, its IOMMU not switched on.
V1_HOST = {
    "proc/sys/kernel/osrelease": "3.10.0-957.el7.x86_64\n",
    "proc/cpuinfo": "flags : fpu vmx\n",
    "proc/mounts": (
        "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpuacct,cpu 0 0\n"
        "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n"
        "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
    ),
    "sys/firmware/acpi/tables/DMAR": "",
}


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_host_of_cgroup_v2(tmp_path: Path) -> None:
    found = read(lay(tmp_path, V2_HOST))

    assert found.kernel == (6, 1, 0)
    assert found.cpu == {"svm", "sev"}
    assert found.devices == {"/dev/sev", "/dev/net/tun"}
    assert found.namespaces == {"mnt", "user"}
    assert (found.cgroups.v1, found.cgroups.v2) == (frozenset(), frozenset({"cpuset", "cpu", "io", "pids"}))
    assert found.cgroups.built == {"cpu": True, "memory": False}
    assert (found.tables, found.iommu_groups, found.sev) == (frozenset({"IVRS"}), 2, "Y")


def test_a_host_of_cgroup_v1(tmp_path: Path) -> None:
    found = read(lay(tmp_path, V1_HOST))

    assert found.kernel == (3, 10, 0)
    assert found.cgroups.v1 == {"cpu", "cpuacct", "memory"}
    assert found.cgroups.v2 is None
    assert (found.cpu, found.tables) == (frozenset({"vmx"}), frozenset({"DMAR"}))
    assert (found.iommu_groups, found.sev) == (None, "")


def test_nothing_that_can_be_read_is_no_error(tmp_path: Path) -> None:
    found = read(tmp_path)

    assert (found.kernel, found.cpu, found.cgroups.v2) == ((), frozenset(), None)


def test_the_lines_of_virt_host_validate() -> None:
    text = (
        "  QEMU: Checking for hardware virtualization                                 : PASS\n"
        "  QEMU: Checking for device assignment IOMMU support                         : WARN (No ACPI DMAR "
        "table found, IOMMU either disabled in BIOS or not supported (at all))\n"
        "Unable to initialize cgroups: nothing\n"
        "   LXC: Checking for Linux >= 2.6.26                                         : PASS\n"
        "   LXC: Checking for namespace user                                          : FAIL (why)\n"
    )

    assert parse(text) == (
        Line("QEMU", "for hardware virtualization", "PASS"),
        Line(
            "QEMU",
            "for device assignment IOMMU support",
            "WARN",
            "No ACPI DMAR table found, IOMMU either disabled in BIOS or not supported (at all)",
        ),
        Line("LXC", "for Linux >= 2.6.26", "PASS"),
        Line("LXC", "for namespace user", "FAIL", "why"),
    )


needs_validator = pytest.mark.skipif(
    shutil.which("virt-host-validate") is None, reason="virt-host-validate is not installed"
)


@needs_validator
async def test_this_machine_is_judged_as_virt_host_validate_judges_it(system: LibvirtHost) -> None:
    readings = await system.readings()
    rows = compare(await HostValidator().run(), validate(readings), readings)

    printed = subprocess.run(
        ["virt-host-validate"], env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True
    )
    assert len(rows) == printed.stdout.count(": Checking ") >= 20
    assert [row for row in rows if row.differs] == []


async def test_a_machine_without_virt_host_validate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(Unavailable, match="virt-host-validate cannot be run here") as caught:
        await HostValidator().run()

    assert "libvirt-clients" in caught.value.remedy


@pytest.mark.skipif(shutil.which("virsh") is None, reason="virsh is not installed")
@pytest.mark.parametrize("uri", ["qemu:///system", "test:///default"])
async def test_the_node_is_that_of_virsh_nodeinfo(uri: str, system: LibvirtHost) -> None:
    host = system if uri == "qemu:///system" else LibvirtHost(uri)
    fields = (
        ("CPU model", "model"),
        ("CPU(s)", "cpus"),
        ("CPU frequency", "mhz"),
        ("CPU socket(s)", "sockets"),
        ("Core(s) per socket", "cores"),
        ("Thread(s) per core", "threads"),
        ("NUMA cell(s)", "cells"),
        ("Memory size", "memory"),
    )

    def virsh() -> dict[str, str]:
        command = ["virsh", "-c", uri, "nodeinfo"]
        done = subprocess.run(
            command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=True
        )
        pairs = (line.split(":", 1) for line in done.stdout.splitlines() if line.strip())
        return {name: value.split()[0] for name, value in pairs}

    before, node, after = virsh(), await host.node(), virsh()
    if host is not system:
        await host.close()

    ours = {title: str(getattr(node, name)) for title, name in fields}
    if before != after:  # a virtual machine may be given memory while it is looked at
        size = "Memory size"
        assert int(before[size]) <= int(ours[size]) <= int(after[size])
        ours[size] = after[size]
    assert ours == after


async def test_the_load_of_this_machine(system: LibvirtHost) -> None:
    before = await system.load()
    await asyncio.sleep(0.3)
    now = await system.load()

    assert now.total > before.total and 0 <= now.busy - before.busy <= now.total - before.total
    assert now.free is not None and 0 < now.free < now.memory


async def test_what_libvirt_offers_here(system: LibvirtHost) -> None:
    facts = await system.facts()

    assert {"virtio", "sata"} <= set(facts.disk_buses)
    assert {"disk", "cdrom"} <= set(facts.disk_devices)
    assert "vnc" in facts.graphics
    assert facts.max_vcpus > 1


async def test_the_test_driver_has_no_machine_behind_it(driver: LibvirtHost) -> None:
    readings = await driver.readings()

    assert readings.system is None
    assert {check.verdict for check in validate(readings)} == {"unknown"}
    assert (await driver.load()).running == 1
