"""The guest, host and tree that the tests of this folder plan with."""

from dataclasses import replace
from typing import Any

from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.host import Domain, HostFacts, Network, Pool
from provisioner.core.profile import Tree
from provisioner.plan.given import Given

GIB = 1024**3
SERIAL = "s3rial-_" + "x" * 35
LOG = "/var/lib/provisioner/logs/i-0001.log"
MAC = "52:54:00:12:34:56"
MINI = Tree("mini", "/var/lib/provisioner/trees/mini", family="image")
SPEC = GuestSpec(
    "web1",
    "debian12-image",
    "0b7e1f6e-3c2d-4a5b-8c9d-0e1f2a3b4c5d",
    vcpus=2,
    disks=(Disk(4),),
    nics=(Nic("network", "default", MAC),),
)
HOST = HostFacts(
    "qemu:///system",
    "qemu",
    "/usr/bin/qemu-system-x86_64",
    "q35",
    firmwares=("bios", "efi"),
    max_vcpus=8,
    memory=8192,
    networks=(
        Network("default", "nat", True, bridge="virbr0", addresses=("192.168.122.1/24",), dhcp=True),
        Network("quiet", "isolated", False, bridge="virbr7"),
    ),
    pools=(
        Pool("default", True, 100 * GIB, 60 * GIB, 40 * GIB, "/var/lib/libvirt/images"),
        Pool("asleep", False, 0, 0, 0, "/srv/images"),
        Pool("vg", True, 100 * GIB, 0, 100 * GIB, "/dev/vg"),
        Pool("ceph", True, 100 * GIB, 0, 100 * GIB),
    ),
    bridges=("br0", "virbr0"),
    interfaces=("eth0",),
    domains=(
        Domain("ours", "00000000-0000-4000-8000-000000000001", "running", True, macs=("52:54:00:00:00:01",)),
        Domain("theirs", "00000000-0000-4000-8000-000000000002", "running", False, macs=()),
    ),
    virt_reason="no kernel booted",
)
KVM = replace(HOST, virt_type="kvm", virt_reason="a kernel booted under KVM")


def spec(**changes: Any) -> GuestSpec:
    return replace(SPEC, **changes)


def ground(install: str = "i-1", **changes: Any) -> Given:
    return replace(Given(install, SERIAL, LOG, f"web1-{install}", work="/srv/work"), **changes)


BRIDGE = (Nic("bridge", "br0", MAC),)
MACVTAP = (Nic("direct", "eth0", MAC),)
EL9 = Tree("el9", "http://mirror/el9", family="rhel", release="9.4")
DEBIAN = Tree("debian13", "http://mirror/debian", family="debian", release="13")

# Golden file, spec, host, tree.
CASES: tuple[tuple[str, GuestSpec, HostFacts, Tree], ...] = (
    ("bios-network-qemu", SPEC, HOST, MINI),
    ("bios-bridge-kvm", spec(nics=BRIDGE), KVM, MINI),
    ("bios-macvtap-qemu", spec(nics=MACVTAP), HOST, DEBIAN),
    ("uefi-network-kvm", spec(boot="uefi"), KVM, MINI),
    ("uefi-bridge-qemu-el9", spec(boot="uefi", nics=BRIDGE), HOST, EL9),
    ("uefi-norom-network-qemu", spec(boot="uefi", rom=False), HOST, DEBIAN),
    ("uefi-norom-macvtap-kvm", spec(boot="uefi", rom=False, nics=MACVTAP), KVM, MINI),
    ("bios-raw-block-pool", spec(disks=(Disk(8, "vg", "raw"),)), HOST, MINI),
    ("bios-pool-without-path", spec(disks=(Disk(8, "ceph", "raw"),)), HOST, MINI),
)
