"""Ubuntu: 18.04 by debian-installer, from 20.04 on by the live server's installer with autoinstall."""

import re
from collections.abc import Mapping
from dataclasses import replace

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.core.source import WHOLE
from provisioner.distros import debian_installer
from provisioner.distros.base import Boot, Files, Needs, Signs, TreeFacts, join, major, serial
from provisioner.distros.debian_installer import ARCHES, DISK_INFO

name = "ubuntu"

AUTOINSTALL = 20
"""The first release whose server installer takes user-data."""
SUMS = "SHA256SUMS"
"""What a folder of releases.ubuntu.com lists its media in."""
BY_PRESEED: Mapping[str, str] = {"bionic": "18.04"}
_OR = f"or put it into the folder as {WHOLE}"
_NETBOOT = "netboot/"


def answer_file(release: str) -> str:
    """cloud-init's user-data, with meta-data, vendor-data and network-config beside it; a preseed before."""
    return "user-data" if major(release) >= AUTOINSTALL else debian_installer.ANSWER_FILE


def detect(files: Files, arch: str = "", release: str = "") -> TreeFacts | None:
    """Facts of a mirror with 18.04, a live server's medium, or a folder of releases.ubuntu.com.

    Raises Invalid for a desktop's medium.
    """
    for codename in BY_PRESEED:
        fields = debian_installer.release_file(files, codename)
        if fields.get("Origin") == "Ubuntu":
            return _by_preseed(codename, debian_installer.held(fields, arch))
    if DISK_INFO in files:
        return _medium(files[DISK_INFO].decode("utf-8", "replace"))
    if SUMS in files:
        return _released(files[SUMS].decode("utf-8", "replace"), arch)
    return None


def layout(release: str, arch: str) -> TreeFacts:
    """A mirror's for 18.04, a medium's for later ones. Raises Invalid for what there is none of."""
    known = debian_installer.called(arch)
    for codename, number in BY_PRESEED.items():
        if release in (codename, number):
            return _by_preseed(codename, known)
    if major(release) < AUTOINSTALL:
        raise Invalid(f"Ubuntu {release!r} is not known here; known are 18.04, and 20.04 and later")
    return _live(release, arch)


def _by_preseed(codename: str, arch: str) -> TreeFacts:
    folder = debian_installer.netboot(codename, arch, name)
    return TreeFacts(name, BY_PRESEED[codename], f"{folder}/linux", f"{folder}/initrd.gz", ARCHES[arch])


def _medium(info: str) -> TreeFacts | None:
    """`Ubuntu-Server 24.04.1 LTS "Noble Numbat" - Release amd64 (20240827)`"""
    found = re.match(r"Ubuntu(-Server)? (\d+\.\d+)\S* .*? (\w+) \(", info)
    if not found:
        return None
    if found[3] not in ARCHES:
        raise Invalid(f"this is an Ubuntu medium for {found[3]}; known here are {', '.join(ARCHES)}")
    if not found[1]:
        raise Invalid(
            f"this is a desktop's medium of Ubuntu {found[2]}, which takes no answers",
            remedy="use the live server's: ubuntu-…-live-server-….iso",
        )
    if major(found[2]) < AUTOINSTALL:
        folder = f"install/netboot/{name}-installer/{found[3]}"
        return TreeFacts(name, found[2], f"{folder}/linux", f"{folder}/initrd.gz", ARCHES[found[3]])
    return _live(found[2], ARCHES[found[3]])


def _live(release: str, arch: str) -> TreeFacts:
    facts = TreeFacts(name, release, "casper/vmlinuz", "casper/initrd", arch, (WHOLE,))
    return replace(facts, remedy=f"the live system fetches its medium whole: add the ISO itself, {_OR}")


def _released(sums: str, wanted: str) -> TreeFacts | None:
    """Kernel and initrd lie beside the media there. The newest point release is taken."""
    arch = debian_installer.called(wanted or "amd64")
    found = re.findall(rf"ubuntu-(\d+\.\d+(?:\.\d+)?)-live-server-{arch}\.iso", sums)
    if not found:
        return None
    release = max(found, key=lambda text: [int(digits) for digits in text.split(".")])
    folder = f"{_NETBOOT}{arch}"
    facts = TreeFacts(name, release, f"{folder}/linux", f"{folder}/initrd", ARCHES[arch])
    return replace(facts, parts=(_released_medium(release, ARCHES[arch]),))


def _released_medium(release: str, arch: str) -> str:
    return f"ubuntu-{release}-live-server-{debian_installer.called(arch)}.iso"


def _medium_of(tree: Tree) -> str:
    """The medium's path below the tree: the live system fetches it whole, and its name must end in `.iso`."""
    return _released_medium(tree.release, tree.arch) if tree.kernel.startswith(_NETBOOT) else WHOLE


def kernel_args(tree: Tree, boot: Boot) -> str:
    """The live system is told where its medium is, cloud-init where its folder of answers.

    Without the word `autoinstall` it would ask before it erases a disk. Source: "Providing autoinstall
    configuration" and "netboot" of Ubuntu's installation documentation.
    """
    if major(tree.release) < AUTOINSTALL:
        return debian_installer.kernel_args(boot, tree.arch)
    return join(
        attended_args(tree, boot.tree_url),
        "autoinstall",
        f"ds=nocloud-net;s={boot.answer_url.rpartition('/')[0]}/",
        f"--- {serial(tree.arch)}",
    )


def loaders(tree: Tree) -> Mapping[str, str]:
    """debian-installer's beside its kernel; a live medium has shim and GRUB of a removable disk."""
    if major(tree.release) < AUTOINSTALL:
        return debian_installer.loaders(tree.kernel, tree.arch)
    if tree.kernel.startswith(_NETBOOT):
        return debian_installer.loaders(tree.kernel, tree.arch, "boot")
    if tree.arch == "aarch64":
        return {"shimaa64.efi": "EFI/boot/bootaa64.efi", "grubaa64.efi": "EFI/boot/grubaa64.efi"}
    return {"shimx64.efi": "EFI/boot/bootx64.efi", "grubx64.efi": "EFI/boot/grubx64.efi"}


def attended_args(tree: Tree, tree_url: str) -> str:
    """Nothing for debian-installer, which asks; the live system must be told where its medium is."""
    if major(tree.release) < AUTOINSTALL:
        return ""
    return join(
        "ip=dhcp",
        f"url={tree_url}/{_medium_of(tree)}",
        "cloud-config-url=/dev/null",
        "root=/dev/ram0",
        "ramdisk_size=3500000",
    )


def supports(release: str) -> frozenset[str]:
    """Nothing in its answers depends on the release here."""
    return frozenset()


def syntax(release: str) -> str:
    """Its answers' form is the same in all."""
    return ""


def needs(release: str) -> Needs:
    """By the network the live system keeps its whole medium in memory, 1 GB for 20.04 and 2 GB from 22.04 on.

    Source: "System requirements" of Ubuntu Server's documentation, and the sizes of its media.
    """
    if major(release) < AUTOINSTALL:
        return Needs(384, 2, memory=1024, disk=5)
    return Needs(4096 if major(release) > AUTOINSTALL else 3072, 4, disk=5, medium=1024)


def signs() -> Signs:
    """As its log has them."""
    return ("ubuntu", "debian")


def cpu_level(release: str) -> int:
    """Every release runs on the first x86-64 machines."""
    return 1
