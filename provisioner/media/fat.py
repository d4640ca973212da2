"""An EFI system partition: FAT32, holding one file, cut off behind it.

What lies behind the last cluster in use need not be written, so a partition of 64 MiB costs less than one.
"""

import struct
from pathlib import PurePosixPath

_SECTOR = 512
_RESERVED = 32
_END = 0x0FFFFFFF
_FOLDER, _FILE = 0x10, 0x20
_DATE = 1 << 5 | 1  # 1 January 1980, the first day there is: the same bytes on every host


def _short(name: str) -> bytes:
    """`BOOTX64.EFI` as the eleven bytes of a directory entry."""
    stem, _, extension = name.partition(".")
    return stem.ljust(8).encode("ascii") + extension.ljust(3).encode("ascii")


def _entry(name: bytes, kind: int, cluster: int, size: int = 0) -> bytes:
    return struct.pack(
        "<11sBBBHHHHHHHI", name, kind, 0, 0, 0, _DATE, _DATE, cluster >> 16, 0, _DATE, cluster & 0xFFFF, size
    )


def _boot_sector(sectors: int, fat_sectors: int, hidden: int) -> bytes:
    head = struct.pack(
        "<3s8sHBHBHHBHHHII",
        b"\xeb\x58\x90", b"MSDOS5.0", _SECTOR, 1, _RESERVED, 1, 0, 0, 0xF8, 0, 63, 255, hidden, sectors,
    )  # fmt: skip
    tail = struct.pack(
        "<IHHIHH12sBBBI11s8s",
        fat_sectors, 0, 0, 2, 1, 6, bytes(12), 0x80, 0, 0x29, 0x50524F56, b"NO NAME    ", b"FAT32   ",
    )  # fmt: skip
    return (head + tail).ljust(510, b"\0") + b"\x55\xaa"


def _information(free: int, following: int) -> bytes:
    return (
        b"RRaA".ljust(484, b"\0")
        + b"rrAa"
        + struct.pack("<II", free, following)
        + bytes(12)
        + b"\0\0\x55\xaa"
    )


def image(path: str, data: bytes, sectors: int, hidden: int = 0) -> bytes:
    """A file system of `sectors` with `data` at `path` (names in 8.3, upper case), up to its last cluster.

    `hidden` is the partition's own first sector.
    """
    folders = PurePosixPath(path).parts
    *above, name = [part for part in folders if part != "/"]
    fat_sectors = -(-(sectors - _RESERVED + 2) * 4 // _SECTOR)
    clusters = sectors - _RESERVED - fat_sectors
    # Cluster 2 is the root folder, then one for each folder, then the file in one run.
    first = 3 + len(above)
    length = max(1, -(-len(data) // _SECTOR))
    if clusters < 65525 or first + length > clusters:
        raise ValueError(f"{len(data)} bytes do not fit a FAT32 of {sectors} sectors")
    fat = [0x0FFFFFF8, _END, *[_END] * (1 + len(above)), *range(first + 1, first + length), _END]
    content = b""
    for depth, part in enumerate([*above, name]):
        here, parent = 2 + depth, (0 if depth <= 1 else 1 + depth)
        dots = (
            []
            if depth == 0
            else [_entry(b".          ", _FOLDER, here), _entry(b"..         ", _FOLDER, parent)]
        )
        inner = (
            _entry(_short(part), _FILE, first, len(data))
            if part is name
            else _entry(_short(part), _FOLDER, here + 1)
        )
        content += b"".join([*dots, inner]).ljust(_SECTOR, b"\0")
    boot = _boot_sector(sectors, fat_sectors, hidden)
    information = _information(clusters - length - first + 2, first + length)
    reserved = (boot + information).ljust(6 * _SECTOR, b"\0") + boot + information
    table = struct.pack(f"<{len(fat)}I", *fat)
    return (
        reserved.ljust(_RESERVED * _SECTOR, b"\0")
        + table.ljust(fat_sectors * _SECTOR, b"\0")
        + content
        + data.ljust(length * _SECTOR, b"\0")
    )
