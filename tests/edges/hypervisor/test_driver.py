"""Plans carried out on libvirt's test driver: twice is once, undone is gone, foreign is untouched."""

import asyncio
from typing import Any

import libvirt
import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, Unavailable
from provisioner.core.host import Domain
from provisioner.hypervisor import guest
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.plan import plan_guest, plan_rebuild, plan_removal
from provisioner.plan.steps import (
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    HostStep,
    Plan,
    SetAutostart,
    StartDomain,
    StopDomain,
    UndefineDomain,
)
from tests.edges.hypervisor.samples import MINI, eventually, small_spec
from tests.steps import given, host_steps, undoing
from tests.unit.plan.samples import CASES, ground
from tests.unit.plan.ways import WAYS

FOREIGN = "11111111-1111-4111-8111-111111111111"


async def plan_for(host: LibvirtHost, **changes: Any) -> Plan:
    spec = small_spec(**changes)
    return plan_guest(spec, await host.facts(), MINI, given(spec.name))


async def ours(host: LibvirtHost) -> list[Domain]:
    return [domain for domain in await host.domains() if domain.ours]


async def test_facts_of_the_test_driver(driver: LibvirtHost) -> None:
    facts = await driver.facts()

    assert facts.virt_type == "qemu"
    assert facts.virt_reason == "KVM was not proved to work yet"
    assert [(n.name, n.mode, n.active, n.bridge, n.dhcp) for n in facts.networks] == [
        ("default", "nat", True, "virbr0", True)
    ]
    assert facts.networks[0].addresses == ("192.168.122.1/24",)
    assert [(pool.name, pool.active, pool.path) for pool in facts.pools] == [("default", True, "/default")]
    assert [(d.name, d.uuid, d.ours, d.memory) for d in facts.domains] == [("foreign", FOREIGN, False, 64)]


async def test_the_verdict_on_kvm_enters_the_facts(driver: LibvirtHost) -> None:
    driver.use_kvm(True, "a kernel booted")

    facts = await driver.facts()

    assert (facts.virt_type, facts.virt_reason) == ("kvm", "a kernel booted")


async def test_a_plan_makes_a_guest(driver: LibvirtHost) -> None:
    plan = await plan_for(driver, autostart=True)
    for step in host_steps(plan.steps):
        await driver.apply(step)

    [guest] = await ours(driver)
    assert (guest.name, guest.state, guest.install) == (plan.guest, "running", "i-1")
    assert (guest.memory, guest.vcpus, guest.autostart) == (128, 1, True)
    assert await driver.volumes("default") == [f"{plan.guest}-i-1"]
    assert "s" * 43 in await driver.xml(plan.guest)


async def test_twice_is_once(driver: LibvirtHost) -> None:
    plan = await plan_for(driver, autostart=True)
    for step in host_steps(plan.steps):
        await driver.apply(step)
    before = (await driver.domains(), await driver.volumes("default"))

    for step in host_steps(plan.steps):
        await driver.apply(step)
        await driver.apply(step)

    assert (await driver.domains(), await driver.volumes("default")) == before


@pytest.mark.parametrize("cut", range(5))
async def test_undone_from_any_point_nothing_is_left(driver: LibvirtHost, cut: int) -> None:
    before = (await driver.domains(), await driver.volumes("default"))
    plan = await plan_for(driver, autostart=True)
    for step in host_steps(plan.steps[:cut]):
        await driver.apply(step)

    # The step at which it broke is undone as well: nobody knows how far it came.
    for step in host_steps(undoing(plan, cut + 1)):
        await driver.apply(step)
        await driver.apply(step)

    assert (await driver.domains(), await driver.volumes("default")) == before


async def test_a_rebuild_keeps_the_guest_and_changes_its_volume(driver: LibvirtHost) -> None:
    spec = small_spec(boot="uefi")
    facts = await driver.facts()
    for step in host_steps(plan_guest(spec, facts, MINI, given(spec.name)).steps):
        await driver.apply(step)

    again = plan_rebuild(spec, facts, MINI, given(spec.name, "i-2"), old_volume=f"{spec.name}-i-1")
    for step in host_steps(again.steps):
        await driver.apply(step)

    [guest] = await ours(driver)
    assert (guest.uuid, guest.install, guest.state) == (spec.uuid, "i-2", "running")
    assert await driver.volumes("default") == [f"{spec.name}-i-2"]


async def test_a_removal_can_be_repeated(driver: LibvirtHost) -> None:
    plan = await plan_for(driver)
    for step in host_steps(plan.steps):
        await driver.apply(step)
    define = next(step for step in plan.steps if isinstance(step, DefineDomain))

    removal = plan_removal(plan.guest, define.uuid, [("default", f"{plan.guest}-i-1")])
    for step in host_steps((*removal.steps, *removal.steps)):
        await driver.apply(step)

    assert await ours(driver) == []
    assert await driver.volumes("default") == []


FOREIGN_STEPS: tuple[HostStep, ...] = (
    DefineDomain("foreign", FOREIGN, "<domain/>"),
    UndefineDomain("foreign", FOREIGN),
    StopDomain("foreign", FOREIGN),
    StartDomain("foreign", FOREIGN),
    SetAutostart("foreign", FOREIGN, True),
)


@pytest.mark.parametrize("step", FOREIGN_STEPS, ids=lambda step: type(step).__name__)
async def test_a_foreign_domain_is_untouched(driver: LibvirtHost, step: HostStep) -> None:
    before = await driver.domains(), await driver.xml("foreign")

    with pytest.raises(Conflict, match="domain foreign is not ours"):
        await driver.apply(step)

    assert (await driver.domains(), await driver.xml("foreign")) == before


async def test_a_foreign_domain_is_not_asked_for_anything(driver: LibvirtHost) -> None:
    for asking in (driver.shutdown("foreign"), driver.reboot("foreign"), driver.reset(FOREIGN)):
        with pytest.raises(Conflict, match="not ours"):
            await asking


async def test_a_name_of_somebody_else_is_refused_and_undoing_leaves_it(driver: LibvirtHost) -> None:
    plan = await plan_for(driver, name="foreign")
    define = next(step for step in plan.steps if isinstance(step, DefineDomain))

    with pytest.raises(Conflict, match="the name foreign is taken by a domain that is not ours"):
        await driver.apply(define)
    await driver.apply(define.undo or define)

    assert [domain.name for domain in await driver.domains()] == ["foreign"]


async def test_what_is_missing_is_named(driver: LibvirtHost) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await driver.xml("nobody")
    with pytest.raises(NotFound, match="nobody"):
        await driver.apply(StartDomain("nobody", "00000000-0000-4000-8000-000000000000"))
    with pytest.raises(NotFound):
        await driver.apply(CreateVolume("nopool", "v", 1, "raw"))
    await driver.apply(DeleteVolume("nopool", "v"))
    await driver.apply(DeleteVolume("default", "v"))


async def test_a_guest_that_is_off_cannot_be_shut_down(driver: LibvirtHost) -> None:
    plan = await plan_for(driver)
    for step in host_steps(plan.steps[:-1]):
        await driver.apply(step)

    with pytest.raises(Conflict, match="is not running"):
        await driver.shutdown(plan.guest)


async def test_events_of_our_guests_and_of_no_other(driver: LibvirtHost) -> None:
    seen: list[tuple[str, str, str]] = []
    driver.watch(lambda name, uuid, event: seen.append((name, uuid, event)))
    plan = await plan_for(driver)
    define = next(step for step in plan.steps if isinstance(step, DefineDomain))

    await driver._link.run(lambda connection: connection.lookupByName("foreign").destroy())
    for step in host_steps(plan.steps):
        await driver.apply(step)
    await driver.apply(StopDomain(plan.guest, define.uuid))
    await driver.apply(UndefineDomain(plan.guest, define.uuid))
    await eventually(lambda: len(seen) >= 3)

    assert seen == [(plan.guest, define.uuid, event) for event in ("started", "stopped", "undefined")]


async def test_a_guest_that_goes_while_it_is_asked_about_is_gone_and_not_foreign(
    driver: LibvirtHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await plan_for(driver)
    define = next(step for step in plan.steps if isinstance(step, DefineDomain))
    await driver.apply(define)
    stale = await driver._link.run(lambda connection: connection.lookupByName(plan.guest))
    await driver.apply(UndefineDomain(plan.guest, define.uuid))

    monkeypatch.setattr(guest, "_by_uuid", lambda connection, uuid: stale)

    assert await driver._link.run(lambda connection: guest.is_ours(connection, define.uuid)) is None


async def test_a_callback_that_fails_does_not_end_the_events(
    driver: LibvirtHost, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def fail(name: str, uuid: str, event: str) -> None:
        seen.append(event)
        raise RuntimeError("no")

    driver.watch(fail)
    for step in host_steps((await plan_for(driver)).steps):
        await driver.apply(step)
    [guest] = await ours(driver)
    await driver.apply(StopDomain(guest.name, guest.uuid))
    await eventually(lambda: len(seen) == 2)

    assert seen == ["started", "stopped"]
    assert "was not taken" in caplog.text


async def test_many_guests_at_once(driver: LibvirtHost) -> None:
    plans = [await plan_for(driver) for _ in range(12)]

    async def make(plan: Plan) -> None:
        for step in host_steps(plan.steps):
            await driver.apply(step)

    await asyncio.gather(*(make(plan) for plan in plans))

    assert sorted(d.name for d in await ours(driver)) == sorted(plan.guest for plan in plans)
    assert len(await driver.volumes("default")) == 12


async def test_of_callers_with_one_name_one_wins(driver: LibvirtHost) -> None:
    plans = [await plan_for(driver, name="same") for _ in range(8)]
    steps = [next(s for s in plan.steps if isinstance(s, DefineDomain)) for plan in plans]

    results = await asyncio.gather(*(driver.apply(step) for step in steps), return_exceptions=True)

    assert [result for result in results if result is None] == [None]
    assert sum(isinstance(result, Conflict) for result in results) == 7


async def test_a_cancelled_step_is_over_before_its_undoing_begins(driver: LibvirtHost) -> None:
    step = CreateVolume("default", "v", 1024, "raw")

    task = asyncio.create_task(driver.apply(step))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await driver.apply(step.undo)

    assert await driver.volumes("default") == []


@pytest.mark.parametrize(
    ("uri", "kind", "words"),
    [
        ("nonsense", Invalid, "'nonsense' is not a libvirt URI"),
        ("", Invalid, "'' is not a libvirt URI"),
        ("qemu+ext:///system?command=/bin/true", Invalid, "names a program"),
        ("qemu+ssh://host/system?netcat=/bin/true", Invalid, "names a program"),
        ("foo:///bar", Invalid, "libvirt at foo:///bar says: "),
        ("qemu+unix:///system?socket=/nonexistent", Unavailable, "socket=/nonexistent says: "),
    ],
)
async def test_a_bad_uri_is_one_sentence_naming_it(uri: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        host = LibvirtHost(uri)
        try:
            await host.open()
        finally:
            await host.close()

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_nothing_is_answered_after_close(driver: LibvirtHost) -> None:
    await driver.facts()
    await driver.close()

    with pytest.raises(Unavailable, match="was closed"):
        await driver.facts()


def test_every_golden_can_be_defined(capfd: pytest.CaptureFixture[str]) -> None:
    plans = [(name, plan_guest(spec, host, tree, ground("i"))) for name, spec, host, tree in CASES]
    plans += [(name, way.plan) for name, way in WAYS.items()]
    connection = libvirt.open("test:///default")
    try:
        for name, plan in plans:
            for text in filter(None, (plan.xml, plan.first_xml)):
                named = text.replace("<name>web1<", f"<name>{name}<")
                domain = connection.defineXMLFlags(named, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
                domain.undefine()
    finally:
        connection.close()

    assert capfd.readouterr().err == ""
