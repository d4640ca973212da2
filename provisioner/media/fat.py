"""An EFI system partition: FAT32, holding a few files, cut off behind the last.

What lies behind the last cluster in use need not be written, so a partition of 64 MiB costs less than one.
"""

import re
import struct
from collections.abc import Mapping
from pathlib import PurePosixPath

_SECTOR = 512
_RESERVED = 32
_END = 0x0FFFFFFF
_FOLDER, _FILE, _LONG = 0x10, 0x20, 0x0F
_SHORT = re.compile(r"[A-Z0-9_-]{1,8}(\.[A-Z0-9_-]{1,3})?")
_LONG_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)?")
_MOST_LETTERS = 13  # what one entry of a long name holds
_DATE = 1 << 5 | 1  # 1 January 1980, the first day there is: the same bytes on every host


def _names(name: str, number: int) -> tuple[bytes, bytes]:
    """An entry that holds the long name, b"" where none is needed, and the eleven bytes of the short one.

    Case is nothing to FAT. `number` makes a short name that was cut the only one of its folder.
    """
    if _SHORT.fullmatch(name.upper()):
        stem, _, extension = name.upper().partition(".")
        return b"", stem.ljust(8).encode("ascii") + extension.ljust(3).encode("ascii")
    if len(name) > _MOST_LETTERS or not _LONG_NAME.fullmatch(name):
        raise ValueError(f"{name} is no name for this FAT")
    stem, _, extension = name.upper().partition(".")
    short = f"{stem[:5]}~{number:X}".ljust(8).encode("ascii") + extension[:3].ljust(3).encode("ascii")
    total = 0
    for byte in short:
        total = ((total >> 1 | total << 7) + byte) & 0xFF
    letters = f"{name}\0".encode("utf-16-le").ljust(26, b"\xff")[:26]
    head = struct.pack("<B10sBBB", 0x41, letters[:10], _LONG, 0, total)
    return head + letters[10:22] + b"\0\0" + letters[22:], short


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


def image(files: Mapping[str, bytes], sectors: int, hidden: int = 0) -> bytes:
    """A file system of `sectors` with the files by their paths, up to its last cluster in use.

    Names are 8.3 in any case, or 13 letters with one dot at most. `hidden` is the partition's own first
    sector. Raises ValueError for other names, and for more than fits.
    """
    paths = {PurePosixPath(path): data for path, data in files.items()}
    # Cluster 2 is the root folder, then one for each folder, then each file in one run.
    above = (folder for path in paths for folder in reversed(path.parents))
    folders = {folder: 2 + number for number, folder in enumerate(dict.fromkeys(above))}
    table = [0x0FFFFFF8, _END, *[_END] * len(folders)]
    inside: dict[PurePosixPath, list[bytes]] = {folder: _dots(folder, folders) for folder in folders}
    for folder in list(folders)[1:]:
        _add(inside[folder.parent], folder.name, _FOLDER, folders[folder])
    for path, data in paths.items():
        first, length = len(table), -(-len(data) // _SECTOR)
        table += [*range(first + 1, first + length), _END][:length]
        _add(inside[path.parent], path.name, _FILE, first if length else 0, len(data))
    fat_sectors = -(-(sectors - _RESERVED + 2) * 4 // _SECTOR)
    clusters = sectors - _RESERVED - fat_sectors
    used = len(table) - 2
    if clusters < 65525 or used > clusters:
        raise ValueError(f"{used} clusters do not fit a FAT32 of {sectors} sectors")
    boot = _boot_sector(sectors, fat_sectors, hidden) + _information(clusters - used, len(table))
    contents = [*(b"".join(entries) for entries in inside.values()), *paths.values()]
    return (
        (boot.ljust(6 * _SECTOR, b"\0") + boot).ljust(_RESERVED * _SECTOR, b"\0")
        + struct.pack(f"<{len(table)}I", *table).ljust(fat_sectors * _SECTOR, b"\0")
        + b"".join(data + bytes(-len(data) % _SECTOR) for data in contents)
    )


def _dots(folder: PurePosixPath, clusters: Mapping[PurePosixPath, int]) -> list[bytes]:
    """What every folder but the root begins with: itself, and the one above, where the root is 0."""
    if folder == folder.parent:
        return []
    above = 0 if folder.parent == folder.parent.parent else clusters[folder.parent]
    return [
        _entry(b".".ljust(11), _FOLDER, clusters[folder]),
        _entry(b"..".ljust(11), _FOLDER, above),
    ]


def _add(entries: list[bytes], name: str, kind: int, cluster: int, size: int = 0) -> None:
    long, short = _names(name, len(entries))
    entries.append(long + _entry(short, kind, cluster, size))
    if len(b"".join(entries)) > _SECTOR:
        raise ValueError("a folder of this FAT holds 16 entries at most")
