"""SQLite without a thread's turn for each statement: a whole transaction is one call in one thread.

A statement takes microseconds there; handing it to another thread and waiting takes ten times as long.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Engine, Executable, Insert, Update

from provisioner.store.base import Result, Work
from provisioner.store.prepared import Prepared, raw

_READERS = 4
_AT_ONCE = 32


class _Session:
    """What is waited for is there already."""

    def __init__(self, connection: Connection, prepared: Prepared | None) -> None:
        self._connection = connection
        self._prepared = prepared

    async def execute(self, statement: Executable, parameters: Any = None, /) -> CursorResult[Any]:
        if parameters and self._prepared is not None and isinstance(statement, Insert | Update):
            done = self._prepared.execute(self._connection, statement, parameters)
            return cast("CursorResult[Any]", done)
        return self._connection.execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Any = None, /) -> Any:
        return self._connection.scalar(statement, parameters)


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


class Direct:
    """`engine` is a plain one. Writes that wait while another is under way go to the disk together."""

    def __init__(self, engine: Engine, file: Path) -> None:
        self._engine = engine
        self._file = file
        self._reading = ThreadPoolExecutor(_READERS, thread_name_prefix="store-read")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._prepared = Prepared()
        self._writes = engine.execution_options(writes=True)
        self._waiting: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._watch: sqlite3.Connection | None = None

    async def read(self, work: Work[Result]) -> Result:
        return await _in(self._reading, lambda: self._alone(work, writes=False))

    async def write(self, work: Work[Result]) -> Result:
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_on())
        return await done

    async def run(self, function: Callable[[Connection], Result], *, writes: bool = False) -> Result:
        def call() -> Result:
            with self._for(writes=writes).begin() as connection:
                return function(connection)

        return await _in(self._writing if writes else self._reading, call)

    async def version(self) -> object:
        """Asked of a connection that does nothing else, in place: it reads no table and waits for nobody."""
        try:
            if self._watch is None:
                self._watch = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=0)
            return self._watch.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            return None

    async def close(self) -> None:
        while self._writer is not None and not self._writer.done():
            await asyncio.wait({self._writer})
        if self._watch is not None:
            self._watch.close()
        await _in(self._writing, self._engine.dispose)
        for threads in (self._reading, self._writing):
            threads.shutdown(wait=False)

    async def _write_on(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            outcomes = await _in(self._writing, self._together, [work for work, _ in batch])
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                if done.cancelled():
                    continue
                if isinstance(outcome, _Failed):
                    done.set_exception(outcome.error)
                else:
                    done.set_result(outcome)

    def _together(self, works: list[Work[Any]]) -> list[Any]:
        """Each work's result or failure, all in one transaction: one that fails takes back only itself."""
        if len(works) > 1:
            # What is left of a transaction that SQLite itself gave up is nothing: each has its own then.
            with contextlib.suppress(Exception):
                return self._shared(works)
        return [self._outcome(work) for work in works]

    def _shared(self, works: list[Work[Any]]) -> list[Any]:
        outcomes: list[Any] = []
        with self._writes.begin() as connection:
            run = raw(connection).execute  # SQLAlchemy's own savepoints take many times as long
            for work in works:
                run("SAVEPOINT work")
                try:
                    outcomes.append(_carried_out(connection, work, self._prepared))
                except Exception as error:
                    run("ROLLBACK TO work")
                    outcomes.append(_Failed(error))
                run("RELEASE work")
        return outcomes

    def _outcome(self, work: Work[Any]) -> Any:
        try:
            return self._alone(work, writes=True)
        except BaseException as error:
            return _Failed(error)

    def _for(self, *, writes: bool) -> Engine:
        return self._writes if writes else self._engine

    def _alone(self, work: Work[Result], *, writes: bool) -> Result:
        with self._for(writes=writes).begin() as connection:
            return _carried_out(connection, work, self._prepared if writes else None)


def _carried_out(connection: Connection, work: Work[Result], prepared: Prepared | None) -> Result:
    """Its result at once: nothing that it waits for takes time."""
    steps = work(_Session(connection, prepared)).__await__()
    try:
        next(steps)
    except StopIteration as end:
        return cast("Result", end.value)
    raise RuntimeError("a transaction waits for something beside its database")


async def _in(threads: ThreadPoolExecutor, function: Callable[..., Result], *arguments: Any) -> Result:
    return await asyncio.get_running_loop().run_in_executor(threads, function, *arguments)
