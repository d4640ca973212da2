from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.install import Install, Stage
from provisioner.store.database import Database
from tests.fakes import START

INSTALL = Install("i1", "web1", "52:54:00:00:00:01", "u", "tiny", Stage.PLANNED, START, START)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'state' / 'provisioner.db'}"


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one install, i1."""
    database = Database(url)
    await database.open()
    await database.migrate(tmp_path / "backup")
    await database.add_install(INSTALL, None)
    yield database
    await database.close()
