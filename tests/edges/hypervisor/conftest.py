"""Hosts to try things on: libvirt's test driver with a state of its own, and this machine's libvirt."""

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from provisioner.core.errors import ProvisionerError
from provisioner.hypervisor.connection import LibvirtHost
from tests.edges.hypervisor.daemon import Daemon, daemon_of_our_own
from tests.hang_up import hang_up

NODE = """
<node>
  <domain type="test">
    <name>foreign</name>
    <uuid>11111111-1111-4111-8111-111111111111</uuid>
    <memory unit="MiB">64</memory>
    <os><type>hvm</type></os>
  </domain>
  <network>
    <name>default</name>
    <forward mode="nat"/>
    <bridge name="virbr0"/>
    <ip address="192.168.122.1" netmask="255.255.255.0">
      <dhcp><range start="192.168.122.2" end="192.168.122.254"/></dhcp>
    </ip>
  </network>
  <pool type="dir">
    <name>default</name>
    <target><path>/default</path></target>
  </pool>
</node>
"""


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """An unprivileged libvirtd that a test may kill and freeze."""
    with daemon_of_our_own() as daemon:
        yield daemon


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[LibvirtHost]:
    """libvirt's test driver with one foreign domain, one network and one pool, for this test alone."""
    file = tmp_path / "node.xml"
    file.write_text(NODE)
    host = LibvirtHost(f"test://{file}")
    yield host
    await hang_up(host)


@pytest.fixture
async def system() -> AsyncIterator[LibvirtHost]:
    """This machine's libvirt. Skips where it does not answer."""
    host = LibvirtHost("qemu:///system")
    try:
        await host.open()
    except ProvisionerError as error:
        await host.close()
        pytest.skip(str(error))
    yield host
    await hang_up(host)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that QEMU's own user can enter; pytest's are closed to it."""
    if os.geteuid() != 0:
        pytest.skip("a folder that QEMU's user can enter takes root")
    path = Path(tempfile.mkdtemp(prefix="provisioner-test-", dir="/var/lib/libvirt"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def pool(system: LibvirtHost, folder: Path) -> AsyncIterator[str]:
    """A pool of its own on this machine's libvirt."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    path = str(folder / "pool")
    await system.ensure_pool(name, path)
    yield name
    await system.remove_pool(name, path)


@pytest.fixture
async def network(system: LibvirtHost) -> AsyncIterator[str]:
    """An isolated network of its own on this machine's libvirt."""
    if os.geteuid() != 0:
        pytest.skip("a bridge takes root")
    tail = uuid.uuid4().hex[:6]
    name = f"test-{tail}"
    await system.ensure_network(name, f"tst{tail}", f"10.213.{int(tail[:2], 16)}.1/24", "isolated")
    yield name
    await system.remove_network(name)
