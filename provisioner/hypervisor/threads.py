"""Bounded threads for calls that block, for one host alone.

They are daemon threads, unlike those of concurrent.futures: a call that a frozen host never answers must not
keep the process from ending.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_Work = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class Threads:
    """At most `most` threads, begun as they are needed; further calls wait for a free one."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._begun = 0
        self._idle = 0

    def submit(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """The call's future in the running loop. One that is cancelled before its turn is never made."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.put((call, loop, future))
        with self._lock:
            if self._idle < self._waiting.qsize() and self._begun < self._most:
                self._begun += 1
                threading.Thread(target=self._serve, name=f"{self._name}-{self._begun}", daemon=True).start()
        return future

    def close(self) -> None:
        """Ends the threads that are free; one that is busy ends after its call."""
        with self._lock:
            for _ in range(self._begun):
                self._waiting.put(None)

    def _serve(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            work = self._waiting.get()
            with self._lock:
                self._idle -= 1
            if work is None:
                return
            _carry_out(*work)
            del work  # the call may hold the last reference to a connection, which closes with it


def _carry_out(
    call: Callable[[], Any], loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Any]"
) -> None:
    if future.cancelled():
        return
    result, error = None, None
    try:
        result = call()
    except BaseException as caught:
        error = caught
    with contextlib.suppress(RuntimeError):  # the loop ended before us
        loop.call_soon_threadsafe(_tell, future, result, error)


def _tell(future: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
