"""Short transactions: readers side by side, writers one after another, none cut off by its caller."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Delete, RowMapping, Select, Update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from provisioner.core.errors import Unavailable
from provisioner.store.engine import connect, database_errors, sqlite_file

Result = TypeVar("Result")
Work = Callable[[AsyncSession], Awaitable[Result]]


def _now() -> datetime:
    return datetime.now(UTC)


async def changed(session: AsyncSession, statement: Update | Delete) -> int:
    """How many rows the statement changed."""
    return cast(CursorResult[Any], await session.execute(statement)).rowcount


class Sessions:
    """What every part of the store is built on. `token_life` is how far a sign of life pushes an expiry."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], datetime] = _now,
        token_life: timedelta = timedelta(minutes=60),
    ) -> None:
        self.url = url
        self._clock = clock
        self._token_life = token_life
        self._engine: AsyncEngine | None = None
        self._writer = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self._file = sqlite_file(url)

    async def open(self) -> None:
        """Readies the engine; connections are made as they are needed."""
        if self._engine is None:
            self._engine = connect(self.url)
            self._readers = async_sessionmaker(self._engine)
            self._writers = async_sessionmaker(self._engine.execution_options(writes=True))

    async def close(self) -> None:
        """Waits for the writes under way, then closes every connection."""
        while self._running:
            await asyncio.wait(self._running)
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise Unavailable("the database is closed")
        return self._engine

    async def _read(self, work: Work[Result]) -> Result:
        self._opened()
        return await self._owned(self._in_session(self._readers, work))

    async def _write(self, work: Work[Result]) -> Result:
        self._opened()

        async def alone() -> Result:
            async with self._writer:
                return await self._in_session(self._writers, work)

        return await self._owned(alone())

    async def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        async def work(session: AsyncSession) -> Sequence[RowMapping]:
            found: Sequence[RowMapping] = (await session.execute(query)).mappings().all()
            return found

        return await self._read(work)

    async def _row(self, query: Select[Any]) -> RowMapping | None:
        return next(iter(await self._rows(query.limit(1))), None)

    async def _change(self, statement: Update | Delete) -> int:
        """How many rows the statement changed."""

        async def work(session: AsyncSession) -> int:
            return await changed(session, statement)

        return await self._write(work)

    async def _in_session(self, sessions: async_sessionmaker[AsyncSession], work: Work[Result]) -> Result:
        with database_errors(self.url):
            async with sessions.begin() as session:
                return await work(session)

    async def _owned(self, transaction: Coroutine[Any, Any, Result]) -> Result:
        """A task of our own owns the transaction: a caller that goes away leaves it to end in peace."""
        task = asyncio.create_task(transaction)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)
