"""This machine's libvirt: real domains, volumes, networks and pools, all of them the test's own."""

import asyncio
import os
import subprocess
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import libvirt
import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.guest import GuestSpec
from provisioner.core.host import HostFacts
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.checks import check
from provisioner.plan.plan import plan_guest
from provisioner.plan.steps import (
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    Plan,
    StartDomain,
    StopDomain,
    UndefineDomain,
)
from tests.edges.hypervisor.samples import MINI, eventually, small_spec
from tests.steps import given, host_steps, undoing

NVRAM = Path("/var/lib/libvirt/qemu/nvram")


async def undo(host: LibvirtHost, plan: Plan) -> None:
    for step in host_steps(undoing(plan)):
        await host.apply(step)


def planned(spec: GuestSpec, facts: HostFacts, folder: Path) -> Plan:
    log = str(folder / f"{spec.name}.log")
    return plan_guest(spec, facts, MINI, given(spec.name, log=log))


async def test_facts_of_this_host(system: LibvirtHost) -> None:
    facts = await system.facts()

    assert Path(facts.emulator).exists()
    assert (facts.machine, facts.arch) == ("q35", "x86_64")
    assert "bios" in facts.firmwares
    assert facts.max_vcpus >= 1 and facts.memory > 128
    assert set(facts.bridges) == {p.parent.name for p in Path("/sys/class/net").glob("*/bridge")}
    assert "lo" not in facts.interfaces


async def test_a_guest_comes_twice_as_once_and_goes_without_a_trace(
    system: LibvirtHost, pool: str, network: str, folder: Path
) -> None:
    spec = small_spec(pool, network, autostart=True)
    seen: list[str] = []
    system.watch(lambda name, uuid, event: seen.append(event) if uuid == spec.uuid else None)
    facts = await system.facts()
    check(spec, facts)
    plan = planned(spec, facts, folder)
    log = folder / f"{spec.name}.log"

    try:
        for step in host_steps((*plan.steps, *plan.steps)):
            await system.apply(step)
        [guest] = [domain for domain in await system.domains() if domain.uuid == spec.uuid]
        assert (guest.state, guest.ours, guest.autostart, guest.macs) == ("running", True, True, (spec.mac,))
        with pytest.raises(Conflict, match="exists already"):
            check(spec, await system.facts())
        assert await system.volumes(pool) == [f"{spec.name}-i-1"]
        await eventually(lambda: b"SeaBIOS" in log.read_bytes(), seconds=60)
        await system.reset(spec.uuid)
        await eventually(lambda: "rebooted" in seen)
    finally:
        await undo(system, plan)
        await undo(system, plan)

    await eventually(lambda: "undefined" in seen)
    # Its disk is empty: on a busy machine its firmware gives up and starts again meanwhile.
    assert list(dict.fromkeys(seen)) == ["started", "rebooted", "stopped", "undefined"]
    assert await system.volumes(pool) == []
    assert [d for d in await system.domains() if d.uuid == spec.uuid] == []


async def test_a_variable_store_left_by_another_is_not_used(
    system: LibvirtHost, pool: str, network: str, folder: Path
) -> None:
    facts = await system.facts()
    if "efi" not in facts.firmwares or not NVRAM.is_dir():
        pytest.skip("no UEFI firmware, or its variable stores cannot be looked at")
    spec = small_spec(pool, network, boot="uefi", rom=False)
    plan = planned(spec, facts, folder)
    store = NVRAM / f"{spec.name}_VARS.fd"
    store.write_bytes(b"another guest's")

    try:
        for step in host_steps(plan.steps):
            await system.apply(step)
        assert store.stat().st_size > 4096
    finally:
        await undo(system, plan)

    assert not store.exists()


async def test_starting_names_the_network_that_is_down(
    system: LibvirtHost, pool: str, network: str, folder: Path
) -> None:
    spec = small_spec(pool, network)
    plan = planned(spec, await system.facts(), folder)
    try:
        *made, start = host_steps(plan.steps)
        for step in made:
            await system.apply(step)
        await system._link.run(lambda connection: connection.networkLookupByName(network).destroy())
        with pytest.raises(Conflict) as inactive:
            await system.apply(start)
        await system.remove_network(network)
        with pytest.raises(Conflict) as missing:
            await system.apply(start)
    finally:
        await undo(system, plan)

    assert str(inactive.value) == f"guest {spec.name} cannot start: libvirt network {network} is not active"
    assert inactive.value.remedy == f"virsh net-start {network}"
    assert str(missing.value) == f"guest {spec.name} cannot start: libvirt has no network {network}"


@pytest.fixture
async def foreign(system: LibvirtHost) -> AsyncIterator[tuple[str, str]]:
    """Name and UUID of a domain without our metadata."""
    name, own = f"test-foreign-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    xml = (
        f"<domain type='qemu'><name>{name}</name><uuid>{own}</uuid><memory unit='MiB'>64</memory>"
        "<os><type arch='x86_64'>hvm</type></os></domain>"
    )
    await system._link.run(lambda connection: connection.defineXML(xml).name())
    yield name, own
    await system._link.run(lambda connection: connection.lookupByName(name).undefine())


async def test_a_foreign_domain_stays_as_it_is(system: LibvirtHost, foreign: tuple[str, str]) -> None:
    name, own = foreign
    before = await system.xml(name)

    for step in (
        DefineDomain(name, own, "<domain/>"),
        StartDomain(name, own),
        StopDomain(name, own),
        UndefineDomain(name, own),
    ):
        with pytest.raises(Conflict, match="is not ours"):
            await system.apply(step)
    with pytest.raises(Conflict, match="taken by a domain that is not ours"):
        await system.apply(DefineDomain(name, str(uuid.uuid4()), "<domain/>"))

    assert await system.xml(name) == before


async def test_xml_that_the_schema_refuses_is_invalid(system: LibvirtHost) -> None:
    with pytest.raises(Invalid, match="libvirt at qemu:///system says"):
        await system.apply(
            DefineDomain("test-x", str(uuid.uuid4()), "<domain type='qemu'><nonsense/></domain>")
        )


async def test_volumes_made_at_once_are_all_there(system: LibvirtHost, pool: str) -> None:
    steps = [CreateVolume(pool, f"v{n}", 1 << 20, ("qcow2", "raw")[n % 2]) for n in range(16)]

    await asyncio.gather(*(system.apply(step) for step in steps + steps))
    assert await system.volumes(pool) == sorted(step.name for step in steps)

    await asyncio.gather(*(system.apply(step.undo) for step in steps + steps))
    assert await system.volumes(pool) == []


async def test_a_volume_whose_file_is_gone_is_deleted(system: LibvirtHost, pool: str, folder: Path) -> None:
    await system.apply(CreateVolume(pool, "v", 1 << 20, "qcow2"))
    (folder / "pool" / "v").unlink()

    await system.apply(DeleteVolume(pool, "v"))

    assert await system.volumes(pool) == []


async def test_a_pool_is_made_once_and_only_its_own_path_forgets_it(
    system: LibvirtHost, pool: str, folder: Path
) -> None:
    path = str(folder / "pool")
    await system.ensure_pool(pool, path)
    [there] = [p for p in await system.pools() if p.name == pool]
    free = os.statvfs(path)

    assert (there.active, there.autostart, there.path) == (True, True, path)
    assert 0 < there.available <= free.f_blocks * free.f_frsize
    with pytest.raises(Conflict, match="left alone"):
        await system.remove_pool(pool, "/somewhere/else")
    with pytest.raises(Invalid, match="not an absolute path"):
        await system.ensure_pool(pool, "somewhere/else")
    await system.remove_pool("test-nobody", "/nowhere")


async def test_a_network_is_made_once(system: LibvirtHost, network: str) -> None:
    [there] = [n for n in await system.networks() if n.name == network]
    [cidr] = there.addresses

    await system.ensure_network(network, there.bridge, cidr, "isolated")
    with pytest.raises(Conflict, match="exists with other settings"):
        await system.ensure_network(network, there.bridge, cidr, "isolated", "http://x/boot")

    assert (there.mode, there.active, there.dhcp, there.bootp) == ("isolated", True, True, "")
    assert there.bridge in (await system.facts()).bridges


async def test_a_network_is_nat_with_a_boot_file_where_asked(system: LibvirtHost, network: str) -> None:
    name = f"{network}b"
    bridge = f"tsu{network[-6:]}"
    file = "http://10.214.0.1:8080/boot/ipxe"
    try:
        await system.ensure_network(name, bridge, "10.214.0.1/24", "nat", file)
        [there] = [n for n in await system.networks() if n.name == name]
    finally:
        await system.remove_network(name)
        await system.remove_network(name)

    assert (there.mode, there.bridge, there.bootp) == ("nat", bridge, file)
    assert name not in [n.name for n in await system.networks()]


@pytest.mark.parametrize(
    ("cidr", "mode", "words"),
    [
        ("10.214.0.1", "nat", "leaves no room"),
        ("10.214.0.0/24", "nat", "leaves no room"),
        ("ten.one/24", "nat", "is not an IPv4 address"),
        ("10.214.0.1/24", "magic", "mode 'magic' is not known"),
    ],
)
async def test_a_network_that_cannot_be_is_refused(
    system: LibvirtHost, cidr: str, mode: str, words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        await system.ensure_network("test-none", "tstnone", cidr, mode)


async def test_a_foreign_network_is_not_removed(system: LibvirtHost) -> None:
    name = f"test-foreign-{uuid.uuid4().hex[:6]}"
    xml = f"<network><name>{name}</name><bridge name='tf{name[-6:]}'/></network>"
    await system._link.run(lambda connection: connection.networkDefineXML(xml).name())
    try:
        with pytest.raises(Conflict, match="is not ours"):
            await system.remove_network(name)
        assert name in [n.name for n in await system.networks()]
    finally:
        await system._link.run(lambda connection: connection.networkLookupByName(name).undefine())


async def test_a_lease_is_found_by_mac(system: LibvirtHost, network: str) -> None:
    mac, space = "52:54:00:4c:45:41", f"prov-{network}"
    [there] = [n for n in await system.networks() if n.name == network]
    link = f"l{network[-6:]}"

    def run(*words: str) -> None:
        subprocess.run(words, check=True, capture_output=True, timeout=60)

    try:
        run("ip", "netns", "add", space)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("network namespaces cannot be made here")
    try:
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
        run("ip", "link", "set", link, "master", there.bridge, "up")
        run("ip", "-n", space, "link", "set", "eth0", "address", mac, "up")
        run("ip", "netns", "exec", space, "busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-s", "/bin/true")
        for _ in range(100):  # dnsmasq hands its leases to libvirt a moment after it gave them
            if (address := await system.lease(mac)) is not None:
                break
            await asyncio.sleep(0.1)
    finally:
        run("ip", "netns", "delete", space)

    assert address is not None
    assert address.rsplit(".", 1)[0] == there.addresses[0].rsplit(".", 1)[0]
    assert await system.lease("52:54:00:00:00:99") is None


async def test_an_inactive_pool_is_told(system: LibvirtHost, pool: str) -> None:
    await system._link.run(lambda connection: connection.storagePoolLookupByName(pool).destroy())

    for step in (CreateVolume(pool, "v", 1, "raw"), DeleteVolume(pool, "v")):
        with pytest.raises(Conflict, match=f"storage pool {pool} is not active"):
            await system.apply(step)


async def test_starting_what_exists_only(system: LibvirtHost, network: str) -> None:
    await system._link.run(lambda connection: connection.networkLookupByName(network).destroy())

    await system.start_network(network)

    [there] = [n for n in await system.networks() if n.name == network]
    assert (there.active, there.autostart) == (True, True)
    with pytest.raises(NotFound):
        await system.start_network("test-nobody")


def test_libvirt_has_what_the_plans_rely_on() -> None:
    assert hasattr(libvirt, "VIR_DOMAIN_UNDEFINE_NVRAM")
