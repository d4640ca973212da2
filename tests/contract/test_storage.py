"""What the storage of every host promises, asked of this machine's libvirt and of the one in memory alike."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.storage import PoolSpec, VolumeSpec
from provisioner.service.ports import StorageHost
from tests.fake_storage import FakeStorageHost

MIB = 1024 * 1024


@pytest.fixture(params=["libvirt", "memory"])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[tuple[StorageHost, str]]:
    """A host with a pool that is empty, and the pool's name."""
    if request.param == "memory":
        yield FakeStorageHost("p"), "p"
        return
    pytest.importorskip("libvirt", reason="libvirt-python is not installed")
    from tests.system_pool import pool_of_our_own

    async with pool_of_our_own() as made:
        yield made


Host = tuple[StorageHost, str]


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 4096):
        yield content[at : at + 4096]


async def content(host: StorageHost, pool: str, name: str) -> bytes:
    async with host.volume_content(pool, name) as (size, stream):
        found = b"".join([piece async for piece in stream])
    assert len(found) == size
    return found


async def test_a_volume_is_made_once(host: Host) -> None:
    libvirt, pool = host
    spec = VolumeSpec(pool, "v", 4 * MIB)

    made = await libvirt.new_volume(spec)

    assert (made.name, made.pool, made.capacity, made.format) == ("v", pool, 4 * MIB, "qcow2")
    assert (await libvirt.make_volume(spec)).path == made.path == await libvirt.volume_path(pool, "v")
    with pytest.raises(Conflict, match="has a volume v already"):
        await libvirt.new_volume(spec)
    assert await libvirt.volumes(pool) == ["v"]
    assert made.path in [volume.path for volume in await libvirt.all_volumes()]


async def test_content_goes_in_and_comes_out(host: Host) -> None:
    libvirt, pool = host
    data = os.urandom(100_000)

    made = await libvirt.receive_volume(pool, "v", len(data), pieces(data))

    assert (made.capacity, made.format) == (len(data), "raw")
    assert await content(libvirt, pool, "v") == data
    await libvirt.receive_volume(pool, "v", 3, pieces(b"abc"), overwrite=True)
    assert await content(libvirt, pool, "v") == b"abc" + data[3:]
    with pytest.raises(Conflict, match="has a volume v already"):
        await libvirt.receive_volume(pool, "v", 3, pieces(b"abc"))
    with pytest.raises(Invalid, match="3 bytes came of the 9 that were announced"):
        await libvirt.receive_volume(pool, "w", 9, pieces(b"abc"))
    assert await libvirt.volumes(pool) == ["v"]


async def test_a_file_goes_in_as_often_as_one_likes(host: Host, tmp_path: Path) -> None:
    libvirt, pool = host
    (tmp_path / "x").write_bytes(b"x" * 70_000)

    for _ in range(2):
        made = await libvirt.upload_volume(pool, "v", tmp_path / "x", "raw", MIB)

        assert (made.capacity, await libvirt.volumes(pool)) == (MIB, ["v"])
    assert (await content(libvirt, pool, "v"))[:70_000] == b"x" * 70_000


async def test_overlays_and_clones(host: Host) -> None:
    libvirt, pool = host
    base = await libvirt.new_volume(VolumeSpec(pool, "base", 4 * MIB))

    top = await libvirt.make_volume(VolumeSpec(pool, "top", 8 * MIB, "qcow2", base.path))
    copy = await libvirt.clone_volume(pool, "base", "copy")

    assert (top.backing, copy.backing, copy.capacity) == (base.path, "", 4 * MIB)
    assert (await libvirt.clone_volume(pool, "base", "copy")).path == copy.path
    assert await libvirt.volume_users([base.path, copy.path]) == {base.path: ["the overlay top"]}
    with pytest.raises(Conflict, match="volume base is a disk of the overlay top and is not deleted"):
        await libvirt.remove_volume(pool, "base")
    with pytest.raises(Invalid, match="is to stand on /etc/passwd, which is no volume"):
        await libvirt.make_volume(VolumeSpec(pool, "evil", MIB, "qcow2", "/etc/passwd", "raw"))
    for name in ("top", "base", "copy"):
        await libvirt.remove_volume(pool, name)
    assert await libvirt.volumes(pool) == []


async def test_sizes(host: Host) -> None:
    libvirt, pool = host
    await libvirt.new_volume(VolumeSpec(pool, "v", 4 * MIB))

    for _ in range(2):
        assert (await libvirt.resize_volume(pool, "v", 6 * MIB)).capacity == 6 * MIB
    with pytest.raises(Invalid, match="would cut its content off"):
        await libvirt.resize_volume(pool, "v", 5 * MIB)
    with pytest.raises(Conflict, match="has left"):
        await libvirt.new_volume(VolumeSpec(pool, "w", 60 * 1024**4))
    assert await libvirt.volumes(pool) == ["v"]


async def test_what_is_missing_is_named(host: Host) -> None:
    libvirt, pool = host
    for asked in (
        libvirt.volume_info(pool, "v"),
        libvirt.remove_volume(pool, "v"),
        libvirt.resize_volume(pool, "v", MIB),
        libvirt.clone_volume(pool, "v", "w"),
        libvirt.pool("test-nobody"),
        libvirt.start_pool("test-nobody"),
        libvirt.refresh_pool("test-nobody"),
        libvirt.delete_pool("test-nobody", files=False),
    ):
        with pytest.raises(NotFound):
            await asked
    with pytest.raises(NotFound):
        async with libvirt.volume_content(pool, "v"):
            pass


async def test_a_pool_goes_and_its_files_only_when_asked(host: Host) -> None:
    libvirt, pool = host
    there = await libvirt.pool(pool)
    await libvirt.new_volume(VolumeSpec(pool, "v", MIB))

    assert (there.kind, there.active, there.autostart) == ("dir", True, True)
    with pytest.raises(Conflict, match="is there already"):
        await libvirt.create_pool(PoolSpec(pool, "dir", "/srv/elsewhere"))
    assert (await libvirt.start_pool(pool)).active
    assert (await libvirt.refresh_pool(pool)).name == pool
    assert await libvirt.delete_pool(pool, files=True) == ["v"]
    assert pool not in [found.name for found in await libvirt.pools()]
