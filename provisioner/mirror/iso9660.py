"""ISO 9660 (ECMA-119) as it lies on a disc: its descriptors, and the records of its folders.

Nothing that an image says of itself is believed: whoever reads bounds how much.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SECTOR = 2048
_FIRST = 16  # the descriptors begin there
_MOST_DESCRIPTORS = 64
_PRIMARY, _SUPPLEMENTARY, _LAST = 1, 2, 255
_JOLIET = (b"%/@", b"%/C", b"%/E")  # the escape sequences of UCS-2 levels 1 to 3
_UDF = (b"NSR02", b"NSR03")  # ECMA-167 part 3, in the same row of descriptors
_SHORTEST = 34

Read = Callable[[int, int], bytes]
"""(offset, length) to the bytes there, fewer where the image ends before."""


class Damaged(Exception):
    """What is wrong with an image, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Record:
    """A directory record: `offset` and `length` in bytes. `more`: another run of the same file follows.

    `name` as it is written, `system` the bytes behind it, which Rock Ridge uses. `aside`: what belongs to
    the file of that name and is not it (a resource fork).
    """

    offset: int
    length: int
    folder: bool
    more: bool
    aside: bool
    name: bytes
    system: bytes


@dataclass(frozen=True, slots=True)
class Volume:
    """`root` is the root folder by plain names, `joliet` by Joliet's. `size` in bytes; `udf`: there is that
    as well.
    """

    root: Record | None
    joliet: Record | None
    size: int
    publisher: str
    udf: bool


def volume(read: Read) -> Volume:
    """The descriptors. Where `root` is None the image has no ISO 9660. Raises Damaged."""
    root = joliet = None
    size, publisher, udf = 0, "", False
    for number in range(_FIRST, _FIRST + _MOST_DESCRIPTORS):
        sector = read(number * SECTOR, SECTOR)
        kind, mark = sector[:1], sector[1:6]
        if mark in _UDF:
            udf = True
        elif mark == b"CD001" and len(sector) == SECTOR:
            if kind[0] == _PRIMARY and root is None:
                root = _root(sector)
                size = int(struct.unpack_from("<I", sector, 80)[0]) * SECTOR
                publisher = sector[318:446].decode("ascii", "replace").strip()
            elif kind[0] == _SUPPLEMENTARY and sector[88:91] in _JOLIET:
                joliet = _root(sector)
        elif mark not in (b"CD001", b"BEA01", b"BOOT2", b"TEA01"):
            break
    return Volume(root, joliet, size, publisher, udf)


def _root(sector: bytes) -> Record:
    (block,) = struct.unpack_from("<H", sector, 128)
    if block != SECTOR:
        raise Damaged(f"its blocks have {block} bytes, where those of discs have {SECTOR}")
    record = _record(sector, 156)
    if record is None or not record.folder:
        raise Damaged("its root is no folder")
    return record


def records(data: bytes) -> Iterator[Record]:
    """Those of one folder, itself and the one above it among them. Raises Damaged."""
    at = 0
    while at < len(data):
        if not data[at]:
            at = (at // SECTOR + 1) * SECTOR  # no record crosses a sector's end
            continue
        record = _record(data, at)
        if record is None:
            raise Damaged("a record of its folders does not fit its sector")
        yield record
        at += data[at]


def _record(data: bytes, at: int) -> Record | None:
    """The record at that place, None where it does not fit."""
    length = data[at]
    if length < _SHORTEST or at % SECTOR + length > SECTOR or at + length > len(data):
        return None
    attributes, extent, size = struct.unpack_from("<xBIxxxxI", data, at)
    flags, name = data[at + 25], data[at + 32]
    behind = 33 + name + (1 - name % 2)
    if 33 + name > length:
        return None
    return Record(
        (extent + attributes) * SECTOR,
        size,
        bool(flags & 0x02),
        bool(flags & 0x80),
        bool(flags & 0x04),
        data[at + 33 : at + 33 + name],
        data[at + behind : at + length],
    )
