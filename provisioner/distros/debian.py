"""Debian from 10 on, by debian-installer: its network boot files in a mirror or on a medium."""

import re
from collections.abc import Mapping
from dataclasses import replace

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros import debian_installer
from provisioner.distros.base import Boot, Files, Needs, Signs, TreeFacts, major
from provisioner.distros.debian_installer import ARCHES, DISK_INFO

name = "debian"

RELEASES: Mapping[str, str] = {"trixie": "13", "bookworm": "12", "bullseye": "11", "buster": "10"}
"""Newest first: a mirror holds several, and its newest stable one is taken."""


_NO_NETBOOT = (
    "Debian's media have no installer for the network, unless somebody adds its netboot/ as "
    "install/netboot/; add a mirror: provisioner tree add debian{}"
)


def answer_file(release: str) -> str:
    """A preseed file in all."""
    return debian_installer.ANSWER_FILE


def detect(files: Files, arch: str = "", release: str = "") -> TreeFacts | None:
    """Facts of a mirror's root or of an unpacked medium. Raises Invalid for a folder inside a mirror."""
    if DISK_INFO in files and (facts := _medium(files[DISK_INFO].decode("utf-8", "replace"))):
        return facts  # before its packages, which lie as in a mirror: the installer lies elsewhere
    for suite in ("stable", *RELEASES):
        fields = debian_installer.release_file(files, suite)
        if fields.get("Origin") == "Debian" and _is(fields.get("Codename", ""), release):
            return _mirror(fields["Codename"], debian_installer.held(fields, arch))
    debian_installer.refuse_images(files)
    return None


def layout(release: str, arch: str) -> TreeFacts:
    """A mirror's. Raises Invalid for a release or processor that there is none of."""
    for codename in RELEASES:
        if release and _is(codename, release):
            return _mirror(codename, debian_installer.called(arch))
    raise Invalid(f"Debian {release!r} is not known here; known are {', '.join(RELEASES.values())}")


def _is(codename: str, release: str) -> bool:
    """Whether a suite is the release that is wanted, "" for any."""
    number = major(RELEASES.get(codename, ""))
    return bool(codename) and (not release or release == codename or 0 < number == major(release))


def _mirror(codename: str, arch: str) -> TreeFacts:
    folder = debian_installer.netboot(codename, arch)
    return _facts(RELEASES.get(codename, codename), folder, arch)


def _medium(info: str) -> TreeFacts | None:
    """`Debian GNU/Linux 13.3.0 "Trixie" - Official amd64 DVD Binary-1 …`"""
    found = re.match(r"Debian GNU/Linux (\d+)(?:\.\d+)* .* (\S+) (?:NETINST|DVD|CD|BD|DLBD)\b", info)
    if not found:
        return None
    if found[2] not in ARCHES:
        raise Invalid(f"this is a Debian medium for {found[2]}; known here are {', '.join(ARCHES)}")
    facts = _facts(found[1], f"install/netboot/debian-installer/{found[2]}", found[2])
    return replace(facts, remedy=_NO_NETBOOT.format(major(found[1])))


def _facts(release: str, folder: str, arch: str) -> TreeFacts:
    return TreeFacts(name, release, f"{folder}/linux", f"{folder}/initrd.gz", ARCHES[arch])


def kernel_args(tree: Tree, boot: Boot) -> str:
    """The line of debian-installer."""
    return debian_installer.kernel_args(boot, tree.arch)


def loaders(tree: Tree) -> Mapping[str, str]:
    """shim and GRUB beside the kernel."""
    return debian_installer.loaders(tree.kernel, tree.arch)


def attended_args(tree: Tree, tree_url: str) -> str:
    """Nothing: the mirror is one of the questions."""
    return ""


def supports(release: str) -> frozenset[str]:
    """Nothing in a preseed file depends on the release here."""
    return frozenset()


def syntax(release: str) -> str:
    """A preseed file's form is the same in all."""
    return ""


def needs(release: str) -> Needs:
    """Source: Installation guide, table "Recommended Minimum System Requirements", no desktop."""
    return Needs(320, 2, memory=512, disk=4)


def signs() -> Signs:
    """As its log has them."""
    return ("debian",)


def cpu_level(release: str) -> int:
    """Every release runs on the first x86-64 machines."""
    return 1
