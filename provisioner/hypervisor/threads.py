"""Bounded threads for calls that block, for one host alone.

They are daemon threads, unlike those of concurrent.futures: a call that a frozen host never answers must not
keep the process from ending.
"""

import asyncio
import contextlib
import ctypes
import queue
import threading
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_Work = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]", bool]


class _GivenUp(BaseException):
    """Raised inside a call that nobody waits for any longer."""


class Threads:
    """At most `most` threads, begun as they are needed; further calls wait for a free one."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._begun = 0
        self._idle = 0
        self._changing: set[int] = set()

    def submit(self, call: Callable[[], T], *, changes: bool = False) -> "asyncio.Future[T]":
        """The call's future in the running loop. One that is cancelled before its turn is never made.

        `changes`: it does something in steps, and the remaining ones must not be done once it is given up.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.put((call, loop, future, changes))
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

    def give_up(self) -> None:
        """The same, and a change that comes back from libvirt late goes no further: it was undone already.

        What libvirt handed it just then is lost, and its connection never closes. A question goes on.
        """
        with self._lock:
            for _ in range(self._begun):
                self._waiting.put(None)
            for thread in self._changing:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_GivenUp))

    def _serve(self) -> None:
        with contextlib.suppress(_GivenUp):
            while (work := self._next()) is not None:
                _carry_out(*work[:3])
                with self._lock:
                    self._changing.discard(threading.get_ident())
                del work  # the call may hold the last reference to a connection, which closes with it

    def _next(self) -> _Work | None:
        with self._lock:
            self._idle += 1
        work = self._waiting.get()
        with self._lock:
            self._idle -= 1
            if work is not None and work[3]:
                self._changing.add(threading.get_ident())
        return work


def _carry_out(
    call: Callable[[], Any], loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Any]"
) -> None:
    if future.cancelled():
        return
    result, error = None, None
    try:
        result = call()
    except BaseException as caught:
        # A traceback keeps its frames, and these what they held: connections would close much later, and in
        # whichever thread the garbage is collected, which then waits for a frozen daemon.
        traceback.clear_frames(caught.__traceback__)
        error = caught
    del call
    try:
        loop.call_soon_threadsafe(_tell, future, result, error)
    except RuntimeError:  # the loop ended before us
        pass
    finally:
        del result, error


def _tell(future: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
