"""Our mini installer: it keeps Anaconda's boot contract and installs a packed root file system."""

from collections.abc import Mapping

from provisioner.core.profile import Tree
from provisioner.distros import anaconda
from provisioner.distros.base import SERIAL, Boot, Files, Needs, Signs, TreeFacts

name = "image"

MADE_BY = "provisioner"
"""The family name in the mini installer's own `.treeinfo` begins with this."""
SYNTAX = "RHEL8"
"""Its kickstarts are valid for that release of Anaconda as well."""


def detect(files: Files, arch: str = "", release: str = "") -> TreeFacts | None:
    """Facts of a tree that we made."""
    found = anaconda.described(files)
    if found is None or not found.name.lower().startswith(MADE_BY):
        return None
    return found.facts(name)


def layout(release: str, arch: str) -> TreeFacts:
    """As every Anaconda's."""
    return anaconda.Described(name, release, arch).facts(name)


def answer_file(release: str) -> str:
    """A kickstart, as Anaconda's."""
    return anaconda.ANSWER_FILE


def kernel_args(tree: Tree, boot: Boot) -> str:
    """The same line that Anaconda takes."""
    return anaconda.kernel_args(boot, tree.arch)


def loaders(tree: Tree) -> Mapping[str, str]:
    """shim and GRUB, where every tree of the family has them."""
    return anaconda.LOADERS


def attended_args(tree: Tree, tree_url: str) -> str:
    """Where the installer's own files are; the kickstart is the user's."""
    return f"inst.repo={tree_url} ip=dhcp {SERIAL}"


def supports(release: str) -> frozenset[str]:
    """Every release of it is ours, so all can do the same."""
    return frozenset({"onerror", "sshkey"})


def syntax(release: str) -> str:
    """One syntax, whichever system the image holds."""
    return SYNTAX


def needs(release: str) -> Needs:
    """Its initramfs and little more; what the image itself needs is known of each image."""
    return Needs(128, 0)


def signs() -> Signs:
    """As its log has them."""
    return ("mini",)


def cpu_level(release: str) -> int:
    """Debian's kernel, and whatever the image holds: built for the first level."""
    return 1
