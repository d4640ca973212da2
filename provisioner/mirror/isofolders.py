"""Every file of an ISO, folder by folder, at a bounded cost whatever the image says.

Rock Ridge names where there are some, else Joliet's, else ISO 9660's own.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from provisioner.mirror.iso9660 import SECTOR, Damaged, Read, Record, Volume, records
from provisioner.mirror.rockridge import Posix, posix, skipped

Extents = tuple[tuple[int, int], ...]
"""Offset and length of each run of bytes that a file consists of; one beyond 4 GiB has several."""
MOST_ENTRIES = 250_000
"""Files and folders of an image; the largest discs of packages have a third of that."""
_MOST_BYTES = 128 * 1024 * 1024
_EACH = 512  # what a read costs beside its bytes
_MOST_PATH = 4096
_ITSELF, _ABOVE = b"\0", b"\1"


class Folders:
    """`files` and `links` by path, read by `walk`. `folded`: the names are in lower case."""

    def __init__(self, read: Read, found: Volume) -> None:
        self.files: dict[str, Extents] = {}
        self.links: dict[str, str] = {}
        self._read = read
        self._left = _MOST_BYTES
        self._seen: set[int] = set()
        self._entries = 0
        self._root, self._name, self.folded = self._names(found)

    def walk(self) -> None:
        """Raises Damaged."""
        todo = [("", self._root)]
        while todo:
            path, folder = todo.pop()
            todo += self._folder(path, folder)

    def _names(self, found: Volume) -> tuple[Record, Callable[[Record], Posix], bool]:
        if found.root is None:
            raise Damaged("it has no ISO 9660 volume")
        skip = skipped(self._itself(found.root.offset))
        if skip is not None:
            return found.root, lambda record: posix(record, skip, self._bytes), False
        if found.joliet is not None:
            return found.joliet, _joliet, False
        return found.root, _plain, True

    def _folder(self, path: str, folder: Record) -> Iterator[tuple[str, Record]]:
        """Notes the files; gives the folders in it."""
        runs: list[tuple[int, int]] = []
        for record in records(self._content(path, folder)):
            if record.name in (_ITSELF, _ABOVE) or record.aside:
                continue
            self._count()
            if not record.folder and record.length:
                runs.append((record.offset, record.length))
            if record.more:
                continue
            said = self._name(record)
            below = f"{path}{said.name.decode(errors='surrogateescape')}"
            if len(below) > _MOST_PATH:
                raise Damaged(f"a path in it has more than {_MOST_PATH} characters")
            if said.moved is not None:
                yield f"{below}/", replace(self._itself(said.moved), offset=said.moved)
            elif record.folder and not said.elsewhere:
                yield f"{below}/", record
            elif said.link is not None:
                self.links[below] = said.link.decode(errors="surrogateescape")
            elif not record.folder:
                self.files[below] = tuple(runs)
            runs = []

    def _count(self) -> None:
        self._entries += 1
        if self._entries > MOST_ENTRIES:
            raise Damaged(f"it has more than {MOST_ENTRIES} files and folders")

    def _content(self, path: str, folder: Record) -> bytes:
        if folder.offset in self._seen:
            raise Damaged(f"its folder /{path[:200].rstrip('/')} is in it twice, or in itself")
        self._seen.add(folder.offset)
        data = self._bytes(folder.offset, folder.length)
        if len(data) < folder.length:
            raise Damaged(f"its folder /{path[:200].rstrip('/')} goes on behind its end")
        return data

    def _itself(self, offset: int) -> Record:
        """What a folder says of itself in its first record."""
        record = next(records(self._bytes(offset, SECTOR)), None)
        if record is None:
            raise Damaged("a folder of it has nothing in it, not even itself")
        return record

    def _bytes(self, offset: int, length: int) -> bytes:
        """Raises Damaged where more was read of this image than any needs."""
        self._left -= length + _EACH
        if self._left < 0:
            raise Damaged(f"its folders have more than {_MOST_BYTES // 1024 // 1024} MiB")
        return self._read(offset, length)


def _joliet(record: Record) -> Posix:
    return Posix(_without_version(record.name.decode("utf-16-be", "replace")).encode(errors="replace"))


def _plain(record: Record) -> Posix:
    return Posix(_without_version(record.name.decode("ascii", "replace")).lower().encode())


def _without_version(name: str) -> str:
    return name.partition(";")[0].removesuffix(".")
