"""What a database is to the rest of the store: transactions, for work that is written once for all kinds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

Result = TypeVar("Result")
Work = Callable[[AsyncSession], Awaitable[Result]]
"""Waits for nothing but its session. It may be run a second time where the first was rolled back."""


class Base(Protocol):
    async def read(self, work: Work[Result]) -> Result: ...
    async def write(self, work: Work[Result]) -> Result:
        """Written when it returns; rolled back where the work, or writing it, raises."""
        ...

    async def run(self, function: Callable[[Connection], Result], *, writes: bool = False) -> Result:
        """A plain function in a transaction of its own."""
        ...

    async def version(self) -> object:
        """Changes whenever something was written, by whomever; None: this database does not tell."""
        ...

    async def close(self) -> None: ...


class Pooled:
    """A database behind an asynchronous driver: readers side by side, our writers one after another."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._readers = async_sessionmaker(engine)
        self._writers = async_sessionmaker(engine.execution_options(writes=True))
        self._turn = asyncio.Lock()

    async def read(self, work: Work[Result]) -> Result:
        async with self._readers.begin() as session:
            return await work(session)

    async def write(self, work: Work[Result]) -> Result:
        async with self._turn, self._writers.begin() as session:
            return await work(session)

    async def run(self, function: Callable[[Connection], Result], *, writes: bool = False) -> Result:
        options: dict[str, Any] = {"writes": writes}
        async with self._engine.execution_options(**options).begin() as connection:
            return await connection.run_sync(function)

    async def version(self) -> object:
        return None

    async def close(self) -> None:
        await self._engine.dispose()
