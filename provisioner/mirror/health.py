"""How an upstream does: well, down for a growing while, or set aside for what it gave."""

import asyncio
import time
from dataclasses import dataclass
from typing import Literal

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
"""A server that does not answer is left alone so long, twice as long each time it does not."""
ASIDE_SECONDS = 300.0
DOUBT_SECONDS = 30.0
STRIKES = 3
"""So many refusals in a row, and an upstream that answers is down all the same."""

State = Literal["ok", "aside", "down"]


@dataclass(frozen=True, slots=True)
class Health:
    """An upstream as it is told: `since` in seconds since 1970, 0 for one that was never otherwise.

    `reason` is "" where it is ok. `bytes` and `requests` are what came from it since the service started.
    """

    url: str
    state: State
    since: float
    reason: str
    bytes: int
    requests: int


class Condition:
    """What was seen of one server, or of one root on it. For one event loop."""

    def __init__(self) -> None:
        self.trial = asyncio.Lock()
        """Held by whoever finds out whether a server that was down is back."""
        self.reason = ""
        self.since = 0.0
        self._down = False
        self._again = 0.0
        self._marked = 0.0
        self._outages = 0
        self._strikes = 0
        self._aside = 0.0

    @property
    def state(self) -> State:
        return "down" if self._down else "aside" if time.monotonic() < self._aside else "ok"

    def pause(self) -> float:
        """Seconds until it may be asked again, 0 or less where it may be now."""
        return self._again - time.monotonic() if self._down else 0.0

    def well(self) -> None:
        if self._down:
            self._down, self.reason, self.since = False, "", time.time()
        self._outages = self._strikes = 0

    def fail(self, reason: str, began: float) -> None:
        """It did not answer what was asked at `began` (monotonic). An outage counts once, whoever saw it."""
        now = time.monotonic()
        if self._down and began < self._marked:
            return
        if not self._down:
            self.since = time.time()
        self._again = now + min(LONGEST_SECONDS, FIRST_SECONDS * 2**self._outages)
        self._down, self._marked, self.reason = True, now, reason
        self._outages = min(self._outages + 1, 16)

    def strike(self, reason: str, began: float) -> None:
        """It answered that it cannot."""
        self._strikes += 1
        if self._strikes >= STRIKES:
            self.fail(reason, began)

    def set_aside(self, reason: str, seconds: float = ASIDE_SECONDS) -> None:
        """It is asked only where no other has the file."""
        if self.state == "ok":
            self.since = time.time()
        self._aside = max(self._aside, time.monotonic() + seconds)
        self.reason = reason
