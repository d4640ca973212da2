"""A short memory for what was said, so that a machine that asks all night does not fill the timeline."""

from collections import OrderedDict
from collections.abc import Hashable


class Quiet:
    """Remembers at most `size` keys. The caller gives the time in seconds, from any clock that only grows."""

    def __init__(self, period: float, size: int = 4096) -> None:
        self._period = period
        self._size = size
        self._said: OrderedDict[Hashable, float] = OrderedDict()

    def first(self, key: Hashable, now: float) -> bool:
        """Whether `key` is new, or its period is over; then it counts as said now."""
        said = self._said.get(key)
        if said is not None and now - said < self._period:
            return False
        self._said[key] = now
        self._said.move_to_end(key)
        if len(self._said) > self._size:
            self._said.popitem(last=False)
        return True


class Bucket:
    """A token bucket for each key: `rate` a second, `burst` at once. Remembers at most `size` keys."""

    def __init__(self, rate: float, burst: float, size: int = 4096) -> None:
        self._rate = rate
        self._burst = burst
        self._size = size
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float) -> bool:
        """Whether `key` may go on now."""
        left, since = self._left.get(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        self._left.move_to_end(key)
        if len(self._left) > self._size:
            self._left.popitem(last=False)
        return allowed
