"""What an arm64 machine netboots, from Debian's packages: loaders, a tree of the mini installer."""

import shutil
from pathlib import Path

from provisioner import __version__
from provisioner.media import cpio, initramfs, mini, treeinfo
from provisioner.media.kernel import host_kernel
from tests.lab.debian_apt import Apt, archive
from tests.lab.networks import run

SUITE = "trixie"
_PACKAGES = ("busybox-static", "grub-efi-arm64-signed", "ipxe", "shim-signed")
_KERNEL = "linux-image-cloud-arm64"


def unpacked(cache: Path) -> Path:
    """The packages' files in one folder, downloaded once."""
    whole = cache / "whole"
    if not whole.is_dir():
        apt = Apt(cache / "apt", archive(), SUITE, "arm64")
        apt.update()
        depends = next(row["Depends"] for row in apt.packages() if row["Package"] == _KERNEL)
        part = cache / "part"
        shutil.rmtree(part, ignore_errors=True)
        for package in (*_PACKAGES, depends.split()[0]):
            run("dpkg-deb", "-x", str(apt.fetch(package, cache / "debs")), str(part))
        part.rename(whole)
    return whole


def make_tree(whole: Path, tree: Path, cache: Path) -> None:
    """The mini installer without programs that fill a disk: it goes as far as its answer file and %pre."""
    (image,) = whole.glob("boot/vmlinuz-*")
    kernel = host_kernel(image.parent, whole / "usr/lib/modules")
    content = cpio.archive(
        [
            *initramfs.script_entries(),
            cpio.file("bin/busybox", (whole / "usr/bin/busybox").read_bytes(), 0o755),
            cpio.link("bin/sh", "busybox"),
            *initramfs.driver_entries(kernel),
        ]
    )
    (tree / "images/pxeboot").mkdir(parents=True)
    shutil.copyfile(image, tree / treeinfo.KERNEL)
    shutil.copyfile(mini.pack(content, cache / "initramfs", 3), tree / treeinfo.INITRD)
    treeinfo.write(tree, mini.NAME, mini.SHORT, __version__, "aarch64")
