"""The mini installer as a tree: `.treeinfo`, images/pxeboot/vmlinuz, images/pxeboot/initrd.img.

Built in seconds, and only where its inputs changed: the initramfs is kept under its own digest.
"""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile

from provisioner import __version__
from provisioner.media import cpio, grub, initramfs, treeinfo
from provisioner.media.hosttools import run
from provisioner.media.kernel import Kernel, provide

LIMIT = 8 * 1024 * 1024
NAME = "Provisioner mini installer"
SHORT = "mini"


async def build_mini(tree_dir: Path, cache: Path, flavour: str = "cloud") -> Path:
    """Builds or refreshes the tree and returns `tree_dir`; `cache` keeps packages and what was packed.

    `flavour` is one of `kernel.FLAVOURS`.
    Raises Unavailable where a program or the kernel is missing.
    """
    return await asyncio.to_thread(_build, tree_dir, cache, flavour)


def _build(tree_dir: Path, cache: Path, flavour: str) -> Path:
    kernel = provide(cache, flavour)
    initrd = packed(kernel, cache, flavour)
    (tree_dir / "images/pxeboot").mkdir(parents=True, exist_ok=True)
    changed = [
        place(kernel.image, tree_dir / treeinfo.KERNEL),
        place(initrd, tree_dir / treeinfo.INITRD),
    ]
    if any(changed) or not (tree_dir / ".treeinfo").is_file():
        treeinfo.write(tree_dir, NAME, SHORT, __version__)
    return tree_dir


def packed(kernel: Kernel, cache: Path, flavour: str = "cloud") -> Path:
    """The packed initramfs, from the cache where the same was packed before."""
    content = cpio.archive(initramfs.entries(kernel, grub.loaders()))
    return pack(content, cache / ("initramfs" if flavour == "cloud" else f"initramfs-{flavour}"), 19)


def pack(content: bytes, kept: Path, level: int) -> Path:
    """`content` packed with zstd into the folder `kept`, under its digest. Older ones are removed."""
    target = kept / f"{hashlib.sha256(content).hexdigest()[:32]}.zst"
    if target.is_file():
        return target
    kept.mkdir(parents=True, exist_ok=True)
    with (
        NamedTemporaryFile(dir=kept, suffix=".part") as raw,
        NamedTemporaryFile(dir=kept, suffix=".part") as done,
    ):
        raw.write(content)
        raw.flush()
        run(["zstd", "-q", "-f", f"-{level}", "-T0", raw.name, "-o", done.name], "packing an initramfs")
        for old in kept.glob("*.zst"):
            old.unlink()
        os.link(done.name, target)
    return target


def place(source: Path, target: Path) -> bool:
    """Copies where the content differs, by a rename: a reader sees the old or the new. True: it did."""
    if target.is_file() and _digest(source) == _digest(target):
        return False
    part = target.with_suffix(".part")
    shutil.copyfile(source, part)
    part.chmod(0o644)
    part.replace(target)
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
