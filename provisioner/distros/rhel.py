"""Anaconda: CentOS and Red Hat Enterprise Linux from 7 on, their rebuilds, and Fedora."""

from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros import anaconda
from provisioner.distros.base import Files, TreeFacts, major

name = "rhel"
answer_file = "ks.cfg"
probes = anaconda.PROBES

FIRST = 7
"""Older releases know neither the `inst.` arguments nor `%onerror`."""
FEDORA = 20
"""Numbers from here on are Fedora's."""
_MADE_BY = ("centos", "red hat", "rhel", "alma", "rocky", "oracle", "scientific", "fedora")

# From which release on a thing may stand in a kickstart: of Red Hat's numbers, and of Fedora's.
_SINCE = {
    "onerror": (7, FEDORA),
    "traceback": (7, FEDORA),
    "sshkey": (8, 22),
    "timesource": (9, 34),
}
# From which release on programs are built for more than the first x86-64 level.
_LEVELS = ((10, 3), (9, 2))


def detect(files: Files) -> TreeFacts | None:
    """Facts of a tree whose `.treeinfo` names one of the family's makers. Raises Invalid before release 7."""
    found = anaconda.described(files)
    if found is None or not any(maker in found.name.lower() for maker in _MADE_BY):
        return None
    _usable(found.version)
    return TreeFacts(name, found.version, found.kernel, found.initrd, found.arch)


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
    """Raises Invalid for releases before 7."""
    _usable(tree.release)
    return anaconda.kernel_args(
        tree_url=tree_url, answer_url=answer_url, mac=mac, syslog=syslog, arch=tree.arch
    )


def loaders(tree: Tree) -> Mapping[str, str]:
    """shim and GRUB, where every tree of the family has them."""
    return anaconda.LOADERS


def attended_args(tree_url: str) -> str:
    """Where the packages are; the rest is asked."""
    return f"inst.repo={tree_url}"


def supports(release: str) -> frozenset[str]:
    """Of `onerror`, `traceback` (sections), `sshkey`, `timesource` (commands)."""
    number = _usable(release)
    column = 1 if number >= FEDORA else 0
    return frozenset(thing for thing, since in _SINCE.items() if number >= since[column])


def cpu_level(release: str) -> int:
    """EL 9 is built for x86-64-v2, EL 10 for v3, Fedora for the first level."""
    number = major(release)
    if number >= FEDORA:
        return 1
    return next((level for since, level in _LEVELS if number >= since), 1)


def syntax(release: str) -> str:
    """The name under which pykickstart knows the release's syntax."""
    number = _usable(release)
    return f"F{number}" if number >= FEDORA else f"RHEL{number}"


def _usable(release: str) -> int:
    number = major(release)
    if number < FIRST:
        raise Invalid(
            f"release {release!r} cannot be installed: {FIRST} is the first that can"
            if release
            else "no release is given, and what an answer file may hold depends on it",
            remedy=f"give a release from {FIRST} on",
        )
    return number
