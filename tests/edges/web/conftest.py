"""One world for each test."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.store.database import Database
from tests.edges.web.world import World


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")

    async def make() -> None:
        store = Database(f"sqlite+aiosqlite:///{folder / 'web.db'}")
        await store.open()
        await store.migrate(folder / "backup")
        await store.close()

    asyncio.run(make())
    return folder / "web.db"


@pytest.fixture
async def world(tmp_path: Path, empty_database: Path) -> AsyncIterator[World]:
    async with World(tmp_path, empty_database) as made:
        yield made
