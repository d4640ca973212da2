"""What a disk image is, told from its bytes before any tool opens it; what reaches beyond itself is refused.

Pure: bytes in, a `DiskImage` out, or Invalid with one sentence. A backing or data file, an unknown feature,
an absurd size, or bytes that are two formats at once make a tool read another file than it was given.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from provisioner.core.errors import Invalid
from provisioner.core.media import DiskFormat, DiskImage, Packing
from provisioner.core.storage import MOST_BYTES
from provisioner.media import (
    inspect_iso,
    inspect_qcow2,
    inspect_raw,
    inspect_vdi,
    inspect_vhd,
    inspect_vhdx,
    inspect_vmdk,
)
from provisioner.media.inspect_source import HEAD, TAIL, Ends, Source

_Reader = Callable[[Source], DiskImage]
_FORMATS: Mapping[DiskFormat, tuple[Callable[[Source], bool], _Reader]] = {
    "qcow2": (inspect_qcow2.claims, inspect_qcow2.read),
    "vmdk": (inspect_vmdk.claims, inspect_vmdk.read),
    "vdi": (inspect_vdi.claims, inspect_vdi.read),
    "vhd": (inspect_vhd.claims, inspect_vhd.read),
    "vhdx": (inspect_vhdx.claims, inspect_vhdx.read),
    "iso": (inspect_iso.claims, inspect_iso.read),
}
_REFUSED: tuple[tuple[str, Callable[[Source], bool]], ...] = (
    ("a qcow file of version 1", lambda s: s.read(0, 8) == b"QFI\xfb\0\0\0\1"),
    ("a QED image", lambda s: s.read(0, 4) == b"QED\0"),
    ("a LUKS container", lambda s: s.read(0, 6) == b"LUKS\xba\xbe"),
    ("a Parallels image", lambda s: s.read(0, 16) in (b"WithoutFreeSpace", b"WithouFreSpacExt")),
    ("a Bochs image", lambda s: s.read(0, 21) == b"Bochs Virtual HD Image"[:21]),
    ("a VMDK of ESX (COWD)", lambda s: s.read(0, 4) == b"COWD"),
    ("a cloop image", lambda s: s.read(0, 20) == b"#!/bin/sh\n#V2.0 Form"),
    ("a DMG image", lambda s: s.whole and s.read(s.size - 512, 4) == b"koly"),
    ("a VMDK descriptor, whose data lie in other files", inspect_vmdk.is_descriptor),
)
_PACKINGS: Mapping[Packing, bytes] = {
    "gz": b"\x1f\x8b\x08",
    "xz": b"\xfd7zXZ\0",
    "zst": b"\x28\xb5\x2f\xfd",
    "bz2": b"BZh",
}


def packing(source: Source) -> Packing:
    """What the bytes are compressed with, "" for nothing."""
    return next((name for name, magic in _PACKINGS.items() if source.read(0, len(magic)) == magic), "")


def inspect(
    source: Source,
    what: str,
    *,
    most: int = MOST_BYTES,
    expected: DiskFormat | Literal[""] = "",
) -> DiskImage:
    """The image that the bytes are. `what` begins each sentence ("image web.qcow2"), `most` is the largest
    virtual size in bytes, `expected` the format that somebody said it has.

    Raises Invalid.
    """
    try:
        found = _inspect(source)
        if found.virtual_size > most:
            raise Invalid(f"claims a disk of {_size(found.virtual_size)}; {_size(most)} is the most here")
        if found.virtual_size <= 0 and source.whole:
            raise Invalid("claims a disk of no size")
        if expected and found.format != expected:
            raise Invalid(f"is said to be {expected}, and its bytes are {found.format}")
    except Invalid as error:
        raise Invalid(f"{what} {error}", remedy=error.remedy) from None
    return found


class StreamInspector:
    """Judges what streams by; the port `service.ports.Inspector`."""

    head_bytes = HEAD
    tail_bytes = TAIL

    def judge(self, what: str, size: int, head: bytes, tail: bytes | None) -> str:
        """The format, "" for bytes that bear no image's mark: kernels, seeds, archives. Raises Invalid."""
        source = Ends(size, head, tail)
        if not (looks_like(source) or inspect_raw.has_table(source) or inspect_raw.file_system(source)):
            return ""
        return inspect(source, what).format


def looks_like(source: Source) -> tuple[str, ...]:
    """Every format whose mark the bytes bear, raw disks aside."""
    return (
        *(name for name, (claims, _) in _FORMATS.items() if claims(source)),
        *(name for name, claims in _REFUSED if claims(source)),
    )


def _inspect(source: Source) -> DiskImage:
    if not source.size:
        raise Invalid("is empty")
    marks = looks_like(source)
    refused = [name for name, _ in _REFUSED if name in marks]
    if len(marks) > 1 or (marks and _also_raw(source, marks[0])):
        others = " and ".join(marks) if len(marks) > 1 else f"{marks[0]} and a raw disk"
        raise Invalid(f"is several things at once ({others}), as no honest image is")
    if refused:
        raise Invalid(f"is {refused[0]}, which is not taken")
    for name, (_, read) in _FORMATS.items():
        if name in marks:
            return read(source)
    return inspect_raw.read(source)


def _also_raw(source: Source, mark: str) -> bool:
    """A fixed VHD is a raw disk with a footer, and an ISO for USB sticks has a partition table."""
    if mark == "iso" or (mark == "vhd" and not inspect_vhd.is_dynamic(source)):
        return False
    return inspect_raw.has_table(source) or bool(inspect_raw.file_system(source))


def _size(count: int) -> str:
    return f"{count / 1024**4:,.0f} TiB" if count >= 1024**4 else f"{count / 1024**3:,.1f} GiB"
