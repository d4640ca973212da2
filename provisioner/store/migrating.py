"""Brings a database to this program's form, after a copy of what it was."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from provisioner.core.errors import Unavailable
from provisioner.store.base import Base
from provisioner.store.migrations import HEAD

_SCRIPTS = Path(__file__).parent / "migrations"


async def migrate(base: Base, file: Path | None, backup_dir: Path, now: datetime) -> Path | None:
    """Does nothing where the form is right already, so that a second start costs one query."""
    present = await base.run(_revision)
    if present == HEAD:
        return None
    copy = None
    if present:
        _refuse_unknown(present)
        if file is not None:
            copy = backup_dir / f"{file.stem}-{present}-{now:%Y%m%dT%H%M%S%fZ}.db"
            await asyncio.to_thread(_copy, file, copy)
    await base.run(_upgrade, writes=True)
    return copy


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")


def _copy(file: Path, copy: Path) -> None:
    """A whole copy, the pages still in the write-ahead log included."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.touch(mode=0o600)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _refuse_unknown(revision: str) -> None:
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        ScriptDirectory(str(_SCRIPTS)).get_revision(revision)
    except CommandError as error:
        raise Unavailable(
            f"the database was written by a newer provisioner: it has form {revision}, this one reads {HEAD}",
            remedy="run the newer version, or put back the copy that it made before its migration",
        ) from error


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    command.upgrade(config, "head")
