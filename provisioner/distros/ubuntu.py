"""Ubuntu: 18.04 by debian-installer, from 20.04 on by the live server's installer with autoinstall."""

import re
from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros import debian_installer
from provisioner.distros.base import Files, TreeFacts, join, major, serial
from provisioner.distros.debian_installer import ARCHES

name = "ubuntu"

AUTOINSTALL = 20
"""The first release whose server installer takes user-data."""
MEDIUM = "medium.iso"
"""The live system fetches its whole medium, by a URL that must end in `.iso`."""
_BY_PRESEED = {"bionic": "18.04"}
_DISK_INFO = ".disk/info"
probes = (_DISK_INFO, *(f"dists/{codename}/Release" for codename in _BY_PRESEED))


def answer_file(release: str) -> str:
    """cloud-init's user-data, with meta-data, vendor-data and network-config beside it; a preseed before."""
    return "user-data" if major(release) >= AUTOINSTALL else debian_installer.ANSWER_FILE


def detect(files: Files) -> TreeFacts | None:
    """Facts of a mirror with 18.04, or of a live server's medium. Raises Invalid for a desktop's medium."""
    for codename in _BY_PRESEED:
        path = f"dists/{codename}/Release"
        if path in files and re.search(rb"^Origin: Ubuntu$", files[path], re.MULTILINE):
            folder = debian_installer.netboot(codename, "amd64", name)
            return TreeFacts(name, _BY_PRESEED[codename], f"{folder}/linux", f"{folder}/initrd.gz")
    if _DISK_INFO in files:
        return _medium(files[_DISK_INFO].decode("utf-8", "replace"))
    return None


def _medium(info: str) -> TreeFacts | None:
    """`Ubuntu-Server 24.04.1 LTS "Noble Numbat" - Release amd64 (20240827)`"""
    found = re.match(r"Ubuntu(-Server)? (\d+\.\d+)\S* .* (amd64|arm64) ", info + " ")
    if not found:
        return None
    if not found[1]:
        raise Invalid(
            f"this is a desktop's medium of Ubuntu {found[2]}, whose installer takes no answers",
            remedy="use the live server's: ubuntu-…-live-server-….iso",
        )
    return TreeFacts(name, found[2], "casper/vmlinuz", "casper/initrd", ARCHES[found[3]])


def kernel_args(
    tree: Tree,
    *,
    root: str,
    tree_url: str,
    answer_url: str,
    hostname: str,
    mac: str,
    syslog: tuple[str, int] | None,
) -> str:
    """The live system is told where its medium is, cloud-init where its folder of answers.

    Without the word `autoinstall` it would ask before it erases a disk. Source: "Providing autoinstall
    configuration" and "netboot" of Ubuntu's installation documentation.
    """
    if major(tree.release) < AUTOINSTALL:
        return debian_installer.kernel_args(
            answer_url=answer_url, hostname=hostname, syslog=syslog, arch=tree.arch
        )
    return join(
        attended_args(tree, tree_url),
        "autoinstall",
        f"ds=nocloud-net;s={answer_url.rpartition('/')[0]}/",
        f"--- {serial(tree.arch)}",
    )


def loaders(tree: Tree) -> Mapping[str, str]:
    """debian-installer's beside its kernel; a live medium has shim and GRUB of a removable disk."""
    if major(tree.release) < AUTOINSTALL:
        return debian_installer.loaders(tree.kernel, tree.arch)
    if tree.arch == "aarch64":
        return {"shimaa64.efi": "EFI/boot/bootaa64.efi", "grubaa64.efi": "EFI/boot/grubaa64.efi"}
    return {"shimx64.efi": "EFI/boot/bootx64.efi", "grubx64.efi": "EFI/boot/grubx64.efi"}


def attended_args(tree: Tree, tree_url: str) -> str:
    """Nothing for debian-installer, which asks; the live system must be told where its medium is."""
    if major(tree.release) < AUTOINSTALL:
        return ""
    return join(
        "ip=dhcp",
        f"url={tree_url}/{MEDIUM}",
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


def cpu_level(release: str) -> int:
    """Every release runs on the first x86-64 machines."""
    return 1
