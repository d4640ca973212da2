"""The stores that the contract is asked of."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.service.ports import Store
from provisioner.store.database import Database
from tests.fakes import FakeClock
from tests.memory import MemoryStore


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["database", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'provisioner.db'}", clock=clock)
    await database.open()
    await database.migrate(tmp_path)
    yield database
    await database.close()
