"""Statements that are made once and only change something, handed to SQLite as they are.

SQLAlchemy says how a statement and its values look to the driver, once. After that its way of executing
takes many times as long as SQLite itself.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update
from sqlalchemy.exc import IntegrityError, OperationalError

Change = Insert | Update
Values = Mapping[str, Any]
_MOST = 256


@dataclass(frozen=True, slots=True)
class _Form:
    """`fixed` are the values that stand in the statement itself."""

    statement: Change
    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    to_driver: Mapping[str, Callable[[Any], Any]]

    def values(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        found = []
        for name in self.names:
            value = given[name] if name in given else self.fixed[name]
            process = self.to_driver.get(name)
            found.append(process(value) if process else value)
        return tuple(found)


class Prepared:
    """Used by the writer's thread alone."""

    def __init__(self) -> None:
        self._forms: dict[tuple[int, tuple[str, ...]], _Form] = {}

    def execute(
        self,
        connection: Connection,
        statement: Change,
        given: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    ) -> sqlite3.Cursor:
        """The driver's cursor, which knows its `rowcount`. Raises SQLAlchemy's errors."""
        many = not isinstance(given, Mapping)
        rows: Sequence[Values] = [given] if isinstance(given, Mapping) else given
        form = self._form(connection.dialect, statement, tuple(rows[0]))
        to = raw(connection)
        try:
            values = [form.values(row) for row in rows]
            return to.executemany(form.sql, values) if many else to.execute(form.sql, values[0])
        except sqlite3.IntegrityError as error:
            raise IntegrityError(form.sql, None, error) from error
        except sqlite3.Error as error:
            raise OperationalError(form.sql, None, error) from error

    def _form(self, dialect: Dialect, statement: Change, keys: tuple[str, ...]) -> _Form:
        form = self._forms.get((id(statement), keys))
        if form is None:
            if len(self._forms) >= _MOST:
                self._forms.clear()
            form = self._forms[id(statement), keys] = _form_of(dialect, statement, keys)
        return form


def raw(connection: Connection) -> sqlite3.Connection:
    """SQLite's own connection behind SQLAlchemy's."""
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)  # noqa: S101 - only SQLite's engine comes here
    return found


def _form_of(dialect: Dialect, statement: Change, keys: tuple[str, ...]) -> _Form:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(keys))
    processors = {
        name: process
        for name, bind in compiled.binds.items()
        if (process := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    return _Form(statement, str(compiled), tuple(compiled.positiontup), dict(compiled.params), processors)
