"""Files of this host that were asked for a moment ago, still open: the next request finds them at once."""

import asyncio
import os
import time
from dataclasses import dataclass

from provisioner.mirror.stream import File, Headers, Stream, answer

FRESH_SECONDS = 1.0
"""So long a file is believed to be what it was when it was looked at."""
OPEN_SECONDS = 5.0
"""So long a file that nobody asks for is kept open: what lies on a stick shall be unmounted when it may."""
MOST = 512


class Held:
    """An open file. It closes when the last who has it lets it go, a transfer under way among them."""

    __slots__ = ("__weakref__", "_descriptor")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)


Identity = tuple[int, int, int, int]
"""Device, inode, time of the last change in nanoseconds, size: a changed file has another."""


def identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


@dataclass(slots=True)
class _Known:
    file: File
    whole: Stream
    place: str
    identity: Identity
    looked: float
    used: float


class Hot:
    """By source and path. Those that were opened longest ago go first."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Known] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def hit(self, source: str, path: str, asked: Headers) -> Stream | None:
        """What a request gets, None for a file that has to be opened first.

        A request for all of an unchanged file always gets one and the same stream. Once a second it is looked
        whether the file is still the same, in place: that takes a fiftieth of what a thread's turn does, and
        a file system that hangs keeps whoever sends of it waiting anyway.
        """
        known = self._known.get((source, path))
        if known is None:
            return None
        now = time.monotonic()
        if now > known.looked + FRESH_SECONDS:
            if not _is_same(known):
                del self._known[source, path]
                return None
            known.looked = now
        known.used = now
        return answer(known.file, asked) if asked else known.whole

    def keep(
        self, source: str, path: str, file: File, place: str, status: os.stat_result, asked: Headers
    ) -> Stream:
        """What a request gets of a file that was opened just now at `place`."""
        now = time.monotonic()
        self._known.pop((source, path), None)
        self._known[source, path] = _Known(file, answer(file, {}), place, identity(status), now, now)
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(OPEN_SECONDS, self._sweep)
        return answer(file, asked)  # its pieces may be read, which can be done once

    def _sweep(self) -> None:
        latest = time.monotonic() - OPEN_SECONDS
        for key in [key for key, known in self._known.items() if known.used < latest]:
            del self._known[key]
        self._sweeping = None
        if self._known:
            self._sweeping = asyncio.get_running_loop().call_later(OPEN_SECONDS, self._sweep)


def _is_same(known: _Known) -> bool:
    try:
        return identity(os.stat(known.place)) == known.identity  # noqa: PTH116
    except (OSError, ValueError):
        return False
