"""What is kept of trees, counted, read again and removed: beside those who serve it, at a bounded rate."""

import asyncio
import hashlib
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from pathlib import Path

from provisioner.core.mirror import Census, Checked, Verdict
from provisioner.mirror.objects import Kept, Objects

_PIECE = 4 * 1024 * 1024
_TOGETHER = 256
"""So many files at most are read in one go."""
_MARK = "scrubbed"


class Stock:
    """Satisfies `service.ports.MirrorStock`. `root` is the folder of the objects."""

    def __init__(self, objects: Objects, root: Path) -> None:
        self._objects = objects
        self._root = root

    async def census(self, source: str) -> Census:
        return await asyncio.to_thread(self._census, source)

    def _census(self, source: str) -> Census:
        files = size = verified = 0
        signed = Counter[str]()
        for kept in self._objects.walk(source):
            files, size = files + 1, size + kept.known.size
            verified += bool(kept.known.by)
            if kept.known.signed:
                signed[kept.known.signed] += 1
        return Census(files, size, verified, dict(signed))

    async def paths(self, source: str) -> dict[str, set[tuple[int, str]]]:
        """Each kept path of a source with size and SHA-256 of what is kept of it, once for each state."""
        return await asyncio.to_thread(self._paths, source)

    def _paths(self, source: str) -> dict[str, set[tuple[int, str]]]:
        found: dict[str, set[tuple[int, str]]] = {}
        for kept in self._objects.walk(source):
            found.setdefault(kept.known.path, set()).add((kept.known.size, kept.known.sha256))
        return found

    async def check(self, source: str = "", rate: int = 0, after: str = "") -> AsyncGenerator[Checked]:
        """Reads every kept file, or a source's, at most `rate` bytes a second (0: as fast as it goes).

        Goes on behind the place `after`. What is replaced or removed meanwhile is left out.
        """
        places, began, done = self._objects.places(source, after), time.monotonic(), 0
        while (found := await asyncio.to_thread(self._next, places)) is not None:
            items, large = found
            done += sum(item.size for item in items)
            for item in items:
                yield item
            if large is not None:
                with large:
                    async with aclosing(self._pieces(large)) as pieces:
                        async for judged in pieces:
                            done += _PIECE
                            if judged is not None:
                                yield judged
                            await _keep_to(rate, done, began)
            await _keep_to(rate, done, began)

    def _next(self, places: Iterator[Path]) -> tuple[list[Checked], Kept | None] | None:
        """The next files, as many as make up a piece, and a large one that came; None behind the last."""
        items: list[Checked] = []
        size = 0
        for place in places:
            kept = self._objects.at(place)
            if kept is None:
                items += self._torn(place)
                continue
            if kept.known.size > _PIECE:
                return items, kept
            with kept:
                items.append(self._small(kept))
            size += kept.known.size
            if size >= _PIECE or len(items) >= _TOGETHER:
                return items, None
        return (items, None) if items else None

    def _small(self, kept: Kept) -> Checked:
        try:
            return self._judged(kept, hashlib.sha256(_read(kept, 0)))
        except OSError as error:
            return self._told(kept, f"it cannot be read: {error.strerror}")

    async def _pieces(self, kept: Kept) -> AsyncGenerator[Checked | None]:
        """None for each piece that was read, then what became of all."""
        digest = hashlib.sha256()
        for first in range(0, kept.known.size, _PIECE):
            try:
                data = await asyncio.to_thread(_read, kept, first)
            except OSError as error:
                yield self._told(kept, f"it cannot be read: {error.strerror}")
                return
            await asyncio.to_thread(digest.update, data)
            yield None
        yield self._judged(kept, digest)

    def _judged(self, kept: Kept, digest: "hashlib._Hash") -> Checked:
        right = digest.hexdigest() == kept.known.sha256
        return self._told(kept, "" if right else "its bytes are not those that were kept")

    def _told(self, kept: Kept, broken: str) -> Checked:
        known = kept.known
        verdict: Verdict = "broken" if broken else "sound" if known.by else "unverified"
        return Checked(known.source, known.path, known.size, verdict, self._objects.below(kept.place), broken)

    def _torn(self, place: Path) -> list[Checked]:
        """One that has gone meanwhile is none."""
        try:
            size = place.stat().st_size
        except OSError:
            return []
        return [Checked("", "", size, "broken", self._objects.below(place), "it is not whole")]

    async def drop(self, place: str) -> None:
        """Removes what lies there."""
        await asyncio.to_thread((self._root / place).unlink, missing_ok=True)

    async def clean(self, source: str, before: float) -> tuple[int, int]:
        """Removes what was not handed out since (seconds since 1970): files and bytes that went."""
        return await asyncio.to_thread(self._clean, source, before)

    def _clean(self, source: str, before: float) -> tuple[int, int]:
        files = size = 0
        for kept in self._objects.walk(source):
            if kept.used < before:
                kept.place.unlink(missing_ok=True)
                files, size = files + 1, size + kept.known.size
        return files, size

    async def reached(self) -> str:
        """Where the last scrub got to, "" for the beginning."""
        with suppress(OSError):
            return await asyncio.to_thread((self._root / _MARK).read_text)
        return ""

    async def remember(self, place: str) -> None:
        with suppress(OSError):  # a full disk: the next scrub begins earlier
            await asyncio.to_thread((self._root / _MARK).write_text, place)


def _read(kept: Kept, first: int) -> bytes:
    return os.pread(kept.file.fileno(), min(_PIECE, kept.known.size - first), first)


async def _keep_to(rate: int, done: int, began: float) -> None:
    if rate and (early := done / rate - (time.monotonic() - began)) > 0:
        await asyncio.sleep(early)
