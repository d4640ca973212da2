"""Disks frozen and had again, and variable stores kept and put back, on this machine's libvirt."""

import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.core.snapshot import Snapshot
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.snapshots import Moving, check_snapshot, frozen, plan_reset, plan_snapshot, volumes
from provisioner.plan.steps import (
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    KeepNvram,
    RestoreNvram,
    UndefineDomain,
)
from tests.edges.hypervisor.living import domain_xml
from tests.edges.hypervisor.test_copies import DISK, FIRMWARES, MIB, NVRAM, disk_of, info, qemu_io
from tests.fakes import START


async def carry_out(system: LibvirtHost, plan: Moving) -> None:
    for step in plan.steps:
        await system.apply(step)
        await system.apply(step)  # each may be done twice


@pytest.mark.parametrize("form", ["qcow2", "raw"])
async def test_what_was_written_since_is_gone_after_a_reset(
    system: LibvirtHost, pool: str, folder: Path, form: str
) -> None:
    own = str(uuid.uuid4())
    name = f"test-{own[:8]}"
    await system.apply(CreateVolume(pool, f"{name}-i1", 8 * MIB, form))
    path = folder / "pool" / f"{name}-i1"
    qemu_io(path, "write -P 0x41 0 64k", form)
    await system.apply(DefineDomain(name, own, domain_xml(name, own, DISK.format(form=form, path=path))))
    try:
        await system.volume_facts(pool)
        found = await system.blueprint(name, own)
        check_snapshot(name, found)
        was = volumes(name, found, frozen(found))
        snapshot = Snapshot(name, "i1", START, frozen(found), was=was)
        await carry_out(system, plan_snapshot(snapshot, own, found))

        top = await disk_of(system, name, own)
        assert (top.name, info(top)["backing-filename"]) == (f"{name}-i1-r0", str(path))
        qemu_io(top, "read -P 0x41 0 64k")
        qemu_io(top, "write -P 0x42 0 64k")

        found = await system.blueprint(name, own)
        again = replace(snapshot, turn=1, was=volumes(name, found, snapshot.disks))
        plan = plan_reset(again, own, found)
        await carry_out(system, plan)
        new = await disk_of(system, name, own)
        assert plan.moves == (((pool, top.name), (pool, new.name)),)
        assert (new.name, info(new)["backing-filename"]) == (f"{name}-i1-r1", str(path))
        qemu_io(new, "read -P 0x41 0 64k")
        untouched = await system.blueprint(name, own)
        assert frozen(untouched) == snapshot.disks
    finally:
        await system.apply(UndefineDomain(name, own))
        for volume in await system.volumes(pool):
            await system.apply(DeleteVolume(pool, volume))


@pytest.mark.parametrize("firmware", FIRMWARES)
async def test_a_variable_store_is_kept_and_put_back(system: LibvirtHost, pool: str, firmware: str) -> None:
    if not NVRAM.is_dir():
        pytest.skip("libvirt's variable stores cannot be looked at")
    own = str(uuid.uuid4())
    name = f"test-{own[:8]}"
    store = NVRAM / f"{name}_VARS.fd"
    store.write_bytes(b"disk before network" * 1000)
    xml = domain_xml(name, own, "", FIRMWARES[firmware].format(path=store))
    if firmware == "chosen":
        xml = xml.replace("<os>", "<os firmware='efi'>").replace("machine='pc'", "machine='q35'")
        xml = xml.replace("<controller type='usb' model='none'/>", "")
    try:
        await system.apply(DefineDomain(name, own, xml))
        await system.apply(RestoreNvram(name, own, pool, "kept"))  # nothing was kept: nothing is done
        for _ in range(2):
            await system.apply(KeepNvram(name, own, pool, "kept"))
        store.write_bytes(b"network before disk" * 1000)
        for _ in range(2):
            await system.apply(RestoreNvram(name, own, pool, "kept"))
        assert store.read_bytes().rstrip(b"\0") == b"disk before network" * 1000
        store.unlink()
        await system.apply(RestoreNvram(name, own, pool, "kept"))
        assert store.read_bytes().rstrip(b"\0") == b"disk before network" * 1000
    finally:
        await system.apply(UndefineDomain(name, own))
        await system.apply(DeleteVolume(pool, "kept"))
    assert not store.exists()
