"""Kept files that are asked for just now: open, their headers written, so that a hit costs next to nothing.

What lies there is looked at once a second at most; who uses a file keeps it open, whatever becomes of it.
"""

import asyncio
import os
import resource
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from provisioner.core.errors import Unavailable
from provisioner.mirror.freshness import believed
from provisioner.mirror.hot import Held
from provisioner.mirror.objects import Kept, Objects, mark_used
from provisioner.mirror.stream import PIECE, File, Headers, Local, Stream, answer, seconds
from provisioner.mirror.types import content_type

_LOOK_SECONDS = 1.0
_USED_SECONDS = 60.0
_MOST = 2048


class Key(NamedTuple):
    """As `Objects` means them."""

    source: str
    path: str
    digest: str = ""


class Shelved:
    """One of them. `whole` is the answer to a request for all of it, always one and the same."""

    def __init__(self, kept: Kept) -> None:
        known = kept.known
        self.known = known
        self.place = kept.place
        self.kept = kept
        self.checked = kept.checked
        self.believed = believed(known.path)
        self._looked = time.monotonic()
        self._held = Held(os.dup(kept.file.fileno()))
        self._inode = os.fstat(self._held.fileno()).st_ino
        kept.file.close()
        self._file = File(
            partial(_read, self._held, known.path),
            known.size,
            seconds(known.modified),
            known.sha256,
            partial(_lies, self._held),
            content_type(known.path, known.content_type),
        )
        self.whole = answer(self._file, {})

    def answer(self, asked: Headers) -> Stream:
        """One that can be read."""
        return answer(self._file, asked)

    def look(self, now: float) -> bool:
        """Whether it is still what is kept, at the disk's word of at most a second ago."""
        if now - self._looked < _LOOK_SECONDS:
            return True
        self._looked = now
        try:
            status = self.place.stat()
            if status.st_ino != self._inode:
                return False
            self.checked = status.st_mtime
            if time.time() - status.st_atime > _USED_SECONDS:
                os.utime(self.place, (time.time(), status.st_mtime))
        except OSError:
            return False
        return True


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
            del self._there[key]
            return None
        self._there.move_to_end(key)
        return found

    async def find(self, key: Key) -> Shelved | None:
        """The same of all that is kept."""
        found = self.get(key)
        if found is not None:
            return found
        kept = await asyncio.to_thread(self._taken, key)
        if kept is None:
            return None
        if (found := self.get(key)) is not None:  # of many who look at a time, all have the same one
            kept.file.close()
            return found
        self._there[key] = found = Shelved(kept)
        if len(self._there) > self._most:
            self._there.popitem(last=False)
        return found

    def _taken(self, key: Key) -> Kept | None:
        kept = self._objects.find(*key)
        if kept is not None and time.time() - kept.used > _USED_SECONDS:
            with suppress(OSError):
                mark_used(kept)
        return kept

    def drop(self, key: Key) -> None:
        """It is kept anew, or no more."""
        self._there.pop(key, None)

    def removed(self, places: Collection[Path]) -> None:
        """Kept files were removed: the room they take is free once nobody holds them open."""
        gone = set(places)
        for key in [key for key, found in self._there.items() if found.place in gone]:
            del self._there[key]

    def forget(self, source: str) -> None:
        """Nothing of it is kept any more."""
        for key in [key for key in self._there if key.source == source]:
            del self._there[key]

    def clear(self) -> None:
        self._there.clear()


def _lies(held: Held, first: int, length: int) -> Local:
    return Local(held, ((first, length),) if length else ())


async def _read(held: Held, name: str, first: int, length: int | None) -> AsyncGenerator[bytes, None]:
    at, end = first, first + (length or 0)
    while at < end:
        piece = await asyncio.to_thread(os.pread, held.fileno(), min(PIECE, end - at), at)
        if not piece:
            raise Unavailable(f"what is kept of {name} became shorter while it was read")
        at += len(piece)
        yield piece
