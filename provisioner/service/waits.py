"""How long something has lasted, by a clock that does not jump when somebody sets the date."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioner.service.ports import Clock

Monotonic = Callable[[], float]
"""Seconds of a clock that only goes on."""


def unhurried(clock: Clock, monotonic: Monotonic = time.monotonic) -> Clock:
    """A clock that does not follow `clock` where somebody sets it forward from now on.

    What ends by it ends when that much time has passed, and not because of a date.
    """
    begun, at = clock(), monotonic()
    return lambda: min(clock(), begun + timedelta(seconds=monotonic() - at))


@dataclass(frozen=True, slots=True)
class _Wait:
    evidence: object
    lasted: float
    noted: float


class Waits:
    """The wall clock dates what was before this process, or between two looks; the rest is counted here.

    What is asked for is looked at in rounds: what a round did not see began after it.
    """

    def __init__(self, clock: Clock, monotonic: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._begun = monotonic()
        self._round: float | None = None
        self._waits: dict[str, _Wait] = {}

    def look(self, keys: Collection[str]) -> None:
        """Begins a round, in which only these are asked for; the others are forgotten."""
        self._waits = {key: wait for key, wait in self._waits.items() if key in keys}

    def looked(self) -> None:
        """Ends a round."""
        self._round = self._monotonic()

    def lasts(self, key: str, evidence: object, began: datetime, before: float) -> float:
        """Seconds since `began`, which the wall clock dated when `evidence` was new.

        A wait begins anew with other evidence. At the first look of a new process the date is believed, but
        for no more than `before` seconds of the time in which nobody watched.
        """
        now = self._monotonic()
        known = self._waits.get(key)
        if known is None or known.evidence != evidence:
            dated = max(0.0, (self._clock() - began).total_seconds())
            most = now - self._begun + before if self._round is None else now - self._round
            known = self._waits[key] = _Wait(evidence, min(dated, most), now)
        return known.lasted + now - known.noted
