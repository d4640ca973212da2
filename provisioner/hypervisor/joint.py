"""One answer for several who ask the same at about one time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Joint(Generic[T]):
    """`ask` is put once for all who came before it began; who comes later waits for the next.

    Nobody is given what was found out before they asked.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._asking: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Raises what `ask` raises. A caller that is cancelled leaves the others their answer."""
        if self._next is None:
            self._next = asyncio.create_task(self._put(self._asking))
            self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._next)

    async def _put(self, before: "asyncio.Task[T] | None") -> T:
        if before is not None:
            await asyncio.wait({before})
        self._asking, self._next = self._next, None
        try:
            return await self._ask()
        finally:
            if self._asking is asyncio.current_task():
                self._asking = None  # a failure that is kept keeps what its frames hold: a lost connection
