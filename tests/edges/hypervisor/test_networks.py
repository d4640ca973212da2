"""Networks of every mode, on libvirt's test driver and on this machine's libvirt; and what is refused."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.network import NetworkSpec, Range, Reservation, subnet
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan import bootfile
from provisioner.plan.given import Given
from provisioner.plan.network import network_xml
from provisioner.plan.plan import plan_guest
from provisioner.plan.steps import LocalStep
from tests.edges.hypervisor.samples import MINI, small_spec
from tests.unit.plan.test_bootfile import same
from tests.unit.plan.test_network import MADE


@pytest.mark.parametrize("spec", MADE.values(), ids=MADE)
async def test_every_mode_is_made_shown_and_removed(driver: LibvirtHost, spec: NetworkSpec) -> None:
    made = await driver.create_network(network_xml(spec), spec.autostart)

    assert (made.name, made.active, made.ours, made.persistent) == (spec.name, True, True, True)
    assert (made.mode, made.dhcp) == (
        "bridge" if spec.mode == "macvtap" else spec.mode,
        spec.subnet is not None and spec.dhcp,
    )
    assert made == await driver.network(spec.name)
    assert made.parents == spec.parents
    assert "urn:provisioner:network:1" in await driver.network_xml(spec.name)
    await driver.stop_network(spec.name, False)
    await driver.stop_network(spec.name, False)
    assert not (await driver.network(spec.name)).active
    await driver.begin_network(spec.name)
    await driver.begin_network(spec.name)
    await driver.autostart_network(spec.name, True)
    assert (await driver.network(spec.name)).autostart
    await driver.delete_network(spec.name, False, False)
    assert [n.name for n in await driver.networks()] == ["default"]


async def test_a_foreign_network_is_not_removed_unasked(
    driver: LibvirtHost,
) -> None:
    default = await driver.network("default")
    assert (default.ours, default.ranges) == (False, ("192.168.122.2-192.168.122.254",))
    await driver.stop_network("default", False)
    await driver.begin_network("default")
    with pytest.raises(Conflict) as caught:
        await driver.delete_network("default", False, False)
    assert str(caught.value) == "network default is not ours"

    await driver.delete_network("default", True, False)
    assert await driver.networks() == []


@pytest.mark.parametrize(
    "call",
    [
        lambda host: host.network("nobody"),
        lambda host: host.network_xml("nobody"),
        lambda host: host.network_leases("nobody"),
        lambda host: host.begin_network("nobody"),
        lambda host: host.stop_network("nobody", True),
        lambda host: host.autostart_network("nobody", True),
        lambda host: host.delete_network("nobody", True, True),
        lambda host: host.redefine_network("nobody", "<network/>", True),
    ],
)
async def test_a_network_that_is_not_there_is_named(driver: LibvirtHost, call: object) -> None:
    with pytest.raises(NotFound) as caught:
        await call(driver)  # type: ignore[operator]

    assert str(caught.value) == "no libvirt network 'nobody'; known are default"


@pytest.fixture
async def lab(system: LibvirtHost) -> AsyncIterator[NetworkSpec]:
    """A network of its own on this machine's libvirt, with a range and a host entry."""
    tail = uuid.uuid4().hex[:6]
    net = f"10.214.{int(tail[:2], 16)}"
    spec = NetworkSpec(
        f"test-{tail}",
        "nat",
        subnet(f"{net}.0/24"),
        f"tsn{tail}",
        given=Range.parse(f"{net}.50,{net}.59"),
        reserved=(Reservation.parse(f"52:54:00:00:00:01,{net}.9,web1"),),
    )
    await system.create_network(network_xml(spec), False)
    yield spec
    await system.delete_network(spec.name, False, True)


async def test_what_was_made_is_what_libvirt_reads(system: LibvirtHost, lab: NetworkSpec) -> None:
    there = await system.network(lab.name)

    assert (there.bridge, there.addresses, there.ranges) == (lab.device, (str(lab.own),), (str(lab.given),))
    assert there.reserved == (f"52:54:00:00:00:01 {lab.reserved[0].address} web1",)
    assert len(there.uuid) == 36
    assert await system.network_leases(lab.name) == []


async def test_one_that_cannot_start_leaves_nothing(system: LibvirtHost, lab: NetworkSpec) -> None:
    again = replace(lab, name=f"{lab.name}b", device=f"{lab.device}b")
    with pytest.raises(Conflict, match="cannot be started"):
        await system.create_network(network_xml(again), False)

    assert again.name not in [n.name for n in await system.networks()]


async def test_a_boot_file_is_written_into_a_running_network_and_taken_out(
    system: LibvirtHost, lab: NetworkSpec
) -> None:
    before = await system.network_xml(lab.name)
    lines = bootfile.options(f"http://{lab.own.ip}:8080", str(lab.own.ip))
    await system.redefine_network(lab.name, bootfile.with_options(before, lines), False)

    there = await system.network(lab.name)
    assert (there.active, there.ours, "boot" in there.bootp) == (True, True, True)
    conf = Path(f"/var/lib/libvirt/dnsmasq/{lab.name}.conf").read_text()
    assert [line for line in lines if line not in conf] == []

    after = await system.network_xml(lab.name)
    await system.redefine_network(lab.name, bootfile.without(after), False)
    assert same(await system.network_xml(lab.name), before)
    assert "dhcp-boot" not in Path(f"/var/lib/libvirt/dnsmasq/{lab.name}.conf").read_text()


async def test_a_network_that_does_not_start_with_it_stays_as_it_was(
    system: LibvirtHost, lab: NetworkSpec
) -> None:
    before = await system.network_xml(lab.name)
    broken = bootfile.with_options(before, ("no-such-option-of-dnsmasq=1,set:pv-x",))
    with pytest.raises(Exception, match="dnsmasq"):
        await system.redefine_network(lab.name, broken, False)

    assert (await system.network(lab.name)).active
    assert await system.network_xml(lab.name) == before


async def test_running_guests_keep_their_link_unless_it_is_forced(
    system: LibvirtHost, pool: str, lab: NetworkSpec, folder: Path
) -> None:
    spec = small_spec(pool, lab.name)
    facts = await system.facts()
    given = Given("i-1", "s" * 43, str(folder / "log"), f"{spec.name}-i-1")
    plan = plan_guest(spec, facts, MINI, given)
    try:
        for step in plan.steps:
            assert not isinstance(step, LocalStep)
            await system.apply(step)
        for call in (
            system.stop_network(lab.name, False),
            system.delete_network(lab.name, False, False),
            system.redefine_network(lab.name, await system.network_xml(lab.name), False),
        ):
            with pytest.raises(Conflict, match=f"a running guest is plugged into network {lab.name}"):
                await call
        assert (await system.network(lab.name)).active
    finally:
        for step in reversed(plan.steps):
            if step.undo is not None:
                await system.apply(step.undo)
