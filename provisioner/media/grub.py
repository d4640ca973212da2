"""GRUB made ready on the host, so that the installer only copies it to the disk.

BIOS: `boot.img` for the first sector and `core.img` for the BIOS boot partition. UEFI: a whole EFI system
partition, with shim and the signed GRUB in it where the host has them. All read the menu from the third
partition of the disk that they were started from.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner.core.errors import Unavailable
from provisioner.media import fat, signed
from provisioner.media.hosttools import run

# As in templates/installer/disk.sh; a test holds the two together.
CORE_FIRST = 34
ESP_FIRST = 2048
ROOT_FIRST = 133120

_PREFIX = "(,gpt3)/boot/grub"
_WHY = "GRUB for installed disks"
_COMMON = (
    "part_gpt", "ext2", "normal", "linux", "configfile", "search", "search_fs_uuid", "search_label", "test",
    "echo", "gzio", "loadenv", "sleep", "reboot", "halt", "ls", "cat", "all_video", "minicmd",
)  # fmt: skip
# Where Debian and Fedora keep a platform's modules, and the package that brings them.
_PLATFORMS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "i386-pc": (("biosdisk", "serial"), "grub-pc-bin (Fedora: grub2-pc-modules)"),
    "x86_64-efi": (("efi_gop", "serial"), "grub-efi-amd64-bin (Fedora: grub2-efi-x64-modules)"),
}


def modules(platform: str) -> Path:
    """The folder of a platform's modules. Raises Unavailable naming the package that is missing."""
    place = Path("/usr/lib/grub") / platform
    if not place.is_dir():
        package = _PLATFORMS[platform][1]
        raise Unavailable(f"{_WHY}: {place} is missing", remedy=f"install the package {package}")
    return place


def _image(platform: str, work: Path) -> bytes:
    made = work / platform
    extra = _PLATFORMS[platform][0]
    run(
        [
            "grub-mkimage",
            "-O",
            platform,
            "-d",
            modules(platform),
            "-p",
            _PREFIX,
            "-o",
            made,
            *_COMMON,
            *extra,
        ],
        _WHY,
    )
    return made.read_bytes()


def place_boot(boot: bytes) -> bytes:
    """The first sector's code, told where the core is; the partition table behind it is not ours to write."""
    placed = bytearray(boot[:440])
    placed[0x5C:0x64] = struct.pack("<Q", CORE_FIRST)
    # Believe the disk number that the BIOS hands over, as GRUB's own setup does for hard disks.
    placed[0x66:0x68] = b"\x90\x90"
    return bytes(placed)


def place_core(core: bytes) -> bytes:
    """The core, whose first sector is told where the rest of it lies and how long that is."""
    sectors = -(-len(core) // 512)
    if sectors > ESP_FIRST - CORE_FIRST:
        raise ValueError(f"GRUB's core of {len(core)} bytes does not fit the BIOS boot partition")
    placed = bytearray(core.ljust(sectors * 512, b"\0"))
    placed[0x1F4:0x1FE] = struct.pack("<QH", CORE_FIRST + 1, sectors - 1)
    return bytes(placed)


def loaders() -> dict[str, bytes]:
    """`boot.img`, `core.img` and `esp.img`. Raises Unavailable naming the package that is missing."""
    with TemporaryDirectory() as folder:
        work = Path(folder)
        core = _image("i386-pc", work)
        system = signed.files() or {"EFI/BOOT/BOOTX64.EFI": _image("x86_64-efi", work)}
    boot = (modules("i386-pc") / "boot.img").read_bytes()
    return {
        "boot.img": place_boot(boot),
        "core.img": place_core(core),
        "esp.img": fat.image(system, ROOT_FIRST - ESP_FIRST, ESP_FIRST),
    }
