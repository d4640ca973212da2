"""What every hypervisor promises, asked of libvirt's test driver and of the one in memory alike."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict, NotFound, ProvisionerError
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.host import Domain
from provisioner.plan.plan import plan_guest, plan_rebuild, plan_removal
from provisioner.plan.steps import (
    DefineDomain,
    DeleteVolume,
    HostStep,
    Plan,
    SetAutostart,
    StartDomain,
    StopDomain,
    UndefineDomain,
)
from provisioner.service.ports import Hypervisor
from tests.fakes import FACTS, TREE, FakeHypervisor
from tests.steps import given, host_steps, undoing

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
FOREIGN = "11111111-1111-4111-8111-111111111111"
SPEC = GuestSpec(
    "web1",
    "tiny",
    "00000000-0000-4000-8000-000000000001",
    128,
    disks=(Disk(0.0625),),
    nics=(Nic("network", "default", "52:54:00:00:00:01"),),
)


@pytest.fixture(params=["libvirt", "memory"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Hypervisor]:
    if request.param == "memory":
        yield FakeHypervisor(FACTS, [Domain("foreign", FOREIGN, "running", ours=False)])
        return
    pytest.importorskip("libvirt", reason="libvirt-python is not installed")
    from provisioner.hypervisor.connection import LibvirtHost
    from tests.hang_up import hang_up

    (tmp_path / "node.xml").write_text(NODE)
    driver = LibvirtHost(f"test://{tmp_path}/node.xml")
    yield driver
    await hang_up(driver)


async def plan(host: Hypervisor, spec: GuestSpec = SPEC) -> Plan:
    return plan_guest(spec, await host.facts(), TREE, given("web1", "i1"))


async def carry_out(host: Hypervisor, plan: Plan) -> None:
    for step in host_steps(plan.steps):
        await host.apply(step)


async def seen(host: Hypervisor) -> list[tuple[str, str, bool]]:
    return sorted((d.name, d.state, d.ours) for d in await host.domains())


ALONE = [("foreign", "running", False)]
BESIDE = [*ALONE, ("web1", "running", True)]


async def test_a_plan_makes_a_guest_and_doing_it_again_changes_nothing(host: Hypervisor) -> None:
    for _ in range(2):
        await carry_out(host, await plan(host))

        assert await seen(host) == BESIDE
        assert await host.volumes("default") == ["web1-i1"]
        assert "s" * 43 in await host.xml("web1")


async def test_its_undoing_in_reverse_leaves_nothing(host: Hypervisor) -> None:
    made = await plan(host)
    await carry_out(host, made)

    for _ in range(2):
        for step in host_steps(undoing(made)):
            await host.apply(step)

        assert await seen(host) == ALONE
        assert await host.volumes("default") == []


async def test_a_rebuild_replaces_the_disk_and_keeps_the_guest(host: Hypervisor) -> None:
    await carry_out(host, await plan(host))
    again = plan_rebuild(
        SPEC, await host.facts(), TREE, given("web1", "i2", serial="t" * 43), old_volume="web1-i1"
    )

    for _ in range(2):
        await carry_out(host, again)

        assert await seen(host) == BESIDE
        assert await host.volumes("default") == ["web1-i2"]
        assert "t" * 43 in await host.xml("web1")


async def test_a_removal_can_be_asked_for_twice(host: Hypervisor) -> None:
    await carry_out(host, await plan(host))

    for _ in range(2):
        await carry_out(host, plan_removal("web1", SPEC.uuid, [("default", "web1-i1")]))

        assert await seen(host) == ALONE
        assert await host.volumes("default") == []


async def test_what_is_gone_already_is_no_error_and_what_must_be_there_is_one(host: Hypervisor) -> None:
    gone: tuple[HostStep, ...] = (
        StopDomain("web1", SPEC.uuid),
        UndefineDomain("web1", SPEC.uuid),
        DeleteVolume("default", "none"),
    )
    for step in gone:
        await host.apply(step)
    for missing in (StartDomain("web1", SPEC.uuid), SetAutostart("web1", SPEC.uuid, True)):
        with pytest.raises(NotFound):
            await host.apply(missing)
    for asked in (host.xml("web1"), host.shutdown("web1"), host.reboot("web1"), host.reset(SPEC.uuid)):
        with pytest.raises(NotFound):
            await asked


async def test_what_is_not_ours_is_refused(host: Hypervisor) -> None:
    steps: list[HostStep] = [
        StopDomain("foreign", FOREIGN),
        StartDomain("foreign", FOREIGN),
        UndefineDomain("foreign", FOREIGN),
        SetAutostart("foreign", FOREIGN, True),
    ]
    named = replace(SPEC, name="foreign")
    for spec in (named, replace(named, uuid=FOREIGN), replace(SPEC, uuid=FOREIGN)):
        steps += host_steps((await plan(host, spec)).steps[1:2])
    for step in steps:
        with pytest.raises(Conflict):
            await host.apply(step)
    for asked in (host.shutdown("foreign"), host.reboot("foreign"), host.reset(FOREIGN)):
        with pytest.raises(Conflict):
            await asked

    assert await seen(host) == ALONE


async def test_a_guest_keeps_its_name(host: Hypervisor) -> None:
    await carry_out(host, await plan(host))

    with pytest.raises(Conflict):
        await host.apply(host_steps((await plan(host, replace(SPEC, name="web2"))).steps)[1])

    assert await seen(host) == BESIDE


async def test_a_guest_is_switched(host: Hypervisor) -> None:
    await carry_out(host, await plan(host))
    await host.reset(SPEC.uuid)
    await host.apply(SetAutostart("web1", SPEC.uuid, True))
    await host.shutdown("web1")

    assert await seen(host) == [*ALONE, ("web1", "shut off", True)]
    assert [d.autostart for d in await host.domains() if d.ours] == [True]
    for asked in (host.shutdown("web1"), host.reboot("web1"), host.reset(SPEC.uuid)):
        with pytest.raises(ProvisionerError, match="web1 is not running"):
            await asked


async def test_a_first_stage_is_for_one_start_and_the_definition_stays(host: Hypervisor) -> None:
    made = await plan(host)
    carried = host_steps(made.steps)
    first = made.xml.replace("<on_reboot>restart<", "<on_reboot>destroy<")
    for step in (*carried[:-1], replace_start(carried[-1], first), replace_start(carried[-1], first)):
        await host.apply(step)

    assert await seen(host) == BESIDE
    assert "<on_reboot>destroy<" in await host.xml("web1")
    await host.apply(StopDomain("web1", SPEC.uuid))
    assert await seen(host) == [*ALONE, ("web1", "shut off", True)]
    await host.apply(StartDomain("web1", SPEC.uuid))
    assert "<on_reboot>restart<" in await host.xml("web1")


def replace_start(step: HostStep, xml: str) -> StartDomain:
    assert isinstance(step, StartDomain)
    return replace(step, xml=xml)


async def test_what_happens_to_a_guest_is_told(host: Hypervisor) -> None:
    told: list[tuple[str, str, str]] = []
    host.watch(lambda name, uuid, event: told.append((name, uuid, event)))
    made = await plan(host)
    await carry_out(host, made)
    await host.apply(StopDomain("web1", SPEC.uuid))
    await host.apply(UndefineDomain("web1", SPEC.uuid))

    async with asyncio.timeout(30):
        while len(told) < 3:
            await asyncio.sleep(0.01)

    assert told == [("web1", SPEC.uuid, event) for event in ("started", "stopped", "undefined")]


async def test_what_a_host_has_is_in_its_facts(host: Hypervisor) -> None:
    facts = await host.facts()

    assert facts.networks == tuple(await host.networks())
    assert [pool.name for pool in facts.pools] == [pool.name for pool in await host.pools()] == ["default"]
    assert [d.name for d in facts.domains] == ["foreign"]
    assert await host.lease(SPEC.mac) is None
    assert isinstance((await plan(host)).steps[1], DefineDomain)


async def test_definitions_are_told_of_the_domains_that_are_asked_for(host: Hypervisor) -> None:
    await carry_out(host, await plan(host))
    await host.apply(SetAutostart("web1", SPEC.uuid, True))

    found = {one.name: one for one in await host.definitions({SPEC.uuid})}

    mine = found["web1"]
    assert (mine.uuid, mine.on, mine.autostart) == (SPEC.uuid, True, True)
    assert "<name>web1</name>" in mine.xml
    assert (found["foreign"].uuid, found["foreign"].xml) == (FOREIGN, "")
