"""A cpio archive in the "newc" form, which is what a kernel unpacks as its initramfs.

Comes in: entries.  Goes out: bytes, the same for the same entries: no times, all owned by root.
"""

import stat
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """`mode` with its type bits; `data` is a link's target for a link; `device` (major, minor) for a node."""

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(path: str) -> Entry:
    return Entry(path, stat.S_IFDIR | 0o755)


def file(path: str, data: bytes, mode: int = 0o644) -> Entry:
    return Entry(path, stat.S_IFREG | mode, data)


def link(path: str, target: str) -> Entry:
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def character(path: str, major: int, minor: int) -> Entry:
    return Entry(path, stat.S_IFCHR | 0o600, device=(major, minor))


def _record(number: int, entry: Entry) -> bytes:
    name = entry.path.lstrip("/").encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (number, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return _padded(head) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def archive(entries: Iterable[Entry]) -> bytes:
    """The archive; folders above an entry are added where they are not given."""
    given = {entry.path.strip("/"): entry for entry in entries}
    whole: dict[str, Entry] = {}
    for path in sorted(given):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            whole.setdefault(above, given.get(above, folder(above)))
        whole[path] = given[path]
    records = [_record(number, entry) for number, entry in enumerate(whole.values(), start=1)]
    return b"".join([*records, _record(0, Entry("TRAILER!!!", 0))])
