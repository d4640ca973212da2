"""Debian from 10 on, by debian-installer: its network boot files in a mirror or on a medium."""

import re
from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros import debian_installer
from provisioner.distros.base import Files, TreeFacts
from provisioner.distros.debian_installer import ARCHES

name = "debian"

_RELEASES = {"trixie": "13", "bookworm": "12", "bullseye": "11", "buster": "10"}
"""Newest first: a mirror holds several, and its newest stable one is taken."""
_DISK_INFO = ".disk/info"
_MANIFESTS = ("MANIFEST", "images/MANIFEST", "current/images/MANIFEST")
probes = (
    "dists/stable/Release",
    *(f"dists/{codename}/Release" for codename in _RELEASES),
    _DISK_INFO,
    *_MANIFESTS,
)


def answer_file(release: str) -> str:
    """A preseed file in all."""
    return debian_installer.ANSWER_FILE


def detect(files: Files) -> TreeFacts | None:
    """Facts of a mirror's root or of an unpacked medium. Raises Invalid for a folder inside a mirror."""
    for path in probes:
        if path in files and path.endswith("/Release"):
            return _mirror(_text(files, path))
    if _DISK_INFO in files:
        return _medium(_text(files, _DISK_INFO))
    if any("netboot/debian-installer" in _text(files, path) for path in _MANIFESTS if path in files):
        raise Invalid(
            "this is a folder of installer images inside a Debian mirror, without the packages",
            remedy="add the mirror's root instead: the folder that holds dists/",
        )
    return None


def _text(files: Files, path: str) -> str:
    return files[path].decode("utf-8", "replace")


def _mirror(release: str) -> TreeFacts | None:
    fields: dict[str, str] = dict(
        re.findall(r"^(Origin|Codename|Architectures): *(.*)$", release, re.MULTILINE)
    )
    codename = fields.get("Codename", "")
    if fields.get("Origin") != "Debian" or not codename:
        return None
    held = fields.get("Architectures", "").split()
    arch = next((arch for arch in ARCHES if arch in held), "")
    if not arch:
        raise Invalid(f"this Debian mirror holds {codename} for none of {', '.join(ARCHES)}")
    return _facts(_RELEASES.get(codename, codename), debian_installer.netboot(codename, arch), arch)


def _medium(info: str) -> TreeFacts | None:
    found = re.match(r"Debian GNU/Linux (\d+)(?:\.\d+)* .* (amd64|arm64) ", info + " ")
    if not found:
        return None
    return _facts(found[1], f"install/netboot/debian-installer/{found[2]}", found[2])


def _facts(release: str, folder: str, arch: str) -> TreeFacts:
    return TreeFacts(name, release, f"{folder}/linux", f"{folder}/initrd.gz", ARCHES[arch])


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
    """The line of debian-installer."""
    return debian_installer.kernel_args(
        answer_url=answer_url, hostname=hostname, syslog=syslog, arch=tree.arch
    )


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


def cpu_level(release: str) -> int:
    """Every release runs on the first x86-64 machines."""
    return 1
