"""Upstreams that break off, change and stall by chance, clients that leave by chance: never a wrong byte."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Unavailable
from provisioner.mirror import filling
from tests.edges.mirror.cached import World, made_world

SIZE = 400_000
STATES = [os.urandom(SIZE) for _ in range(3)]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with made_world(tmp_path / "mirror") as made:
        yield made


def moods(world: World, chance: random.Random) -> None:
    """What the upstream will do of which it is asked next."""
    origin = world.origin
    state = chance.randrange(len(STATES))
    origin.body, origin.etag = STATES[state], chance.choice(['"{}"', 'W/"{}"']).format(state)
    origin.cuts = [chance.randrange(SIZE) for _ in range(chance.choice((0, 0, 1, 2, 5)))]
    then = chance.randrange(len(STATES))
    origin.then = (STATES[then], f'"{then}"') if chance.random() < 0.4 else None
    origin.ranges, origin.length = chance.random() < 0.6, chance.random() < 0.7
    origin.pause = chance.random()


async def client(world: World, path: str, chance: random.Random) -> None:
    """Takes all of it or a part, or goes away on the way; whatever ends well is of one state."""
    first = chance.choice((0, 0, 0, 1, 70_000, SIZE - 10))
    asked = {"Range": f"bytes={first}-"} if first else {}
    leaves = chance.randrange(SIZE) if chance.random() < 0.3 else SIZE
    got = bytearray()
    try:
        async with world.open(path, asked) as stream:
            async for piece in stream.chunks():
                got += piece
                if len(got) > leaves:
                    return
            begin = first if stream.status == 206 else 0
    except Unavailable:
        return
    if stream.status in (200, 206):
        assert bytes(got) in [state[begin:] for state in STATES]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("vouched", [False, True])
async def test_whatever_ends_well_is_of_one_state(
    world: World, monkeypatch: pytest.MonkeyPatch, seed: int, vouched: bool
) -> None:
    monkeypatch.setattr(filling, "LINGER_SECONDS", 0.02)
    chance = random.Random(f"{seed}{vouched}")
    for turn in range(6):
        moods(world, chance)
        if vouched:
            world.vouching.say(chance.choice(STATES))
        path = f"{turn}.rpm"
        async with asyncio.TaskGroup() as clients:
            for _ in range(chance.randrange(1, 12)):
                clients.create_task(client(world, path, random.Random(chance.random())))
        await world.settled()
        body = world.kept(path, "1" if vouched else "")
        assert body is None or body in STATES
    assert world.parts() == []
    open_parts = [name for name in os.listdir("/proc/self/fd") if "parts" in _target(name)]
    assert open_parts == []


def _target(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        return ""
