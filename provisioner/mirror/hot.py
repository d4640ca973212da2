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


@dataclass(frozen=True, slots=True)
class _Known:
    file: File
    whole: Stream
    identity: object
    checked: float


class Hot:
    """By source and path. Those that were looked at longest ago go first."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Known] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def hit(self, source: str, path: str, asked: Headers) -> Stream | None:
        """What a request gets, None for a file that has to be looked at first.

        A request for all of an unchanged file always gets one and the same stream.
        """
        known = self._known.get((source, path))
        if known is None or time.monotonic() - known.checked > FRESH_SECONDS:
            return None
        return answer(known.file, asked) if asked else known.whole

    def keep(self, source: str, path: str, file: File, identity: object, asked: Headers) -> Stream:
        """What a request gets of a file that was looked at just now; `identity` changes whenever it does."""
        now = time.monotonic()
        known = self._known.pop((source, path), None)
        if known is None or known.identity != identity:
            known = _Known(file, answer(file, {}), identity, now)
        known = _Known(known.file, known.whole, identity, now)
        self._known[source, path] = known
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(OPEN_SECONDS, self._sweep)
        return answer(known.file, asked)  # its pieces may be read, which can be done once

    def _sweep(self) -> None:
        latest = time.monotonic() - OPEN_SECONDS
        for key in [key for key, known in self._known.items() if known.checked < latest]:
            del self._known[key]
        self._sweeping = None
        if self._known:
            self._sweeping = asyncio.get_running_loop().call_later(OPEN_SECONDS, self._sweep)
