"""Guests as they were installed, in every store alike."""

from dataclasses import replace

import pytest

from provisioner.core.errors import NotFound
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.core.snapshot import Frozen, Snapshot
from provisioner.service.ports import GuestRow, Store
from tests.fakes import START

DISK = Frozen("vda", "default", "web1-i1", "/p/web1-i1", "qcow2", 2**32)
KEPT = Snapshot("web1", "i1", START, (DISK, replace(DISK, target="vdb")), "web1-i1-r0-nvram")


async def test_a_snapshot_is_put_replaced_and_goes_with_its_guest(store: Store) -> None:
    spec = GuestSpec(
        "web1", "tiny", "00000000-0000-4000-8000-000000000001", nics=(Nic("user", "", "52:54:00:00:00:01"),)
    )
    install = Install("i1", "web1", spec.mac, spec.uuid, "tiny", Stage.PLANNED, START, START)
    await store.add_install(install, GuestRow(spec, "i1", "web1-i1", START, {}))
    with pytest.raises(NotFound, match="web1"):
        await store.snapshot("web1")

    await store.put_snapshot(KEPT)
    assert (await store.snapshot("web1"), await store.snapshots()) == (KEPT, [KEPT])
    was = (("default", "web1-i1-r0"), ("default", "web1-i1-r0-vdb"))
    begun = replace(KEPT, turn=1, state="resetting", was=was, starts=True)
    await store.put_snapshot(begun)
    assert await store.snapshots() == [begun]

    await store.remove_snapshot("web1")
    await store.remove_snapshot("web1")
    assert await store.snapshots() == []
    await store.put_snapshot(KEPT)
    await store.remove_guest("web1")
    assert await store.snapshots() == []
