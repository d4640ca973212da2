"""Short transactions: readers side by side, writers one after another, none cut off by its caller."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Delete, RowMapping, Select, Update

from provisioner.core.errors import Unavailable
from provisioner.store.base import Base, Result, Session, Work
from provisioner.store.engine import connect, database_errors, sqlite_file

Noun = TypeVar("Noun")
_AT_ONCE, _BREATH = 64, 0.0002


def _now() -> datetime:
    return datetime.now(UTC)


async def changed(session: Session, statement: Update | Delete) -> int:
    """How many rows the statement changed."""
    return (await session.execute(statement)).rowcount


def _breathe() -> None:
    """Many rows are no one piece of work where the loop is in another thread: it goes on meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        time.sleep(_BREATH)


async def nouns(make: Callable[[RowMapping], Noun], rows: Sequence[RowMapping]) -> list[Noun]:
    """What rows hold. Many are made some at a time, and the loop has its turn between."""
    made: list[Noun] = []
    for begin in range(0, len(rows), _AT_ONCE):
        if begin:
            await asyncio.sleep(0)
        made += [make(row) for row in rows[begin : begin + _AT_ONCE]]
    return made


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
        self._base: Base | None = None
        self._file = sqlite_file(url)

    async def open(self) -> None:
        """Readies the database; connections are made as they are needed."""
        if self._base is None:
            self._base = connect(self.url)

    async def close(self) -> None:
        """Waits for the writes under way, then closes every connection."""
        base = self._base
        if base is not None:
            await base.close()
            self._base = None

    async def version(self) -> object:
        return await self._opened().version()

    def _opened(self) -> Base:
        if self._base is None:
            raise Unavailable("the database is closed")
        return self._base

    async def _read(self, work: Work[Result]) -> Result:
        with database_errors(self.url):
            return await self._opened().read(work)

    async def _write(self, work: Work[Result]) -> Result:
        with database_errors(self.url):
            return await self._opened().write(work)

    async def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        async def work(session: Session) -> Sequence[RowMapping]:
            read = (await session.execute(query)).mappings()
            found: list[RowMapping] = []
            while part := read.fetchmany(_AT_ONCE):
                found += part
                if len(part) == _AT_ONCE:
                    _breathe()
            return found

        return await self._read(work)

    async def _row(self, query: Select[Any]) -> RowMapping | None:
        return next(iter(await self._rows(query.limit(1))), None)

    async def _one(self, made: Select[Any], values: Mapping[str, Any]) -> RowMapping | None:
        """The same for a statement made once: most of what a small one costs is putting it together."""

        async def work(session: Session) -> RowMapping | None:
            return (await session.execute(made, values)).mappings().first()

        return await self._read(work)

    async def _change(self, statement: Update | Delete) -> int:
        """How many rows the statement changed."""

        async def work(session: Session) -> int:
            return await changed(session, statement)

        return await self._write(work)
