"""The same for each of many names: many at a time, each by itself."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar

Asked = TypeVar("Asked")
Result = TypeVar("Result")

_AT_ONCE = 32


async def each(
    asked: Sequence[Asked],
    make: Callable[[Asked], Awaitable[Result]],
    *,
    at_once: int = 0,
    until: Callable[[Result], Awaitable[object]] | None = None,
) -> AsyncGenerator[tuple[Asked, Result | Exception]]:
    """Gives each with its result, or with what stood against it, as it is done.

    At most `at_once` at a time, 0: as many as may be; one that was made counts as long as `until` takes.
    Who stops listening stops those that were not begun.
    """
    turns = asyncio.Semaphore(at_once or _AT_ONCE)
    done: asyncio.Queue[tuple[Asked, Result | Exception]] = asyncio.Queue()

    async def one(item: Asked) -> None:
        async with turns:
            made = await attempt(make(item))
            done.put_nowait((item, made))
            if until is not None and not isinstance(made, Exception):
                await attempt(until(made))

    making = [asyncio.create_task(one(item)) for item in asked]
    try:
        for _ in making:
            yield await done.get()
    finally:
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)


async def attempt(making: Awaitable[Result]) -> Result | Exception:
    """What comes of it, a failure included."""
    try:
        return await making
    except Exception as error:
        return error
