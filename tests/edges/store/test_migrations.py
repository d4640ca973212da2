import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from provisioner.core.errors import Unavailable
from provisioner.store import migrating
from provisioner.store.database import Database
from provisioner.store.migrations import HEAD
from provisioner.store.tables import METADATA

SCRIPTS = Path(migrating.__file__).parent / "migrations"
NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"

def upgrade():
    op.add_column("machines", sa.Column("note", sa.Text()))
    {more}
"""


def file_of(url: str) -> Path:
    return Path(url.partition("///")[2])


def columns(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(machines)")}


def form(file: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchall()


@pytest.fixture
def next_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program whose tables are one migration further. Returns that migration's file."""
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    file = scripts / "versions" / "next.py"
    file.write_text(NEXT.format(head=HEAD, more=""))
    monkeypatch.setattr(migrating, "_SCRIPTS", scripts)
    monkeypatch.setattr(migrating, "HEAD", "next")
    return file


async def test_the_migrations_make_the_tables_that_the_code_reads(store: Database, url: str) -> None:
    with create_engine(f"sqlite:///{file_of(url)}").connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        connection.engine.dispose()


def test_head_is_the_last_migration() -> None:
    assert ScriptDirectory(str(SCRIPTS)).get_heads() == [HEAD]


async def test_a_second_start_changes_nothing(store: Database, tmp_path: Path) -> None:
    assert await store.migrate(tmp_path / "backup") is None
    assert not (tmp_path / "backup").exists()


async def test_a_start_at_the_right_form_does_not_load_alembic(
    store: Database, url: str, tmp_path: Path
) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from provisioner.store.database import Database\n"
        "async def main():\n"
        f"    store = Database({url!r})\n"
        "    await store.open()\n"
        f"    await store.migrate(pathlib.Path({str(tmp_path)!r}))\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


async def test_a_migration_copies_the_file_first(
    store: Database, url: str, tmp_path: Path, next_form: Path
) -> None:
    copy = await store.migrate(tmp_path / "backup")

    assert copy is not None and copy.parent == tmp_path / "backup"
    assert (form(copy), form(file_of(url))) == ([(HEAD,)], [("next",)])
    assert "note" in columns(file_of(url)) - columns(copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT id FROM installs").fetchall() == [("i1",)]
    assert (await store.install("i1")).guest == "web1"
    assert await store.migrate(tmp_path / "backup") is None


async def test_a_migration_that_fails_leaves_the_tables_as_they_were(
    store: Database, url: str, tmp_path: Path, next_form: Path
) -> None:
    next_form.write_text(NEXT.format(head=HEAD, more='op.execute("SELECT nonsense FROM nowhere")'))

    with pytest.raises(Unavailable, match="no such table: nowhere"):
        await store.migrate(tmp_path / "backup")

    assert form(file_of(url)) == [(HEAD,)]
    assert "note" not in columns(file_of(url))
    assert (await store.install("i1")).guest == "web1"


async def test_a_database_of_a_newer_program_is_left_alone(store: Database, url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(file_of(url))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    with pytest.raises(Unavailable, match=f"newer provisioner: it has form 9999, this one reads {HEAD}"):
        await store.migrate(tmp_path / "backup")

    assert not (tmp_path / "backup").exists()
    assert form(file_of(url)) == [("9999",)]
