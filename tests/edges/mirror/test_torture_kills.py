"""kill -9 while a cache is filled: what is kept is whole and right, and nothing half is left after a start.

TORTURE makes it 500 kills, TORTURE=N makes it N.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from provisioner.mirror.objects import Objects
from tests.edges.mirror.origin import origin

KILLS = {"": 25, "0": 25, "1": 500}.get(os.environ.get("TORTURE", "")) or int(os.environ["TORTURE"])
FILES = 60
RATE = 20_000_000


async def test_torture_what_is_killed_while_it_fills_leaves_whole_files_alone(tmp_path: Path) -> None:
    chance = random.Random(1)
    tree = {f"package-{number}.rpm": chance.randbytes(chance.randrange(400_000)) for number in range(FILES)}
    for name, body in tree.items():
        (tmp_path / "tree").mkdir(exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(body)
    place, begun, kept = tmp_path / "mirror", 0, 0
    async with origin(tmp_path, rate=RATE) as upstream:
        for number in range(KILLS):
            (tmp_path / f"round{number}").symlink_to("tree")
            async with filler(place, f"{upstream.url}/round{number}", list(tree)) as process:
                assert process.stdout is not None
                said = (await process.stdout.readline()).decode()
                assert said == "ready 0\n"
                await asyncio.sleep(chance.random() * 0.4)
            begun += len(list((place / "parts").iterdir()))
            kept += right(place, tree)
            forget(place)
        async with filler(place, f"{upstream.url}/tree", list(tree)) as process:
            assert process.stdout is not None
            assert [await process.stdout.readline() for _ in range(2)] == [b"ready 0\n", b"all\n"]
        assert right(place, tree) == FILES

    print(f"{KILLS} kills: {begun} files were half filled, {kept} whole; none was wrong, none left")
    assert begun, "nothing was being filled at any kill"
    assert kept


@asynccontextmanager
async def filler(place: Path, url: str, names: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """It is killed where the block ends."""
    command = (sys.executable, "-m", "tests.edges.mirror.filler", str(place), url, *names)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


def right(place: Path, tree: dict[str, bytes]) -> int:
    """How many files are kept. Raises AssertionError for one that is not its tree's."""
    count = 0
    for found in Objects(place).walk():
        body = tree[found.known.path]
        assert (found.known.size, found.file.read(found.known.size)) == (len(body), body)
        count += 1
    return count


def forget(place: Path) -> None:
    """So that a long loop needs no disk."""
    for source in {found.known.source for found in Objects(place).walk()}:
        Objects(place).forget(source)
