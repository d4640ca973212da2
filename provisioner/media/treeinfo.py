"""A tree's `.treeinfo`, as productmd writes it and every tool of that family reads it."""

from pathlib import Path
from typing import Any

from productmd.treeinfo import TreeInfo, Variant

KERNEL = "images/pxeboot/vmlinuz"
INITRD = "images/pxeboot/initrd.img"


def write(tree_dir: Path, name: str, short: str, version: str, arch: str = "x86_64") -> Path:
    """Writes `.treeinfo` for a kernel and an initrd that are in place, with their SHA-256."""
    info: Any = TreeInfo()  # type: ignore[no-untyped-call]  # productmd has no types
    info.release.name = name
    info.release.short = short
    info.release.version = version
    info.tree.arch = arch
    info.tree.platforms.add(arch)
    info.tree.build_timestamp = 1  # the same input gives the same tree
    info.images.images[arch] = {"kernel": KERNEL, "initrd": INITRD}
    # A tree has at least one variant; ours holds no packages, so its repository is the tree itself.
    variant: Any = Variant(info)  # type: ignore[no-untyped-call]
    variant.id = variant.uid = variant.name = short
    variant.type = "variant"
    variant.paths.repository = variant.paths.packages = "."
    info.variants.add(variant)
    for path in (KERNEL, INITRD):
        info.checksums.add(path, "sha256", root_dir=str(tree_dir))
    place = tree_dir / ".treeinfo"
    part = tree_dir / ".treeinfo.part"
    info.dump(str(part))
    return part.replace(place)
