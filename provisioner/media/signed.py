"""What starts an installed disk under Secure Boot: the distribution's shim, and the GRUB that it trusts.

The signed GRUB looks for its menu in a folder of the EFI system partition that was built into it: there it
is told to go on with the one in the third partition of its disk.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

_SHIM, _GRUB = "usr/lib/shim/shimx64.efi.signed", "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
_ESP = "boot/efi/EFI"
# GRUB's kernel.h: a 64-bit grub_module_info, whose modules begin behind it, and the kind of the prefix.
_MODULES = struct.pack("<IIQ", 0x676D696D, 0, 24)
_PREFIX = 3
_VENDOR = re.compile(r"/EFI/([a-z0-9_-]{1,13})", re.IGNORECASE)  # what fat can write
# `cmdpath` is (hd0,gpt2)/EFI/BOOT, whichever disk that is now.
_MENU = rb"""regexp --set=1:disk '^[(]([^,)]+)' "$cmdpath"
set root="$disk,gpt3"
set prefix="($root)/boot/grub"
configfile "$prefix/grub.cfg"
"""


def files(root: Path = Path("/")) -> Mapping[str, bytes]:
    """What to put into an EFI system partition, by path. Nothing where `root` has no signed programs."""
    for shim, grub in _places(root):
        try:
            first, second = shim.read_bytes(), grub.read_bytes()
        except OSError:
            continue
        if found := _VENDOR.fullmatch(prefix(second)):
            vendor = "BOOT" if found[1].upper() == "BOOT" else found[1]
            return {
                "EFI/BOOT/BOOTX64.EFI": first,
                "EFI/BOOT/grubx64.efi": second,  # what shim asks for, in its own folder
                f"EFI/{vendor}/grub.cfg": _MENU,
            }
    return {}


def prefix(grub: bytes) -> str:
    """The folder that was built into a GRUB for x86-64 UEFI, "" where none can be read."""
    start = grub.find(_MODULES)
    if start < 0 or start + 24 > len(grub):
        return ""
    (size,) = struct.unpack_from("<Q", grub, start + 16)
    at, end = start + 24, min(start + size, len(grub) - 8)
    while at < end:
        kind, length = struct.unpack_from("<II", grub, at)
        if kind == _PREFIX:
            return grub[at + 8 : at + length].partition(b"\0")[0].decode("ascii", "replace")
        at += max(length, 8)
    return ""


def _places(root: Path) -> Iterator[tuple[Path, Path]]:
    """Debian's packages, then what the host itself starts by, which is where Fedora's packages put it."""
    yield root / _SHIM, root / _GRUB
    try:
        own = sorted((root / _ESP).glob("*/shimx64.efi"))
    except OSError:
        own = []  # only root may look there
    yield from ((shim, shim.with_name("grubx64.efi")) for shim in own)
