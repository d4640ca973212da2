"""What GRUB and PXELINUX fetch by TFTP: a tree's kernel and initrd, and its own shim and GRUB."""

from typing import Final

from provisioner.core.profile import Tree
from provisioner.distros.detect import family
from provisioner.plan.steps import StageFile

KERNEL: Final = "kernel"
INITRD: Final = "initrd"


def staged(tree: Tree, folder: str) -> tuple[StageFile, ...]:
    """The files under `folder`, each by the name that it is known by there: `TREE/kernel`."""
    place = f"{folder}/{tree.name}"
    needed = {KERNEL: tree.kernel, INITRD: tree.initrd}
    own = family(tree.family).loaders(tree)
    return (
        *(StageFile(tree.source, path, f"{place}/{name}") for name, path in needed.items()),
        *(StageFile(tree.source, path, f"{place}/{name}", optional=True) for name, path in own.items()),
    )
