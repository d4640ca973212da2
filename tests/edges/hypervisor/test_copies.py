"""Clones' disks and variable stores on this machine's libvirt."""

import json
import subprocess
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict, NotFound
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.cloning import Identity, plan_clone
from provisioner.plan.steps import (
    CopyNvram,
    CopyVolume,
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    LinkVolume,
    StartDomain,
    StopDomain,
    UndefineDomain,
)
from tests.edges.hypervisor.living import domain_xml

NVRAM = Path("/var/lib/libvirt/qemu/nvram")
MIB = 1 << 20
DISK = (
    "<disk type='file' device='disk'><driver name='qemu' type='{form}'/><source file='{path}'/>"
    "<target dev='vda' bus='virtio'/></disk>"
)


def qemu_io(path: Path, command: str, form: str = "qcow2") -> None:
    subprocess.run(["qemu-io", "-f", form, "-c", command, str(path)], check=True, capture_output=True)


def info(path: Path) -> dict[str, object]:
    words = ["qemu-img", "info", "--output=json", "-f", "qcow2", str(path)]
    return dict(json.loads(subprocess.run(words, check=True, capture_output=True).stdout))


@pytest.fixture
async def source(system: LibvirtHost, pool: str, folder: Path) -> AsyncIterator[tuple[str, str]]:
    """A guest that is off, on a disk that begins with 64 KiB of A. Volumes of the pool go with it."""
    own = str(uuid.uuid4())
    name = f"test-{own[:8]}"
    await system.apply(CreateVolume(pool, f"{name}-i1", 8 * MIB, "qcow2"))
    path = folder / "pool" / f"{name}-i1"
    qemu_io(path, "write -P 0x41 0 64k")
    await system.apply(DefineDomain(name, own, domain_xml(name, own, DISK.format(form="qcow2", path=path))))
    yield name, own
    await system.apply(UndefineDomain(name, own))
    for volume in await system.volumes(pool):
        await system.apply(DeleteVolume(pool, volume))


def identity(number: int) -> Identity:
    own = str(uuid.uuid4())
    return Identity(f"test-{own[:8]}", own, (), f"i{number}", "s" * 43, "/var/log/none")


async def clone(
    system: LibvirtHost, source: tuple[str, str], number: int, *, linked: bool = True
) -> Identity:
    new = identity(number)
    found = await system.blueprint(*source)
    for step in plan_clone(*source, found, new, linked=linked).steps:
        await system.apply(step)
        await system.apply(step)  # each may be done twice
    return new


async def disk_of(system: LibvirtHost, name: str, own: str) -> Path:
    [disk] = (await system.blueprint(name, own)).disks
    return Path(disk.path)


async def test_a_linked_clone_and_its_source_stand_on_one_base(
    system: LibvirtHost, source: tuple[str, str], pool: str
) -> None:
    base = await disk_of(system, *source)
    new = await clone(system, source, 2)
    try:
        mine, theirs = await disk_of(system, new.name, new.uuid), await disk_of(system, *source)
        assert (mine.name, theirs.name) == (f"{new.name}-i2", f"{source[0]}-i2")
        for overlay in (mine, theirs):
            facts = info(overlay)
            assert (facts["backing-filename"], facts["virtual-size"]) == (str(base), 8 * MIB)
            qemu_io(overlay, "read -P 0x41 0 64k")
        qemu_io(mine, "write -P 0x42 0 64k")
        qemu_io(theirs, "read -P 0x41 0 64k")
        known = {volume.name: volume.backing for volume in await system.volume_facts(pool)}
        assert known == {base.name: "", mine.name: str(base), theirs.name: str(base)}
    finally:
        await system.apply(UndefineDomain(new.name, new.uuid))


async def test_a_base_is_shared_until_the_source_is_written_to(
    system: LibvirtHost, source: tuple[str, str]
) -> None:
    base = await disk_of(system, *source)
    clones = [await clone(system, source, number) for number in (2, 3)]
    top = await disk_of(system, *source)
    try:
        for new in clones:
            assert info(await disk_of(system, new.name, new.uuid))["backing-filename"] == str(base)
        assert top.name == f"{source[0]}-i2"
        qemu_io(top, "write -P 0x43 1M 4k")
        clones.append(await clone(system, source, 4))
        assert info(await disk_of(system, clones[-1].name, clones[-1].uuid))["backing-filename"] == str(top)
        assert (await disk_of(system, *source)).name == f"{source[0]}-i4"
    finally:
        for new in clones:
            await system.apply(UndefineDomain(new.name, new.uuid))


async def test_a_linked_clone_starts_beside_its_source(system: LibvirtHost, source: tuple[str, str]) -> None:
    new = await clone(system, source, 2)
    try:
        for name, own in (source, (new.name, new.uuid)):
            await system.apply(StartDomain(name, own))
        assert await system.running_disks(*source) == (str(await disk_of(system, *source)),)
        for name, own in (source, (new.name, new.uuid)):
            await system.apply(StopDomain(name, own))
        assert await system.running_disks(*source) == ()
    finally:
        await system.apply(UndefineDomain(new.name, new.uuid))


async def test_a_full_clone_holds_all_by_itself(system: LibvirtHost, source: tuple[str, str]) -> None:
    linked = await clone(system, source, 2)
    new = await clone(system, source, 3, linked=False)
    try:
        copy = await disk_of(system, new.name, new.uuid)
        assert "backing-filename" not in info(copy)
        qemu_io(copy, "read -P 0x41 0 64k")
    finally:
        for made in (linked, new):
            await system.apply(UndefineDomain(made.name, made.uuid))


async def test_a_raw_disk_may_be_a_base(system: LibvirtHost, pool: str, folder: Path) -> None:
    path = folder / "pool" / "raw"
    await system.apply(CreateVolume(pool, "raw", 8 * MIB, "raw"))
    qemu_io(path, "write -P 0x41 0 64k", "raw")
    await system.apply(LinkVolume(pool, "top", "raw", str(path), "raw", 8 * MIB))
    try:
        facts = info(path.with_name("top"))
        assert (facts["backing-filename-format"], facts["virtual-size"]) == ("raw", 8 * MIB)
        qemu_io(path.with_name("top"), "read -P 0x41 0 64k")
    finally:
        for name in ("top", "raw"):
            await system.apply(DeleteVolume(pool, name))


async def test_a_disk_that_pretends_is_no_base(system: LibvirtHost, pool: str, folder: Path) -> None:
    """A guest may write an image's header onto its raw disk, naming a file of the host as what is below."""
    path = folder / "pool" / "raw"
    await system.apply(CreateVolume(pool, "raw", 8 * MIB, "raw"))
    evil = folder / "evil"
    words = [
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-u",
        "-b",
        "/etc/passwd",
        "-F",
        "raw",
        str(evil),
        "8M",
    ]
    subprocess.run(words, check=True, capture_output=True)
    with path.open("r+b") as file:
        file.write(evil.read_bytes())
    own = str(uuid.uuid4())
    name = f"test-{own[:8]}"
    await system.apply(DefineDomain(name, own, domain_xml(name, own, DISK.format(form="raw", path=path))))
    try:
        await system.volume_facts(pool)
        found = await system.blueprint(name, own)
        for linked in (True, False):
            with pytest.raises(Conflict, match="holds qcow2, not raw"):
                plan_clone(name, own, found, identity(2), linked=linked)
        with pytest.raises(Conflict, match="holds qcow2, not raw"):
            await system.apply(CopyVolume(pool, "top", "raw", "raw"))
        assert "top" not in await system.volumes(pool)
    finally:
        await system.apply(UndefineDomain(name, own))
        await system.apply(DeleteVolume(pool, "raw"))


async def test_what_is_not_there_is_named(system: LibvirtHost, pool: str) -> None:
    with pytest.raises(NotFound, match="no volume gone"):
        await system.apply(CopyVolume(pool, "top", "gone", "qcow2"))
    await system.apply(CreateVolume(pool, "a", MIB, "qcow2"))
    await system.apply(CreateVolume(pool, "top", MIB, "qcow2"))
    try:
        with pytest.raises(Conflict, match=r"volume top in pool .* is no overlay of a"):
            await system.apply(LinkVolume(pool, "top", "a", "/somewhere/a", "qcow2", MIB))
        assert await system.volume_facts("test-no-such-pool") == []
    finally:
        for name in ("a", "top"):
            await system.apply(DeleteVolume(pool, name))


LOADER = (
    "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>"
    "<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>{path}</nvram>"
)
FIRMWARES = {"named": LOADER, "chosen": "<firmware><feature enabled='no' name='secure-boot'/></firmware>"}


@pytest.mark.parametrize("firmware", FIRMWARES)
async def test_a_variable_store_is_copied(system: LibvirtHost, firmware: str) -> None:
    if not NVRAM.is_dir():
        pytest.skip("libvirt's variable stores cannot be looked at")
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    names = [f"test-{own[:8]}" for own in (first, second)]
    paths = [NVRAM / f"{name}_VARS.fd" for name in names]
    paths[0].write_bytes(b"boot entries" * 1000)
    try:
        for name, own, path in zip(names, (first, second), paths, strict=True):
            xml = domain_xml(name, own, "", FIRMWARES[firmware].format(path=path))
            if firmware == "chosen":
                xml = xml.replace("<os>", "<os firmware='efi'>").replace("machine='pc'", "machine='q35'")
                xml = xml.replace("<controller type='usb' model='none'/>", "")
            await system.apply(DefineDomain(name, own, xml))
        pools = [pool.name for pool in await system.pools()]
        found = [await system.blueprint(*key) for key in zip(names, (first, second), strict=True)]
        assert [blueprint.nvram for blueprint in found] == list(map(str, paths))
        for _ in range(2):
            await system.apply(CopyNvram(names[1], second, found[0].nvram))
        assert paths[1].read_bytes() == paths[0].read_bytes()
        assert [pool.name for pool in await system.pools()] == pools
    finally:
        for name, own in zip(names, (first, second), strict=True):
            await system.apply(UndefineDomain(name, own))

    assert not any(path.exists() for path in paths)
