"""Answers of the store that may be a second old: an installer asks for hundreds of files in a row."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")
FRESH_SECONDS = 1.0
MOMENT_SECONDS = 0.25
_REMEMBERED = 1024


@dataclass(slots=True)
class _Known(Generic[Value]):
    value: Value
    loaded: float
    until: float


class Recent(Generic[Value]):
    """Errors are not kept. The oldest answers go first."""

    def __init__(self, load: Callable[[str], Awaitable[Value]]) -> None:
        self._load = load
        self._known: dict[str, _Known[Value]] = {}
        self._loading: dict[str, asyncio.Task[Value]] = {}
        self._forgotten = 0

    def peek(self, key: str) -> tuple[Value] | None:
        """What `get` would give from memory, None where it would have to ask.

        Of many that ask when an answer has become old one is told so; the others go on with what is known
        for the moment that it needs.
        """
        known = self._known.get(key)
        if known is None:
            return None
        now = time.monotonic()
        if now > known.until:
            known.until = now + MOMENT_SECONDS
            return None
        return None if now > known.loaded + 2 * FRESH_SECONDS else (known.value,)

    async def get(self, key: str) -> Value:
        """The value of a moment ago, or a new one, loaded once for all who ask meanwhile.

        Raises what loading raises.
        """
        known = self._known.get(key)
        if known is not None and time.monotonic() - known.loaded < FRESH_SECONDS:
            return known.value
        loading = self._loading.get(key)
        if loading is None:
            self._loading[key] = loading = asyncio.create_task(self._loaded(key))
            loading.add_done_callback(lambda task: self._over(key, task))
        return await asyncio.shield(loading)

    async def _loaded(self, key: str) -> Value:
        before = self._forgotten
        value = await self._load(key)
        if self._forgotten != before:
            return value  # what was forgotten meanwhile may be what this is
        now = time.monotonic()
        known = self._known.pop(key, None)
        if known is not None and known.value == value:
            value = known.value  # the same as before is told by being the same
        self._known[key] = _Known(value, now, now + FRESH_SECONDS)
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return value

    def _over(self, key: str, task: asyncio.Task[Value]) -> None:
        if self._loading.get(key) is task:
            del self._loading[key]
        if not task.cancelled():
            task.exception()  # whoever waited was told; where nobody did any more, nobody is

    def forget(self, key: str) -> None:
        self._known.pop(key, None)
        self._loading.pop(key, None)
        self._forgotten += 1
