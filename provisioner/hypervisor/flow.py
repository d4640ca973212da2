"""Bytes between the event loop and a thread, a few pieces at a time: the slower of the two sets the pace."""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Iterator

_DEPTH = 8


class Abandoned(Exception):
    """The other side has gone: what was begun is to be taken back."""


class Feed:
    """From the loop into a thread, which iterates over it.

    The loop's side ends with `end()` or `fail()`, and says `leave()` once the thread takes no more.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(_DEPTH)
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._failed = False
        self._left = False

    async def put(self, piece: bytes) -> bool:
        """Waits for room. False where the thread takes no more."""
        await self._room.acquire()
        if self._left:
            return False
        self._pieces.put(piece)
        return True

    def end(self) -> None:
        self._pieces.put(None)

    def fail(self) -> None:
        """The thread gets Abandoned at its next piece."""
        self._failed = True
        self._pieces.put(None)

    def leave(self) -> None:
        """In the loop: the thread takes no more."""
        self._left = True
        for _ in range(_DEPTH):
            self._room.release()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            piece = self._pieces.get()
            if self._failed:
                raise Abandoned
            if piece is None:
                return
            yield piece
            self._loop.call_soon_threadsafe(self._room.release)


class Drain:
    """From a thread into the loop, which iterates over it and calls `leave()` whenever it is done."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = threading.Semaphore(_DEPTH)
        self._pieces: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
        self._left = False

    def put(self, piece: bytes) -> None:
        """In the thread. Raises Abandoned where nobody reads any more."""
        self._room.acquire()
        if self._left:
            raise Abandoned
        self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    def over(self, error: BaseException | None) -> None:
        """In the loop: after the last piece, or with what the reader is to get instead."""
        self._pieces.put_nowait(error)

    def leave(self) -> None:
        """In the loop: nothing more is wanted."""
        self._left = True
        for _ in range(_DEPTH):
            self._room.release()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            piece = await self._pieces.get()
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise piece
            self._room.release()
            yield piece
