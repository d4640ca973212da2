"""Anaconda: CentOS and Red Hat Enterprise Linux from 6 on, and their rebuilds."""

from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros import anaconda
from provisioner.distros.base import Boot, Files, Needs, Signs, TreeFacts, major

name = "rhel"

FIRST, FEDORA = 6, 20
"""Numbers from 20 on are Fedora's."""
PREFIXED = 7
"""From here on arguments are written `inst.…`; this release takes both, later ones refuse the old words."""
_MADE_BY = (
    "centos",
    "red hat",
    "rhel",
    "alma",
    "rocky",
    "oracle",
    "scientific",
    "eurolinux",
    "springdale",
    "circle",
)

# From which release on a thing may stand in a kickstart.
_SINCE = {"onerror": 7, "traceback": 7, "sshkey": 8, "timesource": 9}
_NEEDS = (
    (8, Needs(1536, 4, memory=3072, disk=10)),
    (7, Needs(1024, 3, memory=1536, disk=10)),
    (6, Needs(512, 2, memory=1024, disk=5)),
)
# From which release on programs are built for more than the first x86-64 level.
_LEVELS = ((10, 3), (9, 2))


def answer_file(release: str) -> str:
    """A kickstart in all."""
    return anaconda.ANSWER_FILE


def detect(files: Files, arch: str = "", release: str = "") -> TreeFacts | None:
    """Facts of a tree whose `.treeinfo` names one of the family's makers. Raises Invalid before release 6."""
    found = anaconda.described(files)
    if found is None or not any(maker in found.name.lower() for maker in _MADE_BY):
        return None
    _usable(found.version)
    return found.facts(name)


def layout(release: str, arch: str) -> TreeFacts:
    """As every Anaconda's. Raises Invalid before release 6."""
    _usable(release)
    return anaconda.Described(name, release, arch).facts(name)


def kernel_args(tree: Tree, boot: Boot) -> str:
    """Raises Invalid for releases before 6."""
    write = anaconda.kernel_args if _usable(tree.release) >= PREFIXED else anaconda.old_kernel_args
    return write(boot, tree.arch)


def loaders(tree: Tree) -> Mapping[str, str]:
    """shim and GRUB, where every tree of the family has them; release 6 has neither."""
    return anaconda.LOADERS if major(tree.release) >= PREFIXED else {}


def attended_args(tree: Tree, tree_url: str) -> str:
    """Where the packages are; the rest is asked."""
    return f"inst.repo={tree_url}" if major(tree.release) >= PREFIXED else f"repo={tree_url}"


def supports(release: str) -> frozenset[str]:
    """Of `onerror`, `traceback` (sections), `sshkey`, `timesource` (commands)."""
    number = _usable(release)
    return frozenset(thing for thing, since in _SINCE.items() if number >= since)


def needs(release: str) -> Needs:
    """Source: "System requirements" of Red Hat's installation guides; the least are a text install's own."""
    return next((row for since, row in _NEEDS if major(release) >= since), _NEEDS[-1][1])


def signs() -> Signs:
    """As its log has them."""
    return ("anaconda",)


def cpu_level(release: str) -> int:
    """EL 9 is built for x86-64-v2, EL 10 for v3."""
    return next((level for since, level in _LEVELS if major(release) >= since), 1)


def syntax(release: str) -> str:
    """The name under which pykickstart knows the release's syntax."""
    return f"RHEL{_usable(release)}"


def _usable(release: str) -> int:
    number = major(release)
    if number < FIRST:
        raise Invalid(
            f"release {release!r} cannot be installed: {FIRST} is the first that can"
            if release
            else "no release is given, and what an answer file may hold depends on it",
            remedy=f"give a release from {FIRST} on",
        )
    if number >= FEDORA:
        raise Invalid(f"release {release!r} is none of Red Hat's", remedy="Fedora is the family fedora")
    return number
