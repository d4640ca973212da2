"""What netboot saw, handed to the store in batches: no answer waits for a database."""

import asyncio
import logging
from collections import deque

from provisioner.core.install import Event, Kind
from provisioner.service.ports import Store

_log = logging.getLogger(__name__)
_PERIOD, _AWAY = 0.1, 1.0
"""Seconds that events are gathered for the next transaction; while the store is away."""
_WAITING, _TOGETHER = 20000, 500
"""Events that wait at most, and how many go into one transaction: for each it is ended on the disk once."""


class Recorder:
    """Takes events at once and records them in batches. While the store is away they wait.

    Where more come than the store takes, the oldest make room, and an alarm among the events tells how many.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[Event] = deque()
        self._dropped = 0
        self._came = asyncio.Event()
        self._away = False

    @property
    def behind(self) -> bool:
        """Whether more waits than goes into a transaction, for want of time alone."""
        return len(self._waiting) > _TOGETHER and not self._away

    def emit(self, event: Event) -> None:
        if len(self._waiting) >= _WAITING:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(event)
        self._came.set()

    async def keep(self) -> None:
        """Records until cancelled, and what is left then."""
        try:
            while True:
                if not self._waiting:
                    self._came.clear()
                    await self._came.wait()
                try:
                    await self.flush()
                    self._away = False
                except Exception as error:
                    if not self._away:
                        _log.warning("the store is away, events wait: %s", error)
                    self._away = True
                await asyncio.sleep(_AWAY if self._away else _PERIOD)
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Records what waits; where that fails it goes on waiting."""
        for _ in range(0, len(self._waiting), _TOGETHER):
            batch = [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]
            dropped, self._dropped = self._dropped, 0
            alarm = [_alarm(dropped, batch[0])] if dropped else []
            try:
                await self._store.record(alarm + batch)
            except BaseException:
                self._waiting.extendleft(reversed(batch))
                self._dropped += dropped
                raise


def _alarm(dropped: int, following: Event) -> Event:
    text = f"{dropped} events before this one were dropped: more came than the database took"
    return Event(Kind.ALARM, following.at, "netboot", text=text, data={"dropped": dropped})
