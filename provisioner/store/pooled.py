"""A database behind an asynchronous driver, as PostgreSQL is; only who needs that large library loads it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from provisioner.store.base import Result, Session, Work


class Pooled:
    """A database behind an asynchronous driver: readers side by side, our writers one after another."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._readers = async_sessionmaker(engine)
        self._writers = async_sessionmaker(engine.execution_options(writes=True))
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()

    async def read(self, work: Work[Result]) -> Result:
        async def transaction() -> Result:
            async with self._readers.begin() as session:
                return await work(cast("Session", session))

        return await self._owned(transaction())

    async def write(self, work: Work[Result]) -> Result:
        async def transaction() -> Result:
            async with self._turn, self._writers.begin() as session:
                return await work(cast("Session", session))

        return await self._owned(transaction())

    async def run(self, function: Callable[[Connection], Result], *, writes: bool = False) -> Result:
        options: dict[str, Any] = {"writes": writes}
        async with self._engine.execution_options(**options).begin() as connection:
            return await connection.run_sync(function)

    async def version(self) -> object:
        return None

    async def close(self) -> None:
        while self._running:
            await asyncio.wait(self._running)
        await self._engine.dispose()

    async def _owned(self, transaction: Coroutine[Any, Any, Result]) -> Result:
        """A task of our own owns the transaction: a caller that goes away leaves it to end in peace."""
        task = asyncio.create_task(transaction)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)
