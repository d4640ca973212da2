"""Volumes on this machine's libvirt: filled, fetched, cloned, grown, deleted; nothing half-made is left."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError
from provisioner.core.storage import PoolSpec, VolumeSpec, owner
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.steps import CreateVolume

MIB = 1024 * 1024
DATA = bytes(range(256)) * 1024
DISK = DATA + bytes(20 * MIB) + DATA + bytes(300_000) + b"end" + bytes(5 * MIB)
DOMAIN = """<domain type="qemu"><name>{name}</name><memory unit="MiB">64</memory><os><type>hvm</type></os>
<devices><disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="{path}"/>
<target dev="vda" bus="virtio"/></disk></devices></domain>"""


async def pieces(content: bytes, size: int = 100_001) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def fetched(host: LibvirtHost, pool: str, name: str) -> bytes:
    async with host.volume_content(pool, name) as (size, content):
        found = b"".join([piece async for piece in content])
    assert len(found) == size
    return found


def qcow2(folder: Path, size: str = "8M", content: bytes = DATA) -> Path:
    raw, path = folder / "raw", folder / "disk.qcow2"
    raw.write_bytes(content)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path], check=True)
    subprocess.run(["qemu-img", "resize", "-q", "-f", "qcow2", path, size], check=True)
    return path


async def test_a_file_becomes_a_volume_and_comes_back(system: LibvirtHost, pool: str, tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(DISK)
    told: list[tuple[int, int]] = []

    made = await system.upload_volume(pool, "v", tmp_path / "disk", "raw", 0, lambda *done: told.append(done))

    assert (made.format, made.capacity, made.backing) == ("raw", len(DISK), "")
    assert made.allocation < 2 * MIB  # zeros take no place
    assert Path(made.path).read_bytes() == DISK
    assert await fetched(system, pool, "v") == DISK
    assert told[-1] == (len(DISK), len(DISK))
    assert await system.volume_path(pool, "v") == made.path


async def test_uploading_again_leaves_what_is_whole_and_mends_what_is_not(
    system: LibvirtHost, pool: str, tmp_path: Path
) -> None:
    (tmp_path / "disk").write_bytes(DISK)
    made = await system.upload_volume(pool, "v", tmp_path / "disk", "raw", 0)
    inode = Path(made.path).stat().st_ino

    await system.upload_volume(pool, "v", tmp_path / "disk", "raw", 0)
    assert Path(made.path).stat().st_ino == inode

    os.truncate(made.path, 20 * MIB)  # as a service that was killed leaves it
    os.truncate(made.path, len(DISK))
    await system.upload_volume(pool, "v", tmp_path / "disk", "raw", 0)
    assert Path(made.path).read_bytes() == DISK


async def test_a_qcow2_file_is_known_as_one_and_grows(system: LibvirtHost, pool: str, tmp_path: Path) -> None:
    path = qcow2(tmp_path)

    made = await system.upload_volume(pool, "v", path, "qcow2", 32 * MIB)
    again = await system.upload_volume(pool, "w", path, "qcow2", 0)

    assert (made.format, made.capacity) == ("qcow2", 32 * MIB)
    assert (again.capacity, await fetched(system, pool, "w")) == (8 * MIB, path.read_bytes())
    streamed = await system.receive_volume(pool, "x", path.stat().st_size, pieces(path.read_bytes()), "qcow2")
    assert (streamed.format, streamed.capacity) == ("qcow2", 8 * MIB)
    for name in ("v", "w", "x"):
        argv = ["qemu-img", "check", "-q", "-f", "qcow2", await system.volume_path(pool, name)]
        subprocess.run(argv, check=True)


async def test_a_small_qcow2_file_leaves_nothing_of_what_libvirt_wrote(
    system: LibvirtHost, pool: str, tmp_path: Path
) -> None:
    """Its holes lie where libvirt's own empty image has tables."""
    path = tmp_path / "small"
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512", str(path), "1M"]
    subprocess.run(argv, check=True)

    made = await system.upload_volume(pool, "v", path, "qcow2", 0)
    streamed = await system.receive_volume(pool, "w", path.stat().st_size, pieces(path.read_bytes()), "qcow2")

    for volume in (made, streamed):
        assert (volume.format, volume.capacity) == ("qcow2", MIB)
        assert Path(volume.path).read_bytes()[: path.stat().st_size] == path.read_bytes()
        subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", volume.path], check=True)


async def test_a_stream_fills_a_volume(system: LibvirtHost, pool: str) -> None:
    made = await system.receive_volume(pool, "v", len(DISK), pieces(DISK))

    assert Path(made.path).read_bytes() == DISK
    assert made.allocation < 2 * MIB
    with pytest.raises(Conflict, match="has a volume v already"):
        await system.receive_volume(pool, "v", 3, pieces(b"abc"))
    await system.receive_volume(pool, "v", 5, pieces(b"start"), overwrite=True)
    assert Path(made.path).read_bytes() == b"start" + DISK[5:]


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("fault", ["short", "long", "broken", "cancelled"])
async def test_what_does_not_come_whole_leaves_nothing(system: LibvirtHost, pool: str, fault: str) -> None:
    async def feed() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield os.urandom(MIB // 2)
        if fault == "broken":
            raise BrokenError
        if fault == "cancelled":
            await asyncio.sleep(60)
        if fault == "long":
            yield b"x"

    size = 21 * MIB if fault == "short" else 20 * MIB
    work = asyncio.create_task(system.receive_volume(pool, "v", size, feed()))
    if fault == "cancelled":
        await asyncio.sleep(0.3)
        work.cancel()
    with pytest.raises({"broken": BrokenError, "cancelled": asyncio.CancelledError}.get(fault, Invalid)):
        await work

    assert await system.volume_list(pool) == []


async def test_a_reader_may_leave_early(system: LibvirtHost, pool: str) -> None:
    content = os.urandom(30 * MIB)
    await system.receive_volume(pool, "v", len(content), pieces(content, MIB))

    async with system.volume_content(pool, "v") as (_, stream):
        assert (await anext(stream)) == content[: 255 * 1024]
    assert await fetched(system, pool, "v") == content


async def test_an_overlay_stands_on_a_volume_only(system: LibvirtHost, pool: str, tmp_path: Path) -> None:
    base = await system.upload_volume(pool, "base", qcow2(tmp_path), "qcow2", 0)
    spec = VolumeSpec(pool, "top", 16 * MIB, "qcow2", base.path, "qcow2")

    first = await system.make_volume(spec)
    assert (first.backing, first.capacity) == (base.path, 16 * MIB)
    assert await system.make_volume(spec) == first
    with pytest.raises(Invalid, match=r"is to stand on /etc/shadow, which is no volume"):
        await system.make_volume(VolumeSpec(pool, "evil", MIB, "qcow2", "/etc/shadow", "raw"))
    await system.volume_list(pool)
    with pytest.raises(Conflict, match="volume base is a disk of the overlay top and is not deleted"):
        await system.remove_volume(pool, "base")
    assert await system.volumes(pool) == ["base", "top"]


async def test_a_clone_is_whole(system: LibvirtHost, pool: str, tmp_path: Path) -> None:
    await system.upload_volume(pool, "v", qcow2(tmp_path), "qcow2", 0)

    made = await system.clone_volume(pool, "v", "w")

    assert (made.format, made.capacity, made.backing) == ("qcow2", 8 * MIB, "")
    assert await system.clone_volume(pool, "v", "w") == made
    argv = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", made.path, str(tmp_path / "out")]
    subprocess.run(argv, check=True)
    assert (tmp_path / "out").read_bytes() == DATA.ljust(8 * MIB, b"\0")
    with pytest.raises(NotFound, match="has no volume 'nobody'"):
        await system.clone_volume(pool, "nobody", "x")


async def test_a_clone_of_what_reaches_out_is_refused(system: LibvirtHost, pool: str, folder: Path) -> None:
    secret = folder / "secret"
    secret.write_bytes(b"CANARY".ljust(MIB))
    evil = folder / "pool" / "evil.qcow2"
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(secret), "-F", "raw", str(evil)]
    subprocess.run(argv, check=True)
    await system.volume_list(pool)

    with pytest.raises(Invalid, match=r"volume evil.qcow2 is to stand on .*secret"):
        await system.clone_volume(pool, "evil.qcow2", "copy")

    assert await system.volumes(pool) == ["evil.qcow2"]


async def test_a_volume_grows_and_never_shrinks(system: LibvirtHost, pool: str) -> None:
    await system.new_volume(VolumeSpec(pool, "v", 4 * MIB, "raw"))

    assert (await system.resize_volume(pool, "v", 6 * MIB)).capacity == 6 * MIB
    assert (await system.resize_volume(pool, "v", 6 * MIB)).capacity == 6 * MIB
    with pytest.raises(Invalid, match="would cut its content off"):
        await system.resize_volume(pool, "v", MIB)
    with pytest.raises(Conflict, match=r"what volume v grows by takes 61,440\.0 GiB"):
        await system.resize_volume(pool, "v", 60 * 1024 * 1024 * MIB + 6 * MIB)
    assert (await system.volume_info(pool, "v")).capacity == 6 * MIB


async def test_what_has_no_room_is_not_begun(system: LibvirtHost, pool: str) -> None:
    size = 60 * 1024**4
    with pytest.raises(Conflict, match=r"GiB that pool .* has left"):
        await system.new_volume(VolumeSpec(pool, "v", size))
    with pytest.raises(Conflict, match=r"GiB that pool .* has left"):
        await system.receive_volume(pool, "v", size, pieces(b"x"))
    with pytest.raises(Conflict, match="has a volume w already"):
        for _ in range(2):
            await system.new_volume(VolumeSpec(pool, "w", MIB))

    assert await system.volumes(pool) == ["w"]


async def test_a_disk_of_a_domain_is_kept(system: LibvirtHost, pool: str, tmp_path: Path) -> None:
    made = await system.new_volume(VolumeSpec(pool, "v", MIB, "raw"))
    name = f"test-{pool}"
    xml = DOMAIN.format(name=name, path=made.path)
    await system._link.run(lambda connection: connection.defineXML(xml).name())
    (tmp_path / "x").write_bytes(b"x" * 1000)
    try:
        for refused in (
            system.remove_volume(pool, "v"),
            system.receive_volume(pool, "v", 3, pieces(b"abc"), overwrite=True),
            system.delete_pool(pool, files=True),
            system.delete_pool(pool, files=False),
        ):
            with pytest.raises(Conflict, match=rf"a disk of {name}"):
                await refused
        assert (await system.upload_volume(pool, "v", tmp_path / "x", "raw", 0)).capacity == MIB
        assert await system.volume_users([made.path, "/none"]) == {made.path: [name]}
    finally:
        await system._link.run(lambda connection: connection.lookupByName(name).undefine())
    await system.remove_volume(pool, "v")
    with pytest.raises(NotFound):
        await system.remove_volume(pool, "v")


async def test_many_creates_beside_uploads_in_one_pool(system: LibvirtHost, pool: str) -> None:
    content = os.urandom(MIB)
    uploads = [system.receive_volume(pool, f"u{n}", len(content), pieces(content)) for n in range(16)]
    creates = [system.apply(CreateVolume(pool, f"c{n}", MIB, "qcow2")) for n in range(64)]
    clones = [system.new_volume(VolumeSpec(pool, f"n{n}", MIB, "raw")) for n in range(8)]
    lists = [system.volume_list(pool) for _ in range(8)]

    results = await asyncio.gather(*uploads, *creates, *clones, *lists, return_exceptions=True)

    assert [result for result in results if isinstance(result, BaseException)] == []
    assert len(await system.volumes(pool)) == 88
    assert all([await fetched(system, pool, f"u{n}") == content for n in range(16)])


async def test_a_pool_is_made_shown_and_forgotten_with_its_files_kept(
    system: LibvirtHost, folder: Path
) -> None:
    name, place = f"test-{folder.name[-8:]}", folder / "own"
    made = await system.create_pool(PoolSpec(name, "dir", str(place)))
    try:
        assert (made.active, made.autostart, made.kind, made.path) == (True, True, "dir", str(place))
        with pytest.raises(Conflict, match=f"a pool called {name} is there already"):
            await system.create_pool(PoolSpec(name, "dir", str(folder / "two")))
        with pytest.raises(ProvisionerError, match=r"storage source conflict|conflict with pool"):
            await system.create_pool(PoolSpec(f"{name}-b", "dir", str(place)))
        assert [pool.name for pool in await system.pools() if pool.name.startswith(name)] == [name]
        await system.new_volume(VolumeSpec(name, "v", MIB))
        assert await system.delete_pool(name, files=False) == []
        assert (place / "v").is_file()
        await system.create_pool(PoolSpec(name, "dir", str(place)))
        assert await system.delete_pool(name, files=True) == ["v"]
        assert not place.exists()
    finally:
        names = [pool.name for pool in await system.pools()]
        if name in names:
            await system.delete_pool(name, files=False)
    with pytest.raises(NotFound, match=f"no storage pool is called '{name}'"):
        await system.start_pool(name)


async def test_a_pool_that_cannot_be_made_leaves_nothing(system: LibvirtHost, folder: Path) -> None:
    before = await system.pools()
    for spec in (
        PoolSpec("test-none", "logical", source="no-such-group"),
        PoolSpec("test-none", "netfs", str(folder / "net"), source="/none", host="127.0.0.1"),
    ):
        with pytest.raises(ProvisionerError) as caught:
            await system.create_pool(spec)
        assert "\n" not in str(caught.value)

    assert [pool.name for pool in await system.pools()] == [pool.name for pool in before]


def test_names_tell_whose_a_volume_is() -> None:
    assert owner("web1-0123456789ab") == ("web1", "0123456789ab")
    assert owner("a-b-0123456789ab-2.qcow2") == ("a-b", "0123456789ab")
    assert owner("a-0123456789ab.iso") == ("a", "0123456789ab")
    for name in ("web1", "web1-0123456789a", "WEB-0123456789ab", "web1-0123456789abc", "debian-12.iso"):
        assert owner(name) is None
