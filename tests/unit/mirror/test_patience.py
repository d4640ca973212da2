"""An upstream that says nothing, or next to nothing, has broken off; a slow one has not."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from provisioner.mirror.patience import Patience, Silent


async def pieces(size: int, count: int, pause: float) -> AsyncGenerator[bytes, None]:
    for _ in range(count):
        await asyncio.sleep(pause)
        yield bytes(size)


@pytest.mark.parametrize(
    ("size", "count", "pause"), [(1, 1, 0.0), (100_000, 3, 0.0), (100, 5, 0.3)], ids=["one", "quick", "slow"]
)
async def test_what_comes_is_passed_on(size: int, count: int, pause: float) -> None:
    patience = Patience(silent=1, least=100)
    assert [len(piece) async for piece in patience.read(pieces(size, count, pause), "x")] == [size] * count


@pytest.mark.parametrize(
    ("size", "pause", "words"),
    [(1000, 60.0, "nothing came for 0.1 s"), (1, 0.02, "bytes came within 0.1 s")],
    ids=["silent", "a few bytes"],
)
async def test_what_hardly_comes_has_broken_off(size: int, pause: float, words: str) -> None:
    with pytest.raises(Silent, match=words):
        async for _ in Patience(silent=0.1, least=1000).read(pieces(size, 100, pause), "x"):
            pass
