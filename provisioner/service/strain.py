"""What is saturated just now, as netboot's own events and the mirror tell."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from provisioner.core.install import Kind
from provisioner.service.ports import Clock, Store

_KINDS = (Kind.LOADER_SENT, Kind.KERNEL_SENT, Kind.INITRD_SENT, Kind.LOADER_FAILED)
_WINDOW = timedelta(seconds=30)
_BAD = 3
_KEPT_SECONDS = 1.0
_PAGE = 1000


class Strain:
    """`upstream` gives a clause that says which upstream is asked for all that it gives, "" for none."""

    def __init__(self, store: Store, clock: Clock, upstream: Callable[[], str] = lambda: "") -> None:
        self._store = store
        self._clock = clock
        self._upstream = upstream
        self._seen = -1
        self._bad: list[datetime] = []
        self._told = (float("-inf"), "")

    async def __call__(self) -> str:
        """A clause, "" while nothing is saturated. What was told is good for a second."""
        at, told = self._told
        if time.monotonic() - at >= _KEPT_SECONDS:
            told = self._upstream() or await self._tftp()
            self._told = time.monotonic(), told
        return told

    async def _tftp(self) -> str:
        """Three transfers within half a minute that lost packets, or that nobody acknowledged any more."""
        if self._seen < 0:
            self._seen = max(0, await self._store.last_event_id() - _PAGE)
        now = self._clock()
        while page := await self._store.events(after=self._seen, kinds=_KINDS, limit=_PAGE):
            self._seen = page[-1].id
            self._bad.extend(
                event.at
                for event in page
                if event.source == "tftp" and (event.kind is Kind.LOADER_FAILED or event.data.get("lossy"))
            )
        self._bad = [at for at in self._bad if now - at <= _WINDOW]
        return "TFTP loses packets" if len(self._bad) >= _BAD else ""
