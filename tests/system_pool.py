"""A storage pool on this machine's own libvirt, for tests that need a real one."""

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from provisioner.core.errors import ProvisionerError
from provisioner.core.storage import PoolSpec
from provisioner.hypervisor.connection import LibvirtHost
from tests.hang_up import hang_up


@asynccontextmanager
async def pool_of_our_own() -> AsyncIterator[tuple[LibvirtHost, str]]:
    """The host and the name of an empty pool, which goes with its folder. Skips where there is none."""
    if os.geteuid() != 0:
        pytest.skip("a pool of the system's libvirt takes root")
    system = LibvirtHost("qemu:///system")
    try:
        await system.open()
    except ProvisionerError as error:
        await system.close()
        pytest.skip(str(error))
    name = f"test-{uuid.uuid4().hex[:8]}"
    place = Path(tempfile.mkdtemp(prefix="provisioner-test-", dir="/var/lib/libvirt"))
    try:
        await system.create_pool(PoolSpec(name, "dir", str(place / "pool")))
        yield system, name
    finally:
        if name in [pool.name for pool in await system.pools()]:
            await system.delete_pool(name, files=True)
        await hang_up(system)
        shutil.rmtree(place)
