"""What a database is to the rest of the store: transactions, for work that is written once for all kinds."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Executable

Result = TypeVar("Result")


class Session(Protocol):
    """A transaction that is under way."""

    async def execute(self, statement: Executable, parameters: Any = None, /) -> CursorResult[Any]: ...
    async def scalar(self, statement: Executable, parameters: Any = None, /) -> Any: ...


Work = Callable[[Session], Awaitable[Result]]
"""Waits for nothing but its session. It may be run a second time where the first was rolled back."""


class Base(Protocol):
    async def read(self, work: Work[Result]) -> Result: ...
    async def write(self, work: Work[Result]) -> Result:
        """Written when it returns; rolled back where the work, or writing it, raises.

        A caller that goes away leaves it to end in peace.
        """
        ...

    async def run(self, function: Callable[[Connection], Result], *, writes: bool = False) -> Result:
        """A plain function in a transaction of its own."""
        ...

    async def version(self) -> object:
        """Changes whenever something was written, by whomever; None: this database does not tell."""
        ...

    async def close(self) -> None:
        """Waits for the writes under way."""
        ...
