"""The same for each of many names: many at a time, each by itself."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar

Asked = TypeVar("Asked")
Result = TypeVar("Result")

_AT_ONCE = 32


async def each(
    asked: Sequence[Asked], make: Callable[[Asked], Awaitable[Result]]
) -> AsyncGenerator[tuple[Asked, Result | Exception]]:
    """Gives each with its result, or with what stood against it, as it is done.

    Who stops listening stops those that were not begun.
    """
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Asked) -> tuple[Asked, Result | Exception]:
        async with turns:
            return item, await attempt(make(item))

    making = [asyncio.create_task(one(item)) for item in asked]
    try:
        for done in asyncio.as_completed(making):
            yield await done
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
