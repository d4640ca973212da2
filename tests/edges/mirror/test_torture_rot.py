"""Bits that flip on the disk, files cut there: a check finds each and no other, a repair has them again.

TORTURE makes it 100 of 10,000 files.
"""

import asyncio
import os
import random
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from provisioner.core.mirror import Checked
from provisioner.core.profile import Tree
from provisioner.mirror.cache import Cache
from provisioner.mirror.client import session
from provisioner.mirror.objects import Objects
from provisioner.mirror.origins import Origins
from provisioner.mirror.stock import Stock
from provisioner.mirror.upstream import Upstream
from provisioner.service.mirror import Mirror, Verified
from tests.edges.mirror.origin import origin

FULL = os.environ.get("TORTURE", "0") != "0"
FILES, ROTTEN, CUT = (10_000, 100, 20) if FULL else (100, 10, 4)
SIZE = 5000


class Book:
    """The one tree there is."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    async def list(self) -> list[Tree]:
        return [self._tree]

    async def get(self, name: str) -> Tree:
        return self._tree

    async def put(self, tree: Tree) -> None:
        self._tree = tree


async def test_torture_what_rots_is_found_and_fetched_again(tmp_path: Path) -> None:
    chance = random.Random(1)
    tree = {f"package-{number}.rpm": chance.randbytes(SIZE) for number in range(FILES)}
    (tmp_path / "tree").mkdir()
    for name, body in tree.items():
        (tmp_path / "tree" / name).write_bytes(body)
    place = tmp_path / "mirror"
    async with origin(tmp_path / "tree") as upstream, session() as client:
        objects = Objects(place)
        cache = Cache(Origins(Upstream(client).open), objects)
        few = asyncio.Semaphore(16)

        async def fill(name: str) -> None:
            async with few:
                await cache.fill(upstream.url, name)

        await asyncio.gather(*map(fill, tree))
        book = Book(Tree("t", upstream.url, "rhel", "7", "vmlinuz", "initrd"))
        nothing = cast(Any, None)
        stock, clock = Stock(objects, place), partial(datetime.now, UTC)
        mirror = Mirror(book, nothing, cache, stock, nothing, nothing, nothing, nothing, clock)
        places = {kept.known.path: kept.place for kept in objects.walk()}
        rotten = chance.sample(sorted(tree), ROTTEN + CUT)
        for name in rotten[:ROTTEN]:
            flip(places[name], chance.randrange(SIZE), chance.randrange(8))
        for name in rotten[ROTTEN:]:
            os.truncate(places[name], chance.randrange(SIZE))

        found = [item async for item in mirror.verify()]
        broken = {item.place for item in found if isinstance(item, Checked) and item.verdict == "broken"}
        assert broken == {objects.below(places[name]) for name in rotten}
        total = [item async for item in mirror.repair()][-1]
        assert isinstance(total, Verified)
        assert (total.broken, total.mended, total.lost) == (ROTTEN + CUT, ROTTEN, CUT)
        for name in rotten:
            await cache.fill(upstream.url, name)
        kept = {one.known.path: one.file.read(one.known.size) for one in objects.walk()}
        assert kept == tree
        assert len(upstream.asked) == FILES + ROTTEN + CUT
        await cache.close()


def flip(place: Path, at: int, bit: int) -> None:
    with place.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))
