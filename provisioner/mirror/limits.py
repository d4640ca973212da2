"""What one host is asked for at a time: connections, and bytes a second, shared fairly by those that wait."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from urllib.parse import urlsplit

from provisioner.core.errors import Unavailable

WAIT_SECONDS = 60.0
"""So long a free connection is waited for; many files wait behind few large ones."""
_SLICE = 64 * 1024
"""Bytes are shared out in slices, so that large pieces get no more than small ones."""
_AHEAD_SECONDS = 0.1
"""What a host may be ahead of its rate: a sleep is never exact."""


class Limits:
    """For each host: at most `connections` at once, `bandwidth` bytes a second; 0: no limit.

    Whoever waits is served in the order of coming. Of bytes each transfer has one slice waiting at a time, so
    all transfers get the same share. For one event loop.
    """

    def __init__(self, connections: int = 0, bandwidth: int = 0) -> None:
        self._connections = connections
        self._bandwidth = bandwidth
        self._slots: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(connections))
        self._free: defaultdict[str, float] = defaultdict(float)
        self._waiting: Counter[str] = Counter()

    async def connect(self, url: str) -> Callable[[], None]:
        """Waits for a connection to the URL's host; what comes back gives it free.

        Raises Unavailable where none becomes free.
        """
        if not self._connections:
            return _nothing
        slots = self._slots[host(url)]
        self._waiting[host(url)] += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await slots.acquire()
        except TimeoutError:
            raise Unavailable(
                f"all {self._connections} connections to {host(url)} are in use, for {WAIT_SECONDS:.0f} s",
                remedy="raise the setting mirror_connections, or give the tree further mirrors",
            ) from None
        finally:
            self._waiting[host(url)] -= 1
        return slots.release

    def saturated(self) -> str:
        """A clause that names a host for whose connections files wait just now, "" for none."""
        waited = next((name for name, count in self._waiting.items() if count), "")
        return f"files wait for a connection to {waited}" if waited else ""

    async def spend(self, url: str, length: int) -> None:
        """Waits until the URL's host may have sent so many bytes."""
        name, clock = host(url), asyncio.get_running_loop().time
        while self._bandwidth and length > 0:
            part = min(length, _SLICE)
            length -= part
            self._free[name] = max(clock() - _AHEAD_SECONDS, self._free[name]) + part / self._bandwidth
            await asyncio.sleep(self._free[name] - clock())


def host(url: str) -> str:
    """Name and port, as the URL has them."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _nothing() -> None:
    pass
