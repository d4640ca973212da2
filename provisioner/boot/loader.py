"""What is asked for by name before a kernel runs. A name is looked up, never joined to a path."""

import mmap
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, Literal

from provisioner.core.errors import Invalid
from provisioner.core.install import Kind
from provisioner.core.machine import normalise_mac

Content = bytes | mmap.mmap
"""A file: in memory, or mapped."""
Asked = Literal["loader", "menu", "machine", "pxelinux", "kernel", "initrd"]

MENUS: Final = "grub/m"
"""The folder of the machines' GRUB menus; the file is the MAC address, as GRUB's `net_default_mac`."""
FILES: Final = "install"
"""The folder of each install's kernel and initrd."""
# GRUB asks below the prefix that it was built with, which each distribution chose by itself.
_KINDS: Mapping[Asked, str] = {
    "menu": r"(?:.*/)?grub\.cfg",
    "machine": rf"(?:.*/)?{MENUS}/[0-9a-fA-F:]{{17}}",
    "pxelinux": r"pxelinux\.cfg/[0-9a-zA-Z-]{1,36}",
    "kernel": rf"{FILES}/[^/]+/kernel",
    "initrd": rf"{FILES}/[^/]+/initrd",
}
_REMEMBERED = 256
"""Names: each is looked at several times while its file is on the way."""
OPTIONAL: Final = (
    "autoexec.ipxe",
    "revocations.efi",
    "revocations_sku.efi",
    "revocations_sbat.efi",
    "shim_certificate*.efi",
)
"""Patterns of files that loaders ask for and do without: UEFI iPXE a script beside itself, shim lists of what
is revoked (one name in 15.7, two in later ones) and up to ten further certificates (shim.c). One that is not
there is answered at once and is no failure."""


@lru_cache(_REMEMBERED)
def canonical(asked: str) -> str:
    """The name without what is only spelling: backslashes, doubled slashes, a leading slash."""
    return re.sub(r"/+", "/", asked.replace("\\", "/")).removeprefix("/")


@lru_cache(_REMEMBERED)
def kind(name: str) -> Asked:
    """What a canonical name asks for."""
    return next((kind for kind, form in _KINDS.items() if re.fullmatch(form, name)), "loader")


def sent(name: str) -> Kind:
    """What it means for an install that the file of that canonical name was sent whole."""
    match kind(name):
        case "menu" | "machine" | "pxelinux":
            return Kind.SCRIPT_SENT
        case "kernel":
            return Kind.KERNEL_SENT
        case "initrd":
            return Kind.INITRD_SENT
        case "loader":
            return Kind.LOADER_SENT


def mac_in(name: str) -> str | None:
    """The MAC address that a name tells: `grub/m/52:54:…`, `pxelinux.cfg/01-52-54-…`."""
    last = name.rpartition("/")[2]
    try:
        match kind(name):
            case "machine":
                return normalise_mac(last)
            case "pxelinux":
                return normalise_mac(last.removeprefix("01-")) if last.startswith("01-") else None
    except Invalid:
        pass
    return None


def pick(asked: str, shelf: Mapping[str, bytes]) -> bytes | None:
    """A loader's bytes, None for any name that is not on the shelf."""
    return shelf.get(canonical(asked))


def is_optional(asked: str) -> bool:
    """Whether its absence is what the asking loader expects, in whatever folder it looks."""
    name = canonical(asked).rpartition("/")[2].lower()
    return any(fnmatchcase(name, pattern) for pattern in OPTIONAL)
