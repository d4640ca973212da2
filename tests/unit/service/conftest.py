import pytest

from tests.unit.service.world import World, new_world


@pytest.fixture
async def world() -> World:
    return await new_world()
