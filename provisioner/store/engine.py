"""The engine of a database URL, with SQLite told to be durable and to queue its writers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from provisioner.core.errors import Invalid, Unavailable
from provisioner.store.base import Base
from provisioner.store.direct import Direct

BUSY_SECONDS = 30
_REMEDY = "leave it empty, or write sqlite+aiosqlite:////var/lib/provisioner/provisioner.db"
_SQLITE = "sqlite+aiosqlite"
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
)


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL, None for another database. Raises Invalid."""
    try:
        parsed = make_url(url)
    except SQLAlchemyError:
        raise Invalid(f"database_url {url!r} is not a database URL", remedy=_REMEDY) from None
    if parsed.get_backend_name() != "sqlite":
        return None
    if parsed.database in (None, "", ":memory:"):
        raise Invalid(f"database_url {url!r} names no file; the service needs one", remedy=_REMEDY)
    return Path(str(parsed.database))


def connect(url: str) -> Base:
    """The database; nothing is opened yet. A new SQLite file is readable to its owner only."""
    file = sqlite_file(url)
    if file is not None and make_url(url).drivername == _SQLITE:
        _make_file(file)
        return Direct(_sqlite(file), file)
    from sqlalchemy.ext.asyncio import create_async_engine

    from provisioner.store.pooled import Pooled

    try:
        return Pooled(create_async_engine(url, pool_timeout=BUSY_SECONDS, pool_pre_ping=True))
    except (ImportError, SQLAlchemyError) as error:
        raise Invalid(
            f"database_url names a database that cannot be used here: {error}", remedy=_REMEDY
        ) from error


def _sqlite(file: Path) -> Engine:
    engine = create_engine(f"sqlite:///{file}", pool_size=4, max_overflow=4, pool_timeout=BUSY_SECONDS)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_file(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        raise Unavailable(
            f"the database {file} cannot be opened: {error.strerror}",
            remedy="give the service's user that folder, or set state_dir",
        ) from error


def _prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _begin does
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    """A writer takes the lock when it begins: one that took it later could not wait for another's end."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def database_errors(url: str) -> Iterator[None]:
    """The driver's and the pool's errors as one sentence. A broken constraint is for the caller to name."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise Unavailable(f"the database {_place(url)} does not answer: {error.orig}") from error
    except SQLAlchemyError as error:
        raise Unavailable(f"the database {_place(url)} does not answer: {error}") from error


def _place(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True).removeprefix("sqlite+aiosqlite:///")
