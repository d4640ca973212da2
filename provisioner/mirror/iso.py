"""Files of a tree that is an ISO file of this host, read where they lie in it; it is never mounted."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from provisioner.core.errors import Unavailable
from provisioner.core.source import WHOLE
from provisioner.mirror.hot import Held, Hot
from provisioner.mirror.isofolders import MOST_ENTRIES, Extents
from provisioner.mirror.isoindex import Index, index, opened
from provisioner.mirror.stream import PIECE, File, Headers, Local, Pieces, Stream, absent
from provisioner.mirror.types import content_type

_Key = tuple[str, int, int, int]


class Iso:
    """Remembers where the files of an ISO lie, as long as the ISO stays the same.

    `hot` keeps the files that were asked for last; all those of one ISO are one open file.
    """

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._known: dict[_Key, Index] = {}
        self._opened: WeakValueDictionary[_Key, Held] = WeakValueDictionary()
        self._reading = asyncio.Lock()

    @asynccontextmanager
    async def open(self, source: str, path: str, asked: Headers) -> AsyncIterator[Stream]:
        """As `stream.Open`."""
        held, status, key = await self._opened_now(source)
        found = self._known.get(key) or await self._index(key, held)
        extents = ((0, status.st_size),) if path == WHOLE else found.find(path)
        if extents is None:
            yield absent()
            return
        size = sum(length for _, length in extents)
        begin = extents[0][0] if extents else 0
        tag = f"{status.st_mtime_ns:x}-{begin:x}-{size:x}"
        held = self._opened.setdefault(key, held)
        read, lies = partial(_read, source, held, extents), partial(_lies, held, extents)
        file = File(read, size, status.st_mtime, tag, lies, content_type=content_type(path))
        yield self._hot.keep(source, path, file, source, status, asked)

    async def list(self, source: str, folder: str) -> Sequence[tuple[str, int | None]] | None:
        """Names and sizes in a folder, "" the uppermost; a folder in it has none. None: there is none.

        Raises Unavailable.
        """
        held, _, key = await self._opened_now(source)
        found = self._known.get(key) or await self._index(key, held)
        return await asyncio.to_thread(found.inside, folder)

    async def _opened_now(self, source: str) -> tuple[Held, os.stat_result, _Key]:
        """What was opened is what is served, whatever takes its name meanwhile."""
        held, status = await asyncio.to_thread(_open, Path(source))
        return held, status, (source, status.st_ino, status.st_mtime_ns, status.st_size)

    async def _index(self, key: _Key, held: Held) -> Index:
        """The first guest waits, the others with it. Not more is remembered than two of the largest take."""
        async with self._reading:
            if key not in self._known:
                self._known[key] = await asyncio.to_thread(index, Path(key[0]), held)
                while sum(len(one.files) for one in self._known.values()) > 2 * MOST_ENTRIES:
                    del self._known[next(iter(self._known))]
            return self._known[key]


def _open(place: Path) -> tuple[Held, os.stat_result]:
    with opened(place) as file:
        held = Held(os.dup(file.fileno()))
    return held, os.fstat(held.fileno())


def _lies(held: Held, extents: Extents, first: int, length: int) -> Local:
    return Local(held, _parts(extents, first, length))


async def _read(source: str, held: Held, extents: Extents, first: int, length: int | None) -> Pieces:
    try:
        for offset, run in _parts(extents, first, length or 0):
            at, end = offset, offset + run
            while at < end:
                piece = await asyncio.to_thread(os.pread, held.fileno(), min(PIECE, end - at), at)
                if not piece:
                    raise Unavailable(f"the ISO {source} became shorter while it was read")
                at += len(piece)
                yield piece
    except OSError as error:
        raise Unavailable(f"the ISO {source} cannot be read: {error.strerror}") from error


def _parts(extents: Extents, first: int, length: int) -> list[tuple[int, int]]:
    """Where `length` bytes from byte `first` of the file on lie in the ISO."""
    parts = []
    for offset, run in extents:
        skipped = min(first, run)
        taken = min(run - skipped, length)
        first, length = first - skipped, length - taken
        if taken:
            parts.append((offset + skipped, taken))
    return parts
