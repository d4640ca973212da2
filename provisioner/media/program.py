"""What a first loader's bytes are: an EFI program, a program for a BIOS, an ELF file."""

import string
import struct

from provisioner.core.errors import Invalid
from provisioner.media import pe
from provisioner.media.pe import Pe

# (class, byte order, e_machine) of what firmware or PXELINUX starts; Open Firmware's GRUB has 32 bits.
_ELF_MACHINES = {(1, 1, 3): "bios module", (1, 2, 20): "ppc64", (2, 2, 21): "ppc64", (2, 1, 21): "ppc64"}
_PACKED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
_MOST_BIOS = 640 * 1024 - 0x7C00
"""A BIOS loads its program at 0:7C00 (PXE 2.1, section 4.4.5), into the 640 KiB that it has."""
_TEXT = string.printable.encode()
_WORDS = {
    "bios": "a program for BIOS",
    "bios module": "a module of PXELINUX",
    "ppc64": "an ELF program for POWER",
}


def look(content: bytes) -> Pe:
    """`machine` is a processor of EFI, `bios`, `bios module` or `ppc64`. Raises Invalid for anything else."""
    if content.startswith(b"MZ"):
        return pe.read(content)
    return Pe(_elf(content) if content.startswith(b"\x7fELF") else _bios(content), False, (), (), (), ())


def check(content: bytes, machine: str) -> Pe:
    """Raises Invalid, which goes on from the file's name, for a program that is not made for `machine`."""
    found = look(content)
    if found.machine != machine:
        raise Invalid(f"it is {_words(found.machine)}, and {_words(machine)} is needed")
    if machine not in _WORDS and not found.application:
        raise Invalid("it is an EFI driver or a part of an operating system, not an EFI application")
    return found


def _words(machine: str) -> str:
    return _WORDS.get(machine) or f"an EFI program for {machine}"


def _elf(content: bytes) -> str:
    if len(content) < 20:
        raise Invalid("it is cut off")
    order = ">" if content[5] == 2 else "<"
    made_for: int = struct.unpack(f"{order}H", content[18:20])[0]
    known = _ELF_MACHINES.get((content[4], content[5], made_for))
    if known is None:
        raise Invalid(f"it is an ELF file for processor {made_for}, which no firmware here starts")
    return known


def _bios(content: bytes) -> str:
    """Such a program bears no mark; what certainly is none is told."""
    head = content[:512]
    packed = next((kind for mark, kind in _PACKED.items() if head.startswith(mark)), "")
    if packed:
        raise Invalid(f"it is packed with {packed}; unpack it first")
    if head and not head.translate(None, _TEXT):
        raise Invalid("it is text, not a program")
    if len(head) < 64 or not any(head[:64]):
        raise Invalid("it is no program: it is empty, or begins with zeros")
    if len(content) > _MOST_BIOS:
        raise Invalid(f"it is no EFI program, and with {len(content)} bytes too large for a BIOS")
    return "bios"
