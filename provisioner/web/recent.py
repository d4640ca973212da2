"""Answers of the store that may be a second old: an installer asks for hundreds of files in a row."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")
FRESH_SECONDS = 1.0
_REMEMBERED = 1024


class Recent(Generic[Value]):
    """Errors are not kept. The oldest answers go first."""

    def __init__(self, load: Callable[[str], Awaitable[Value]]) -> None:
        self._load = load
        self._known: dict[str, tuple[float, Value]] = {}

    def peek(self, key: str) -> tuple[Value] | None:
        """What `get` would give from memory, None where it would have to ask."""
        known = self._known.get(key)
        if known is None or time.monotonic() - known[0] >= FRESH_SECONDS:
            return None
        return known[1:]

    async def get(self, key: str) -> Value:
        """The value of a moment ago, or a new one. Raises what loading raises."""
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[0] < FRESH_SECONDS:
            return known[1]
        value = await self._load(key)
        self._known.pop(key, None)
        self._known[key] = (time.monotonic(), value)
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return value

    def forget(self, key: str) -> None:
        self._known.pop(key, None)
