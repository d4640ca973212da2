"""An empty qcow2 image as bytes, so that a volume needs no qemu-img: its tables, and what it stands on.

The form is QEMU's own (docs/interop/qcow2.txt), version 3, with clusters of 64 KiB.
"""

import struct

from provisioner.core.errors import Invalid

_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS
_PER_L2 = _CLUSTER // 8
_PER_BLOCK = _CLUSTER // 2
"""Reference counts have 16 bits."""
_HEADER = 104
_BACKING_FORMAT = 0xE2792ACA
_LONGEST_NAME = 1023
_LARGEST = 1 << 50


def empty(capacity: int, *, backing: str, backing_format: str) -> bytes:
    """An image of `capacity` bytes in which nothing is written yet, standing on `backing`.

    Raises Invalid for a capacity or a path that the form does not know.
    """
    name, kind = backing.encode(), backing_format.encode()
    if not 0 < capacity <= _LARGEST or not 0 < len(name) <= _LONGEST_NAME:
        raise Invalid(f"there is no qcow2 image of {capacity} bytes on {backing!r}")
    capacity = -(-capacity // 512) * 512
    entries = -(-capacity // (_CLUSTER * _PER_L2))
    tables = -(-entries * 8 // _CLUSTER)
    used = 3 + tables  # header, table of reference counts, one block of them, the L1 table
    if used > _PER_BLOCK:
        raise Invalid(f"a qcow2 image of {capacity} bytes is too large to be made here")
    extension = struct.pack(">II", _BACKING_FORMAT, len(kind)) + kind + b"\0" * (-len(kind) % 8)
    extension += bytes(8)  # the end of the extensions
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb",
        3,
        _HEADER + len(extension),
        len(name),
        _CLUSTER_BITS,
        capacity,
        0,  # not encrypted
        entries,
        3 * _CLUSTER,
        _CLUSTER,
        1,
        0,  # no snapshots
        0,
        0,  # no features that a reader must know, may know, may write over
        0,
        0,
        4,  # reference counts of 1 << 4 bits
        _HEADER,
    )
    return b"".join(
        part.ljust(_CLUSTER, b"\0")
        for part in (
            header + extension + name,
            struct.pack(">Q", 2 * _CLUSTER),
            struct.pack(">H", 1) * used,
        )
    ) + bytes(entries * 8)
