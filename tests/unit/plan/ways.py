"""One guest or more of each method, with what it is planned from."""

from dataclasses import dataclass, replace
from typing import Any

from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.given import DiskImage, Given, Seed
from provisioner.plan.plan import plan_guest
from provisioner.plan.steps import Plan
from tests.unit.plan.samples import GIB, HOST, KVM, MAC, ground, spec

ANSWER_TOKEN, REPORT_TOKEN = "answ3r-_" + "x" * 35, "rep0rt-_" + "x" * 35
EL9 = Tree("el9", "http://mirror/el9", "rhel", "9.4", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img")
DVD = replace(EL9, name="at-0123456789", source="/srv/el9.iso")
MINI = Tree("mini", "/srv/mini", "image", "1", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img")
NONE = Tree("", "")
PC = replace(HOST, machine="pc")
ARGUMENTS = f"inst.ks=http://192.168.122.1:8080/answer/{ANSWER_TOKEN}/ks.cfg ip=dhcp"
KS = Seed("OEMDRV", (("ks.cfg", f"%post\ncurl http://192.168.122.1:8080/report/{REPORT_TOKEN}/\n%end\n"),))
CIDATA = Seed("cidata", (("user-data", f"#cloud-config\n# {REPORT_TOKEN}\n"), ("meta-data", "{}\n")))
IMAGE = DiskImage("/srv/cloud.qcow2", "/srv/cloud.qcow2", "qcow2", 2 * GIB, "aaaa1111")
RAW = DiskImage("/srv/disk.raw", "/srv/disk.raw", "raw", 2 * GIB, "bbbb2222")
PACKED = DiskImage("/srv/cloud.raw.xz", "/srv/cache/cccc3333.qcow2", "qcow2", 2 * GIB, "cccc3333")
INJECTED = (("hosts", "MTI3LjAuMC4xIGxvY2FsaG9zdAo="),)


def image_disk(image: DiskImage = IMAGE, **changes: Any) -> tuple[Disk, ...]:
    """The system disk of an import, as the use case hands it to the plan."""
    return (replace(Disk(2, image=image.path, format=image.format), **changes),)


SEVERAL = (
    Disk(4),
    Disk(8, "vg", "raw", cache="none"),
    Disk(1, bus="scsi"),
    Disk(0, "default", "raw", "sata", volume="old-data"),
    Disk(0.5, bus="usb"),
)
CARDS = (
    Nic("network", "default", MAC),
    Nic("bridge", "br0", "52:54:00:12:34:57", "e1000e"),
    Nic("direct", "eth0", "52:54:00:12:34:58", mode="vepa"),
)
USER = (Nic("user", "", MAC),)


_GROUND = ground("i-0001")


@dataclass(frozen=True)
class Way:
    """A guest to be planned. `first` says that it has a first stage."""

    spec: GuestSpec
    host: HostFacts = HOST
    tree: Tree = EL9
    given: Given = _GROUND
    first: bool = True

    @property
    def plan(self) -> Plan:
        return plan_guest(self.spec, self.host, self.tree, self.given)


def way(
    tree: Tree, host: HostFacts = HOST, given: Given = _GROUND, *, first: bool = True, **changes: Any
) -> Way:
    return Way(spec(**changes), host, tree, given, first)


def with_image(image: DiskImage, **changes: Any) -> Given:
    return ground("i-0001", image=image, **changes)


_URL = ground("i-0001", arguments=ARGUMENTS, secrets=(ANSWER_TOKEN,))

WAYS: dict[str, Way] = {
    "url-bios": way(EL9, given=_URL, method="url"),
    "url-uefi-kvm-dvd": way(DVD, KVM, _URL, method="url", boot="uefi", iso="/srv/el9.iso"),
    "url-injected": way(EL9, given=replace(_URL, files=INJECTED), method="url"),
    "url-user-network": way(EL9, given=_URL, method="url", nics=USER),
    "iso-bios-seed": way(MINI, given=ground("i-0001", seed=KS), method="iso", iso="/srv/mini.iso"),
    "iso-uefi": way(NONE, method="iso", profile="", iso="/srv/any.iso", boot="uefi", graphics="vnc"),
    "iso-pc": way(NONE, PC, method="iso", profile="", iso="/srv/any.iso"),
    "iso-drive": way(NONE, method="iso", profile="", iso="/dev/sr0"),
    "import-copy": way(
        NONE, given=with_image(IMAGE), first=False, method="import", profile="", disks=image_disk()
    ),
    "import-raw-larger": way(
        NONE, given=with_image(RAW), first=False, method="import", profile="", disks=image_disk(RAW, size=8)
    ),
    "import-packed": way(
        NONE, given=with_image(PACKED), first=False, method="import", profile="", disks=image_disk(PACKED)
    ),
    "import-linked-seed": way(
        NONE,
        given=with_image(PACKED, seed=CIDATA, secrets=(REPORT_TOKEN,)),
        first=False,
        method="import",
        profile="",
        cloud_init=True,
        disks=image_disk(PACKED, size=10, linked=True),
    ),
    "import-volume": way(
        NONE,
        given=ground("i-0001", volume="old-system"),
        first=False,
        method="import",
        profile="",
        disks=(Disk(0, volume="old-system"),),
    ),
    "pxe-several": way(
        MINI,
        given=ground("i-0001", data_volumes=("web1-i-0001-2", "web1-i-0001-3", "", "web1-i-0001-5")),
        first=False,
        disks=SEVERAL,
        nics=CARDS,
    ),
    "pxe-vnc-secure": way(
        EL9, KVM, first=False, boot="uefi", secure=True, rom=False, graphics="vnc", cpu="host-model"
    ),
    "pxe-user-network": way(
        MINI, given=ground("i-0001", stub="http://10.0.2.2:8080/boot/ipxe"), first=False, nics=USER
    ),
}
