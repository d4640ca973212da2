"""The upstream is away or ill, or the disk is full: what is kept is served, the rest is one sentence."""

import asyncio
import os
import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from provisioner.core.profile import Tree
from tests.edges.mirror.answer import Answer, refused
from tests.edges.web.mirrored import TREE, Mirrored, mirrored

MIB = 1024 * 1024
NAMES = ["repodata/repomd.xml", ".treeinfo", "dists/stable/Release", "images/vmlinuz", "Packages/a-1.rpm"]
FILES = {name: random.Random(name).randbytes(50_000) for name in NAMES}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "upstream"
    for name, body in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body)
    return root


@pytest.fixture
async def mirror(tmp_path: Path, empty_database: Path, tree: Path) -> AsyncIterator[Mirrored]:
    async with mirrored(tmp_path, empty_database, tree=tree) as made:
        yield made


async def test_the_kept_tree_is_served_whole_while_the_upstream_is_away(mirror: Mirrored) -> None:
    for name in FILES:
        assert (await mirror.take(name)).body == FILES[name]
    await mirror.at_rest()
    await mirror.origin.stop()
    for name in FILES:
        for _ in range(3):
            taken = await mirror.take(name)
            assert (taken.status, taken.body) == (200, FILES[name]), name
        part = await mirror.take(name, Range="bytes=1000-1999")
        assert (part.status, part.body) == (206, FILES[name][1000:2000])

    missed = await mirror.take("Packages/b-1.rpm")
    assert missed.status in (502, 504)
    sentence = missed.body.decode().strip()
    assert mirror.origin.url in sentence and len(sentence.splitlines()) <= 2
    await mirror.origin.start()
    assert (await mirror.take("Packages/b-1.rpm")).status == 404
    assert (await mirror.take("Packages/a-1.rpm")).body == FILES["Packages/a-1.rpm"]


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_what_is_kept_is_served_whatever_the_upstream_answers(mirror: Mirrored, status: int) -> None:
    for name in FILES:
        await mirror.take(name)
    await mirror.at_rest()
    mirror.origin.script = {f"/{name}": [refused(status)] for name in FILES}
    for name in FILES:
        assert (await mirror.take(name)).body == FILES[name]


async def test_the_kept_tree_outlives_the_service(
    mirror: Mirrored, tmp_path: Path, empty_database: Path
) -> None:
    for name in FILES:
        await mirror.take(name)
    await mirror.at_rest()
    await mirror.origin.stop()
    (tmp_path / "second").mkdir()
    async with mirrored(tmp_path / "second", empty_database, place=mirror.place) as second:
        await second.world.store.put_tree(Tree(TREE, mirror.origin.url, "rhel", "7", "vmlinuz", "initrd"))
        for name in FILES:
            assert (await second.take(name)).body == FILES[name]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounts a tmpfs")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], check=False)
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


async def test_torture_a_full_disk_keeps_nobody_from_anything(
    tmp_path: Path, empty_database: Path, small: Path
) -> None:
    """200 files of 1 MiB on a disk of 8, each asked for by two; then room again."""
    bodies = [random.Random(number).randbytes(MIB) for number in range(10)]
    async with mirrored(tmp_path, empty_database, place=small / "mirror") as mirror:
        for number in range(200):
            mirror.origin.script[f"/{number}.rpm"] = [Answer(bodies[number % 10])]
            mirror.origin.script[f"/later-{number}.rpm"] = [Answer(bodies[number % 10])]

        async def right(name: str, number: int) -> None:
            taken = await mirror.take(name)
            assert (taken.status, taken.whole, taken.body == bodies[number % 10]) == (200, True, True), name

        for begin in range(0, 200, 10):
            numbers = [*range(begin, begin + 10)] * 2
            await asyncio.gather(*(right(f"{number}.rpm", number) for number in numbers))
        mirror.kept()
        (small / "others").write_bytes(bytes(os.statvfs(small).f_bavail * os.statvfs(small).f_frsize))
        for name in [*mirror.kept(), "later-0.rpm"]:
            number = int(name.removeprefix("later-").removesuffix(".rpm"))
            await right(name, number)
        (small / "others").unlink()
        async with asyncio.timeout(20):
            for number in range(200):
                await right(f"later-{number}.rpm", number)
                await mirror.at_rest()
                if f"later-{number}.rpm" in mirror.kept():
                    break
                await asyncio.sleep(0.1)
        assert mirror.parts() == []
