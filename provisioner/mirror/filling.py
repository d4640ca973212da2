"""A file on its way into the cache, and those who read it meanwhile: one fetch, however many they are.

Whoever fetches it puts bytes in and says how it ended (`fetching.py`); readers follow what came so far out of
one growing file. What must have a certain digest is shown to nobody to its last block before that is right.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from provisioner.core.digest import Expected
from provisioner.core.errors import Unavailable
from provisioner.mirror.objects import Kept, Known, Part
from provisioner.mirror.stream import PIECE, Growing, Pieces, nothing

BLOCK = 64 * 1024
"""So many bytes at a file's end are held back until its digest is right."""
LINGER_SECONDS = 2.0
"""A fill that nobody waits for, less than half done, is given up after so long: many ask HEAD, then GET."""
_PULSE_SECONDS = 0.05
"""Readers are woken no more often: at 50 MB/s two megabytes and a half are there each time."""

Answer = Literal["here", "same", "absent"]
"""The upstream has it; it is as it was when it was kept; there is none."""
Tail = Callable[[int], Pieces]
"""What of a fill whose disk is full comes from a byte on: from the upstream, unkept."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an upstream says of a file beside its bytes; "" for what it does not say."""

    url: str
    etag: str
    modified: str
    content_type: str


class Fill:
    """For one event loop. `old` is the kept file that it may turn out to be still."""

    def __init__(
        self, source: str, path: str, expected: Expected | None = None, old: Kept | None = None
    ) -> None:
        self.source = source
        self.path = path
        self.expected = expected
        self.old = old
        self.said = Said("", "", "", "")
        self.size: int | None = None
        self.have = 0
        self.fetched = 0
        """Bytes that came, those that came twice included."""
        self.answer: Answer | None = None
        self.given_up = False
        self.whole = False
        """All of it is there and right."""
        self.known: Known | None = None
        """Once it is kept."""
        self.part: Part | None = None
        self.task: asyncio.Task[None] | None = None
        self._tail: Tail | None = None
        self.why = ""
        """It is not kept."""
        self._error: Unavailable | None = None
        self._over = False
        self._waiting = 0
        self._told = asyncio.Event()
        self._telling: asyncio.TimerHandle | None = None
        self._last = 0.0

    def opened(self) -> Part:
        """The part, for whoever knows that there is one."""
        if self.part is None:
            raise LookupError(f"nothing of {self.path} has come yet")
        return self.part

    # What its fetcher says.

    def tell(self, *, now: bool = False) -> None:
        """Something came; those who wait look again."""
        loop = asyncio.get_running_loop()
        left = self._last + _PULSE_SECONDS - loop.time()
        if now or left <= 0:
            self._wake()
        elif self._telling is None:
            self._telling = loop.call_later(left, self._wake)

    def overflow(self, tail: Tail, why: str) -> None:
        """The disk takes no more: what is behind `have` does not come into the file."""
        self._tail, self.why = tail, why
        self.tell(now=True)

    def fail(self, error: Unavailable) -> None:
        """It broke: every reader's transfer breaks too."""
        self._error = error
        self.tell(now=True)

    def end(self) -> None:
        """Nothing more will come."""
        self._over = True
        self.tell(now=True)
        self._close()

    # What its readers ask.

    @property
    def full(self) -> bool:
        """The disk was full before it was whole."""
        return self._tail is not None and not self.whole

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Somebody waits for it."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._deserted()

    async def answered(self) -> Answer:
        """Raises Unavailable where no upstream answers, or what came is wrong before anybody got of it."""
        while self.answer is None and not self.full:
            self._check()
            await self._told.wait()
        return self.answer or "here"

    async def ended(self) -> Known | None:
        """What was kept; None for what was not because the disk is full, and for what is not there.

        Raises Unavailable."""
        while not self._over:
            await self._told.wait()
        self._check()
        return self.known

    def grows(self, first: int, length: int | None) -> Growing:
        """For one who has joined, as long as that lasts, where there is a part."""
        end = None if length is None else first + length
        return Growing(self.opened().file, first, partial(self._reach, end), partial(self._rest, end))

    async def read(self, first: int, length: int | None) -> AsyncGenerator[bytes, None]:
        """The same in pieces."""
        at, end = first, None if length is None else first + length
        while self.part is not None and (upto := await self._reach(end, at)) > at:
            while at < upto:
                piece = await asyncio.to_thread(os.pread, self.part.file.fileno(), min(PIECE, upto - at), at)
                at += len(piece)
                yield piece
        async with aclosing(self._rest(end, at)) as rest:
            async for piece in rest:
                yield piece

    async def _reach(self, end: int | None, at: int) -> int:
        while True:
            self._check()
            shown = self._shown() if end is None else min(self._shown(), end)
            if shown > at:
                return shown
            if self.whole or self.full or (end is not None and at >= end):
                return at
            await self._told.wait()

    def _rest(self, end: int | None, at: int) -> Pieces:
        if not self.full or self._tail is None or (end is not None and at >= end):
            return nothing()
        return _first(self._tail(at), None if end is None else end - at)

    def _shown(self) -> int:
        """How many of its bytes anybody may see."""
        if self.expected is None or self.whole or self.full:
            return self.have  # what does not fit is held back by whoever passes it on
        return max(0, min(self.have, (self.have if self.size is None else self.size) - BLOCK))

    def _check(self) -> None:
        if self._error is not None:
            raise Unavailable(str(self._error), remedy=self._error.remedy)

    def _wake(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        self._last = asyncio.get_running_loop().time()
        self._told.set()
        self._told.clear()

    def _deserted(self) -> None:
        if self._over:
            self._close()
        else:
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._give_up)

    def _give_up(self) -> None:
        far = self.size is not None and 2 * self.have >= self.size
        if not self._waiting and not self._over and not far and self.task is not None:
            self.given_up = True
            self.task.cancel()

    def _close(self) -> None:
        if self._over and not self._waiting and self.part is not None:
            self.part.file.close()


async def _first(pieces: Pieces, length: int | None) -> AsyncGenerator[bytes, None]:
    """So many bytes of it. The source is ended with it."""
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece[:length]
            if length is not None:
                length -= len(piece)
                if length <= 0:
                    break
