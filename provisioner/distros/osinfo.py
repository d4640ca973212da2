"""Which family installs a system that is named as osinfo-db has it: debian12, centos-stream9."""

import re

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros import agama, debian, fedora, rhel, suse, ubuntu

_RELEASED = re.compile(r"(?P<maker>[a-z][a-z-]*?)-?(?P<release>[0-9][0-9.]*)(?:sp(?P<pack>[0-9]))?")
_EL = ("rhel", "el", "centos", "centos-stream", "rocky", "almalinux", "alma", "ol", "oracle")
MAKERS = {
    **dict.fromkeys(_EL, rhel.name),
    "fedora": fedora.name,
    "debian": debian.name,
    "ubuntu": ubuntu.name,
    **dict.fromkeys(("opensuse", "leap", "sles", "sled", "sle"), suse.name),
}
"""Families by the names of systems, osinfo-db's and those that people write beside them."""


def system(name: str) -> tuple[str, str]:
    """The family and the release of a name; both "" for a system that no family of ours installs."""
    found = _RELEASED.fullmatch(name)
    family = MAKERS.get(found["maker"], "") if found else ""
    if not found or not family:
        return ("", "")
    release = f"{found['release']}.{found['pack']}" if found["pack"] else found["release"]
    if family == suse.name and not suse.by_yast(release):
        family = agama.name
    return (family, release)


def named(tree: Tree) -> str:
    """What osinfo-db calls the system of a tree, "" where the tree may be one of several.

    Of Enterprise Linux's rebuilds the family's older releases ended together, the later ones did not.
    """
    if tree.family in (debian.name, ubuntu.name, fedora.name) and tree.release:
        return f"{tree.family}{tree.release}"
    if tree.family == rhel.name and (number := tree.release.partition(".")[0]) in ("6", "7"):
        return "centos7" if number == "7" else "centos6.10"
    return ""


def check_osinfo(guest: str, name: str, tree: Tree) -> None:
    """Raises Invalid where a guest is said to run another system than its tree holds."""
    family, release = system(name)
    if not family or tree.family not in (*MAKERS.values(), agama.name) or not tree.release:
        return
    if (family, release.partition(".")[0]) != (tree.family, tree.release.partition(".")[0]):
        raise Invalid(
            f"guest {guest}: --osinfo {name}, but the tree {tree.name} holds {tree.family} {tree.release}",
            remedy="leave --osinfo out: the tree tells what it is",
        )
