"""iPXE on a medium, for machines whose firmware does not netboot: an ISO, and the image of a USB stick.

BIOS starts GRUB's own boot sector, whose first commands start iPXE as a kernel with the script as its
initrd. UEFI starts iPXE itself from the EFI system partition; it reads `autoexec.ipxe` there where it is of
2021 or later, and asks DHCP where it is older.
"""

import io
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pycdlib import PyCdlib

from provisioner.core.errors import Unavailable
from provisioner.media import fat
from provisioner.media.grub import CORE_FIRST, modules, place_boot, place_core
from provisioner.media.hosttools import run

_WHY = "a boot medium"
_KERNEL, _SCRIPT, _AUTOEXEC = "ipxe.lkrn", "boot.ipxe", "autoexec.ipxe"
_LABEL = "PROVISIONER"
_SECTOR = 512
_FIRST = 2048  # of the stick's partition: a mebibyte, as everybody aligns them
_SECTORS = 69632  # 34 MiB, hardly more than the least that FAT32 is for
_PADDING = 150 * 2048  # GRUB reads a CD in runs, and what a run gives that goes beyond its end is nothing
_EFI_SYSTEM, _ACTIVE = 0xEF, 0x80
_COMMANDS = f"linux16 /{_KERNEL}\ninitrd16 /{_SCRIPT}\nboot\n"
# Each name that distributions have for it: Debian's, then Fedora's.
_BIOS = ("ipxe.lkrn",)
_UEFI = ("ipxe.efi", "ipxe-x86_64.efi")
_PACKAGE = "apt-get install ipxe   (Fedora: dnf install ipxe-bootimgs-x86)"


class Sticks:
    """`folders` are where iPXE is looked for; the first that has it wins."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def iso(self, script: str) -> bytes:
        """A CD that BIOS and UEFI start. Blocking. Raises Unavailable naming the package that is missing."""
        boot = _grub("i386-pc-eltorito", "/boot", ("iso9660", "biosdisk", "linux16"))
        system = fat.image(self._efi(script), _SECTORS)
        iso = PyCdlib()
        iso.new(interchange_level=3, vol_ident=_LABEL, joliet=3, rock_ridge="1.09")
        files = {
            _KERNEL: self._find(_BIOS),
            _SCRIPT: script.encode(),
            "eltorito.img": boot,
            "efi.img": system,
        }
        for number, (name, data) in enumerate(files.items()):
            plain = f"/FILE{number}.;1"
            iso.add_fp(io.BytesIO(data), len(data), plain, rr_name=name, joliet_path=f"/{name}")
        iso.add_eltorito("/FILE2.;1", "/BOOT.CAT;1", boot_info_table=True, boot_load_size=4)
        iso.add_eltorito("/FILE3.;1", "/BOOT.CAT;1", efi=True, platform_id=_EFI_SYSTEM)
        made = io.BytesIO()
        iso.write_fp(made)
        iso.close()
        return made.getvalue() + bytes(_PADDING)

    def disk(self, script: str) -> bytes:
        """A disk with one partition, an EFI system partition. Blocking. Raises Unavailable."""
        core = _grub("i386-pc", "(,msdos1)/", ("part_msdos", "fat", "biosdisk", "linux16"))
        files = {**self._efi(script), _KERNEL: self._find(_BIOS), _SCRIPT: script.encode()}
        system = fat.image(files, _SECTORS, _FIRST)
        entry = struct.pack(
            "<B3sB3sII", _ACTIVE, b"\xfe\xff\xff", _EFI_SYSTEM, b"\xfe\xff\xff", _FIRST, _SECTORS
        )
        first = place_boot((modules("i386-pc") / "boot.img").read_bytes()).ljust(446, b"\0")
        first += entry.ljust(64, b"\0") + b"\x55\xaa"
        start = first.ljust(CORE_FIRST * _SECTOR, b"\0") + place_core(core)
        return (start.ljust(_FIRST * _SECTOR, b"\0") + system).ljust((_FIRST + _SECTORS) * _SECTOR, b"\0")

    def _efi(self, script: str) -> Mapping[str, bytes]:
        """The script stands in both places where one iPXE or another looks for it."""
        text = script.encode()
        loader = self._find(_UEFI)
        return {"EFI/BOOT/BOOTX64.EFI": loader, f"EFI/BOOT/{_AUTOEXEC}": text, _AUTOEXEC: text}

    def _find(self, names: Sequence[str]) -> bytes:
        for folder in self._folders:
            for name in names:
                try:
                    return (folder / name).read_bytes()
                except OSError:
                    continue
        raise Unavailable(f"{_WHY} needs {names[0]}, which is in no folder of loader_dirs", remedy=_PACKAGE)


def _grub(platform: str, prefix: str, wanted: Sequence[str]) -> bytes:
    """GRUB for BIOS with its first commands in it."""
    with TemporaryDirectory() as folder:
        commands, made = Path(folder) / "first", Path(folder) / "core"
        commands.write_text(_COMMANDS)
        where: tuple[str | Path, ...] = ("-O", platform, "-d", modules("i386-pc"), "-p", prefix)
        run(["grub-mkimage", *where, "-c", commands, "-o", made, *wanted], _WHY)
        return made.read_bytes()
