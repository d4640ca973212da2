"""The use case of storage: refused before anything is made, and mended where it was cut off."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, Unavailable
from provisioner.core.storage import PoolSpec, check_pool_path
from provisioner.service.storage import Storage
from provisioner.service.transfers import Transfer, Transfers
from tests.fake_storage import FakeStorageHost


class Told:
    """Says "" to everything but what it was told to refuse, and remembers what it saw."""

    head_bytes, tail_bytes = 10, 4

    def __init__(self) -> None:
        self.seen: list[tuple[int, bytes, bytes | None]] = []
        self.refuse = b""

    def judge(self, what: str, size: int, head: bytes, tail: bytes | None) -> str:
        self.seen.append((size, head, tail))
        if self.refuse and (self.refuse in head or self.refuse in (tail or b"")):
            raise Invalid(f"{what} is evil")
        return ""


class World:
    def __init__(self, folder: Path) -> None:
        self.host, self.inspector = FakeStorageHost("p"), Told()
        self.folder = folder / "transfers"
        self.transfers = Transfers(self.folder)
        self.storage = Storage(self.host, self.inspector, self.transfers, [Path("/srv/state")])

    def left(self) -> list[str]:
        return [path.name for path in self.folder.glob("*")]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def pieces(content: bytes, size: int = 4) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def test_what_comes_is_judged_by_its_beginning_and_its_end(world: World) -> None:
    await world.storage.upload("p", "v", 21, pieces(b"0123456789abcdefghijk"))

    assert world.inspector.seen == [(21, b"0123456789ab", None), (21, b"0123456789ab", b"hijk")]
    assert world.host.content["p", "v"] == b"0123456789abcdefghijk"
    assert world.left() == []


async def test_what_is_small_is_judged_once(world: World) -> None:
    await world.storage.upload("p", "v", 5, pieces(b"01234"))

    assert world.inspector.seen == [(5, b"01234", None)]


@pytest.mark.parametrize("refuse", [b"0123", b"hijk"])
async def test_what_is_refused_leaves_nothing(world: World, refuse: bytes) -> None:
    world.inspector.refuse = refuse

    with pytest.raises(Invalid, match="volume v is evil"):
        await world.storage.upload("p", "v", 21, pieces(b"0123456789abcdefghijk"))

    assert (world.host.disks, world.left()) == ({}, [])


async def test_a_name_that_is_taken_is_refused_before_a_byte_is_read(world: World) -> None:
    await world.storage.create_volume("p", "v", capacity=5)
    read = False

    async def never() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"x"

    for size, kind in ((1, Conflict), (0, Invalid), (2**60, Invalid)):
        with pytest.raises(kind):
            await world.storage.upload("p", "v", size, never())
    with pytest.raises(Invalid):
        await world.storage.upload("p", "../v", 1, never())
    with pytest.raises(NotFound):
        await world.storage.upload("q", "v", 1, never())
    assert not read


async def test_one_volume_is_filled_by_one(world: World) -> None:
    async def slow() -> AsyncIterator[bytes]:
        with pytest.raises(Conflict, match="volume v of pool p is being uploaded already"):
            await world.storage.upload("p", "v", 3, pieces(b"abc"))
        yield b"xyz"

    await world.storage.upload("p", "v", 3, slow())

    assert world.host.content["p", "v"] == b"xyz"


async def test_what_a_killed_service_left_half_is_taken_back(world: World) -> None:
    await world.storage.create_volume("p", "half", capacity=5)
    await world.storage.create_volume("p", "whole", capacity=5)
    for volume in ("half", "gone"):
        with world.transfers.running(Transfer("", "p", volume)):
            [file] = [path for path in world.folder.glob("*.json") if len(path.stem) == 16]
            kept = file.read_text()
        (world.folder / f"{volume}.json").write_text(kept)
    (world.folder / "bad.json").write_text("{")

    world.host.down = Unavailable("libvirt is away")
    assert await world.storage.mend() == []
    world.host.down = None
    assert await world.storage.mend() == ["volume half of pool p came only half and is removed"]
    assert await world.storage.mend() == []

    assert [volume.name for volume in await world.storage.volumes("p")] == ["whole"]
    assert world.left() == []


async def test_what_a_host_that_died_could_not_take_back_is_taken_back_later(world: World) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"0123456789"
        await world.storage.create_volume("p", "v", capacity=5)
        raise Unavailable("libvirt is away")

    with pytest.raises(Unavailable):
        await world.storage.upload("p", "v", 20, broken())
    assert await world.storage.mend() == ["volume v of pool p came only half and is removed"]

    assert (world.host.disks, world.left()) == ({}, [])


async def test_what_is_running_is_not_mended(world: World) -> None:
    await world.storage.create_volume("p", "v", capacity=5)

    with world.transfers.running(Transfer("", "p", "v")):
        assert await world.storage.mend() == []

    assert [volume.name for volume in await world.storage.volumes("p")] == ["v"]


async def test_an_overlay_is_as_large_as_its_base(world: World) -> None:
    await world.storage.create_volume("p", "base", capacity=100, form="raw")

    top = await world.storage.create_volume("p", "top", backing="base")

    assert (top.capacity, top.format, top.backing) == (100, "qcow2", "/pools/p/base")
    assert (await world.storage.create_volume("p", "more", backing="base", capacity=200)).capacity == 200
    with pytest.raises(Invalid, match=r"at least as large as base \(100 bytes\)"):
        await world.storage.create_volume("p", "less", backing="base", capacity=50)
    with pytest.raises(Conflict):
        await world.storage.create_volume("p", "top", clone="base")


CLOSED = (
    "/", "/etc", "/etc/libvirt", "/usr/share", "/root", "/proc/1", "/dev/shm", "/run/x", "/var", "/var/lib",
    "/var/lib/libvirt", "/var/lib/libvirt/qemu/nvram", "/home", "/tmp", "/srv", "/srv/state",
    "/srv/state/media",
)  # fmt: skip


@pytest.mark.parametrize("path", CLOSED)
async def test_a_pool_is_never_a_place_of_the_system(world: World, path: str) -> None:
    with pytest.raises(Invalid, match="every file in a pool's directory becomes a volume"):
        await world.storage.create_pool(PoolSpec("x", "dir", path))

    assert list(world.host.there) == ["p"]


@pytest.mark.parametrize(
    "path", ["/var/lib/libvirt/images", "/srv/pool", "/home/me/pool", "/data", "/srv/states"]
)
async def test_other_places_are_fine(world: World, path: str) -> None:
    assert check_pool_path(path, "pool x", ["/srv/state"]) == path
    assert (await world.storage.create_pool(PoolSpec("x", "dir", path))).path == path
