"""Files of a tree that is an ISO file of this host, read where they lie in it; it is never mounted."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from provisioner.core.errors import Unavailable
from provisioner.mirror.isoindex import Extents, Index, index
from provisioner.mirror.stream import PIECE, File, Headers, Pieces, Stream, absent, answer

_REMEMBERED = 16


class Iso:
    """Remembers where the files of an ISO lie, as long as the ISO stays the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], Index] = {}
        self._reading = asyncio.Lock()

    @asynccontextmanager
    async def open(self, source: str, path: str, asked: Headers) -> AsyncIterator[Stream]:
        """As `stream.Open`."""
        place = Path(source)
        found, status = await self._index(place)
        extents = found.find(path)
        if extents is None:
            yield absent()
            return
        size = sum(length for _, length in extents)
        begin = extents[0][0] if extents else 0
        tag = f"{status.st_mtime_ns:x}-{begin:x}-{size:x}"
        yield answer(File(partial(_read, place, extents), size, status.st_mtime, tag), asked)

    async def _index(self, place: Path) -> tuple[Index, os.stat_result]:
        """What was read of this very file before, or anew: the first guest waits, the others with it."""
        try:
            status = await asyncio.to_thread(place.stat)
        except OSError as error:
            raise Unavailable(f"the ISO {place} cannot be read: {error.strerror}") from error
        key = (str(place), status.st_mtime_ns, status.st_size)
        async with self._reading:
            if key not in self._known:
                self._known[key] = await asyncio.to_thread(index, place)
                if len(self._known) > _REMEMBERED:
                    del self._known[next(iter(self._known))]
            return self._known[key], status


async def _read(place: Path, extents: Extents, first: int, length: int | None) -> Pieces:
    file = await asyncio.to_thread(place.open, "rb", 0)
    try:
        for offset, run in _parts(extents, first, length or 0):
            at, end = offset, offset + run
            while at < end:
                piece = await asyncio.to_thread(os.pread, file.fileno(), min(PIECE, end - at), at)
                if not piece:
                    raise Unavailable(f"the ISO {place} became shorter while it was read")
                at += len(piece)
                yield piece
    except OSError as error:
        raise Unavailable(f"the ISO {place} cannot be read: {error.strerror}") from error
    finally:
        file.close()


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
