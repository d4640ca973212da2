"""Anaconda: Fedora."""

from collections.abc import Mapping

from provisioner.core.errors import Invalid
from provisioner.core.profile import Tree
from provisioner.distros import anaconda
from provisioner.distros.base import Boot, Files, Needs, Signs, TreeFacts, major

name = "fedora"

FIRST = 34
"""The first whose Anaconda knows the `inst.` words alone."""


def answer_file(release: str) -> str:
    """A kickstart in all."""
    return anaconda.ANSWER_FILE


def detect(files: Files, arch: str = "", release: str = "") -> TreeFacts | None:
    """Facts of a tree whose `.treeinfo` names Fedora. Raises Invalid for older ones than we start."""
    found = anaconda.described(files)
    if found is None or "fedora" not in found.name.lower():
        return None
    _usable(found.version)
    return found.facts(name)


def layout(release: str, arch: str) -> TreeFacts:
    """As every Anaconda's. Raises Invalid for older releases than we start."""
    _usable(release)
    return anaconda.Described(name, release, arch).facts(name)


def kernel_args(tree: Tree, boot: Boot) -> str:
    """Raises Invalid for older releases than we start."""
    _usable(tree.release)
    return anaconda.kernel_args(boot, tree.arch)


def loaders(tree: Tree) -> Mapping[str, str]:
    """shim and GRUB, where every tree of the family has them."""
    return anaconda.LOADERS


def attended_args(tree: Tree, tree_url: str) -> str:
    """Where the packages are; the rest is asked."""
    return f"inst.repo={tree_url}"


def supports(release: str) -> frozenset[str]:
    """Everything that differs between releases of Anaconda came before the first that we start."""
    _usable(release)
    return frozenset({"onerror", "traceback", "sshkey", "timesource"})


def needs(release: str) -> Needs:
    """Source: "Minimum System Configuration" of Fedora's release notes."""
    return Needs(1536, 4, memory=2048, disk=15, medium=1024)


def signs() -> Signs:
    """As its log has them."""
    return ("anaconda",)


def cpu_level(release: str) -> int:
    """Every release runs on the first x86-64 machines."""
    return 1


def syntax(release: str) -> str:
    """The name under which pykickstart knows the release's syntax; "DEVEL" for rawhide."""
    return "DEVEL" if _rawhide(release) else f"F{_usable(release)}"


def _rawhide(release: str) -> bool:
    return release.lower() == "rawhide"


def _usable(release: str) -> int:
    number = major(release)
    if number < FIRST and not _rawhide(release):
        raise Invalid(
            f"Fedora {release} cannot be installed: {FIRST} is the first that can"
            if release
            else "no release is given, and what an answer file may hold depends on it",
            remedy=f"give a release from {FIRST} on",
        )
    return number
