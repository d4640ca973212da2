"""Kept files that are asked for just now: open, their headers written, so that a hit costs next to nothing.

What lies there is looked at once a second at most; who uses a file keeps it open, whatever becomes of it.
"""

import asyncio
import os
import resource
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from provisioner.core.errors import Unavailable
from provisioner.mirror.content_types import content_type
from provisioner.mirror.freshness import believed
from provisioner.mirror.objects import Kept, Known, Objects
from provisioner.mirror.stream import PIECE, File, Headers, Local, Stream, answer, seconds

_LOOK_SECONDS = 1.0
_USED_SECONDS = 60.0
_MOST = 2048


@dataclass(frozen=True, slots=True)
class Key:
    """As `Objects` means them."""

    source: str
    path: str
    digest: str = ""


class Shelved:
    """One of them. Open as long as it is entered."""

    def __init__(self, kept: Kept) -> None:
        known = kept.known
        self.kept = kept
        self.checked = kept.checked
        self.believed = believed(known.path)
        self.looked = time.monotonic()
        self.off = False
        """No more on the shelf: closed by its last user."""
        self._inode = os.fstat(kept.file.fileno()).st_ino
        self._users = 0
        self._file = described(known, File(self._read, known.size, lies=self._lies))
        self._whole = answer(self._file, {})

    def __enter__(self) -> "Shelved":
        self._users += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        self.put_off()

    def put_off(self, *, now: bool = False) -> None:
        """Closes it where nobody uses it, and it is no more on the shelf or leaves it now."""
        self.off = self.off or now
        if self.off and not self._users:
            self.kept.file.close()

    def answer(self, asked: Headers) -> Stream:
        """For a client's headers, among which nothing matters but the range and the conditions."""
        if asked:
            return answer(self._file, asked)
        size = self.kept.known.size
        return Stream(200, self._whole.headers, size, self._read(0, size), self._whole.local)

    def look(self, now: float) -> bool:
        """Whether it is still what is kept, at the disk's word of at most a second ago."""
        if now - self.looked < _LOOK_SECONDS:
            return True
        self.looked = now
        try:
            status = self.kept.place.stat()
            if status.st_ino != self._inode:
                return False
            self.checked = status.st_mtime
            if time.time() - status.st_atime > _USED_SECONDS:
                os.utime(self.kept.place, (time.time(), status.st_mtime))
        except OSError:
            return False
        return True

    def _lies(self, first: int, length: int) -> Local:
        return Local(self.kept.file, [(first, length)] if length else [])

    async def _read(self, first: int, length: int | None) -> AsyncGenerator[bytes, None]:
        at, end = first, first + (length or 0)
        while at < end:
            piece = await asyncio.to_thread(os.pread, self.kept.file.fileno(), min(PIECE, end - at), at)
            if not piece:
                raise Unavailable(f"the kept file of {self.kept.known.path} became shorter while it was read")
            at += len(piece)
            yield piece


class Shelf:
    """For one event loop. `most` files are open at a time, a quarter of what this process may open."""

    def __init__(self, objects: Objects, most: int = 0) -> None:
        self._objects = objects
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = most or max(16, min(_MOST, allowed // 4))
        self._there: OrderedDict[Key, Shelved] = OrderedDict()

    def get(self, key: Key) -> Shelved | None:
        """What lies there; without any wait."""
        found = self._there.get(key)
        if found is None:
            return None
        if not found.look(time.monotonic()):
            self.drop(key)
            return None
        self._there.move_to_end(key)
        return found

    async def find(self, key: Key) -> Shelved | None:
        """The same of all that is kept."""
        found = self.get(key)
        if found is not None:
            return found
        kept = await asyncio.to_thread(self._objects.find, key.source, key.path, key.digest)
        if kept is None:
            return None
        self.drop(key)
        self._there[key] = found = Shelved(kept)
        if len(self._there) > self._most:
            _, last = self._there.popitem(last=False)
            last.put_off(now=True)
        return found

    def drop(self, key: Key) -> None:
        """It is kept anew, or no more."""
        found = self._there.pop(key, None)
        if found is not None:
            found.put_off(now=True)

    def removed(self, places: Iterable[Path]) -> None:
        """Kept files were removed: the room they take is free once they are closed."""
        gone = set(places)
        for key in [key for key, found in self._there.items() if found.kept.place in gone]:
            self.drop(key)

    def close(self) -> None:
        for key in list(self._there):
            self.drop(key)


def described(known: Known, file: File) -> File:
    """With what is known of it beside its bytes; its digest is its tag."""
    return replace(
        file,
        modified=seconds(known.modified),
        tag=known.sha256,
        content_type=content_type(known.path, known.content_type),
    )
