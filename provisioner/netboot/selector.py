"""An event loop's selector that serves some sockets by itself.

A packet that is answered where it is waited for costs half of one that goes through the loop, and a client in
lock-step is as fast as that.
"""

import asyncio
import select
import selectors
import time
from collections.abc import Callable

Serve = Callable[[], bool]
"""Serves a socket that is readable; whether nothing has come of it that the loop should look at."""


class HotSelector(selectors.EpollSelector):
    """Everything else comes first: a packet for another socket, and what the loop has to do by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._both = select.epoll()  # of it all: the loop's own selector, and the sockets served here
        self._both.register(self.fileno(), select.EPOLLIN)
        self._hot: dict[int, Serve] = {}
        self._turn = True
        """Whether the loop's own go first, where both have something."""

    def serve(self, descriptor: int, served: Serve) -> None:
        self._both.register(descriptor, select.EPOLLIN)
        self._hot[descriptor] = served

    def forget(self, descriptor: int) -> None:
        self._both.unregister(descriptor)
        del self._hot[descriptor]

    def close(self) -> None:
        self._both.close()
        super().close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            ready = self._both.poll(timeout)
            hot = [served for descriptor, _ in ready if (served := self._hot.get(descriptor)) is not None]
            quiet = len(hot) == len(ready) and bool(ready)
            if not quiet and hot and self._turn:
                self._turn = False  # the loop's own come before these, but not always
                return super().select(0)
            self._turn = True
            for served in hot:
                quiet = served() and quiet
            if end is not None and quiet:
                timeout = end - time.monotonic()
                quiet = timeout > 0
            if not quiet:
                return super().select(0)


class HotLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop over a `HotSelector`."""

    def __init__(self) -> None:
        self.selector = HotSelector()
        super().__init__(self.selector)
