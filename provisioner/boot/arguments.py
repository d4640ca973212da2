"""One line of kernel arguments, written as each loader reads it, so that the kernel gets it unchanged."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from provisioner.core.errors import Invalid
from provisioner.core.firmware import Dialect

SERIAL: Final = "@serial@"
"""Stands in a line for the SMBIOS serial, which only the loader on the machine knows."""
LONGEST_APPEND: Final = 2047
"""Bytes of the kernel's command line on x86 (Documentation/arch/x86/boot.rst), which PXELINUX cuts at."""
# iPXE's own command separators and settings: as a kernel argument they would change the script's meaning.
_IPXE = re.compile(r"(?:^|\s)(?:\|\||&&)(?:\s|$)|\$\{")
# A word as the kernel reads it (next_arg in lib/cmdline.c): blanks between double quotes do not end it.
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')


def for_ipxe(line: str) -> str:
    """Raises Invalid where iPXE would act on a part of it; else the line itself."""
    _one_line(line)
    if found := _IPXE.search(line):
        raise Invalid(
            f"kernel argument {line!r} holds {found.group().strip()!r}, on which iPXE acts; leave it out"
        )
    return line


def for_grub(line: str) -> str:
    """Each word in single quotes, between which GRUB takes everything as it stands (GRUB manual, Quoting).

    A word's double quotes are taken off: GRUB puts such around a word with a blank by itself. Raises Invalid
    for what it would hand over changed: a backslash, a single quote, an odd double quote.
    """
    _one_line(line)
    if changed := next((character for character in "\\'" if character in line), ""):
        raise Invalid(f"kernel argument {line!r} holds {changed}, which GRUB hands over as \\{changed}")
    if line.count('"') % 2:
        raise Invalid(f"kernel argument {line!r} holds a double quote that is not closed")
    return " ".join(_grub_word(word) for word in _WORD.findall(line))


def for_pxelinux(line: str) -> str:
    """The line itself: PXELINUX quotes nothing. Raises Invalid where it is too long."""
    _one_line(line)
    if len(line.encode()) > LONGEST_APPEND:
        raise Invalid(
            f"the kernel arguments have {len(line.encode())} bytes, and PXELINUX hands over {LONGEST_APPEND}",
            remedy="shorten kernel_args of the profile, or install it with --loader ipxe",
        )
    return line


WRITTEN: Mapping[Dialect, Callable[[str], str]] = {
    "ipxe": for_ipxe,
    "grub": for_grub,
    "pxelinux": for_pxelinux,
}


def _grub_word(word: str) -> str:
    return '"$serial"'.join(f"'{piece}'" if piece else "" for piece in word.replace('"', "").split(SERIAL))


def _one_line(line: str) -> None:
    if any(ord(character) < 32 or ord(character) == 127 for character in line):
        raise Invalid(
            f"kernel argument {line!r} holds a line break or control character; arguments are one line"
        )
