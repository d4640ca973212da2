"""What was not asked for longest makes room: for a quota, for a tree's, and where the disk is full."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.objects import Known, Objects
from provisioner.mirror.room import Room
from tests.edges.mirror.cached import OTHER, World, made_world
from tests.edges.mirror.repositories import rpm_repository
from tests.edges.mirror.vouched import mirror

A, B = "http://a.example/os", "http://b.example/os"
SIZE = 100_000
MIB = 1024 * 1024


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path)


def keep(objects: Objects, source: str, *paths: str) -> None:
    """The first was asked for longest ago."""
    for path in paths:
        part = objects.part(source, path)
        with part.file:
            part.put(bytes(SIZE), 0)
            part.keep(Known(source, path, SIZE, ""))
        used = time.time() - 1000 + len(list(objects.walk()))
        found = objects.find(source, path)
        assert found is not None
        with found:
            os.utime(found.place, (used, used))


def left(objects: Objects) -> list[str]:
    return sorted(f"{kept.known.source[7]}{kept.known.path}" for kept in objects.walk())


def test_what_is_counted_is_what_lies_there(objects: Objects) -> None:
    keep(objects, A, "1", "2")
    keep(objects, B, "3")
    room = Room(objects)
    room.count()
    assert room.used() == sum(one.size for one in objects.lying())
    assert 2 * SIZE < room.used(A) < 2 * SIZE + 2000
    assert room.used("http://c.example") == 0


def test_the_least_used_makes_room_for_all(objects: Objects) -> None:
    keep(objects, A, "1", "2", "3")
    keep(objects, B, "4", "5")
    gone: list[Path] = []
    room = Room(objects, 5 * SIZE, removed=gone.extend)
    room.count()
    room.added(B, 0)
    assert left(objects) == ["a2", "a3", "b4", "b5"]
    assert len(gone) == 1
    assert room.used() < 5 * SIZE


def test_a_tree_makes_room_for_itself(objects: Objects) -> None:
    keep(objects, B, "0")
    keep(objects, A, "1", "2", "3")
    room = Room(objects, quota_of=lambda source: 2 * SIZE if source == A else 0)
    room.count()
    room.added(A, 0)
    assert left(objects) == ["a3", "b0"]


def test_what_is_pinned_stays(objects: Objects) -> None:
    keep(objects, A, "1", "2")
    keep(objects, B, "3")
    room = Room(objects, SIZE, sources=lambda: [A, B], pinned=lambda source: source == A)
    room.count()
    room.added(B, SIZE)
    assert left(objects) == ["a1", "a2"]


def test_nothing_goes_for_what_would_not_fit_anyhow(objects: Objects) -> None:
    keep(objects, A, "1", "2")
    room = Room(objects)
    assert not room.make(10**18)
    assert left(objects) == ["a1", "a2"]
    assert room.make(SIZE)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a disk of its own is mounted as root")
    place = tmp_path / "kept"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
async def world(small_disk: Path) -> AsyncIterator[World]:
    async with made_world(small_disk / "mirror") as made:
        yield made


async def test_a_full_disk_is_made_room_on(world: World) -> None:
    for number in range(30):
        assert (await world.get(f"{number}.rpm"))[1] == world.origin.body
    await world.settled()
    assert 3 <= len(list(world.objects.walk())) <= 7
    assert world.kept("29.rpm") == world.origin.body
    assert world.cache.alarms() == []


@pytest.mark.parametrize("vouched", [True, False])
async def test_where_nothing_can_go_it_is_passed_on(world: World, small_disk: Path, vouched: bool) -> None:
    assert (await world.get("hit.rpm"))[0] == 200
    await world.settled()
    (small_disk / "foreign").write_bytes(bytes(7 * MIB - 200_000))
    world.pinned = True
    if vouched:
        world.vouching.say(world.origin.body)
    bodies = await asyncio.gather(*(world.get("miss.rpm") for _ in range(5)))
    assert bodies == [(200, world.origin.body)] * 5
    assert await world.get("miss.rpm", {"Range": "bytes=100-199"}) == (206, world.origin.body[100:200])
    await world.settled()
    assert len(world.cache.alarms()) == 1
    assert world.kept("miss.rpm") is None
    assert world.parts() == []
    with pytest.raises(Unavailable, match="cannot be kept"):
        await world.cache.fill(world.origin.url, "miss.rpm")
    world.vouching.looked = None
    assert (await world.get("hit.rpm"))[0] == 200
    (small_disk / "foreign").unlink()
    await world.get("miss.rpm")
    await world.settled()
    assert world.kept("miss.rpm") == world.origin.body
    assert world.cache.alarms() == []


@pytest.mark.parametrize("vouched", [True, False])
@pytest.mark.parametrize("right", [True, False])
async def test_a_disk_that_becomes_full_on_the_way(
    world: World, small_disk: Path, vouched: bool, right: bool
) -> None:
    """What came so far is in the file, the rest by hand; what is vouched for ends only if it is right."""
    body = world.origin.body
    world.pinned, world.origin.gate = True, asyncio.Event()
    if vouched:
        world.vouching.say(body if right else OTHER)
    clients = [asyncio.create_task(world.get()) for _ in range(3)]
    while not world.cache.fetching() or world.cache.fetching()[0][2] < len(body) // 2:
        await asyncio.sleep(0.01)
    with (small_disk / "foreign").open("wb", buffering=0) as foreign:
        try:
            while foreign.write(bytes(65536)):
                pass
        except OSError:
            pass
    world.origin.gate.set()
    found = await asyncio.gather(*clients, return_exceptions=True)
    if vouched and not right:
        assert all(isinstance(one, Unavailable) for one in found)
        assert world.origins.blamed
    else:
        assert found == [(200, body)] * 3
    await world.settled()
    assert world.kept() is None
    assert world.parts() == []


async def test_a_full_disk_and_a_repository_that_vouches(
    small_disk: Path, tmp_path: Path, client: ClientSession
) -> None:
    packages = {f"Packages/{name}-1.rpm": name.encode() * 50_000 for name in "abc"}
    async with mirror(tmp_path, client) as site:
        rpm_repository(site.folder, packages, 1)
        (small_disk / "foreign").write_bytes(bytes(7 * MIB))
        assert await site.get("repodata/repomd.xml", "guest")
        for path, body in packages.items():
            assert await site.get(path, "guest") == body
        assert not set(site.kept()) & set(packages)
        assert site.cache.alarms()
        (small_disk / "foreign").unlink()
        for path, body in packages.items():
            assert await site.get(path, "guest") == body
            await site.known(path, "guest")
        assert site.cache.alarms() == []


async def test_a_folder_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    async with made_world(tmp_path / "mirror") as world:
        await world.get("a.rpm")
        await world.settled()
        shutil.rmtree(tmp_path / "mirror")
        assert await world.get("b.rpm") == (200, world.origin.body)
        await world.settled()
        assert world.kept("b.rpm") == world.origin.body


async def test_what_cannot_be_written_is_passed_on(tmp_path: Path) -> None:
    async with made_world(tmp_path / "mirror") as world:
        shutil.rmtree(tmp_path / "mirror" / "parts")
        (tmp_path / "mirror" / "parts").write_text("in the way")
        assert await world.get("a.rpm") == (200, world.origin.body)
        assert "File exists" in world.cache.alarms()[0]
