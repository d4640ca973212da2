"""Trees that bring their own shim and GRUB, signed by Debian 13, in the layouts that distributions have."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.lab.debian_apt import Apt, archive
from tests.lab.networks import run

SUITE = "trixie"
_SHIM, _GRUB = "shim-signed", "grub-efi-amd64-signed"
_INSTALLER = "debian-installer-13-netboot-amd64"
_NETBOOT = f"dists/{SUITE}/main/installer-amd64/current/images/netboot/debian-installer/amd64"


def red_hat(mini: Path, tree: Path, cache: Path) -> Mapping[str, int]:
    """The mini installer's tree with EFI/BOOT beside it; the sizes of its loaders, by what they are asked by.

    GRUB 2.12 is Debian's own, which looks below Debian's prefix: nobody's else can be had here.
    """
    usr = _unpacked(cache, _SHIM, _GRUB) / "usr/lib"
    if not tree.is_dir():
        shutil.copytree(mini, tree, copy_function=os.link)
        (tree / "EFI/BOOT").mkdir(parents=True)
        shutil.copyfile(usr / "shim/shimx64.efi.signed", tree / "EFI/BOOT/BOOTX64.EFI")
        shutil.copyfile(usr / "grub/x86_64-efi-signed/grubnetx64.efi.signed", tree / "EFI/BOOT/grubx64.efi")
    return _sizes(tree / "EFI/BOOT/BOOTX64.EFI", tree / "EFI/BOOT/grubx64.efi")


def debian(tree: Path, cache: Path) -> Mapping[str, int]:
    """The netboot folder of Debian 13's installer, where a mirror has it."""
    (images,) = _unpacked(cache, _INSTALLER).glob("usr/lib/debian-installer/images/*/amd64/text")
    netboot = tree / _NETBOOT
    if not tree.is_dir():
        shutil.copytree(images / "debian-installer/amd64", netboot, symlinks=True)
        (tree / f"dists/{SUITE}/Release").write_text(
            f"Origin: Debian\nSuite: stable\nCodename: {SUITE}\nArchitectures: amd64\nComponents: main\n"
        )
    return _sizes(netboot / "bootnetx64.efi", netboot / "grubx64.efi")


def _sizes(shim: Path, grub: Path) -> Mapping[str, int]:
    return {"shimx64.efi": shim.stat().st_size, "grubx64.efi": grub.stat().st_size}


def _unpacked(cache: Path, *packages: str) -> Path:
    """The packages' files in one folder, downloaded once."""
    whole = cache / "+".join(packages)
    if not whole.is_dir():
        apt = Apt(cache / "apt", archive(), SUITE)
        apt.update()
        part = cache / "part"
        shutil.rmtree(part, ignore_errors=True)
        for package in packages:
            run("dpkg-deb", "-x", str(apt.fetch(package, cache / "debs")), str(part))
        part.rename(whole)
    return whole
