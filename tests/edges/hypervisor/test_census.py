"""What is kept of domains and networks never hides what somebody else did behind our back."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import libvirt
import pytest

from provisioner.core.errors import Conflict, Invalid
from provisioner.core.host import Domain
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.steps import DefineDomain, UndefineDomain

XML = """<domain type="{kind}"><name>{name}</name><uuid>{uuid}</uuid><memory unit="MiB">{memory}</memory>
<os><type arch="x86_64">hvm</type></os>
<devices><interface type="user"><mac address="{mac}"/></interface></devices></domain>"""
MARK = (
    '<metadata><guest:guest xmlns:guest="urn:provisioner:guest:1"><guest:install>i1</guest:install>'
    "</guest:guest></metadata>"
)


def xml(name: str, kind: str, *, memory: int = 64, mac: str = "52:54:00:aa:00:01", number: str = "") -> str:
    return XML.format(name=name, kind=kind, memory=memory, mac=mac, uuid=number or uuid.uuid4())


@pytest.fixture
def theirs(system: LibvirtHost) -> Iterator[libvirt.virConnect]:
    """Somebody else's connection to this machine's libvirt, as virsh has one; what it defined goes."""
    connection = libvirt.open("qemu:///system")
    yield connection
    for domain in connection.listAllDomains():
        if domain.name().startswith("test-census-"):
            domain.undefine()
    connection.close()


@pytest.fixture
async def second() -> AsyncIterator[LibvirtHost]:
    """A second service on the same host."""
    host = LibvirtHost("qemu:///system")
    yield host
    await host.close()


def fresh() -> str:
    return f"test-census-{uuid.uuid4().hex[:8]}"


async def seen(host: LibvirtHost, name: str, *, glance: bool) -> Domain | None:
    domains = (await host.facts()).domains if glance else await host.domains()
    return next((domain for domain in domains if domain.name == name), None)


@pytest.mark.parametrize("glance", [False, True], ids=["list", "facts"])
async def test_a_domain_made_and_removed_behind_our_back_is_seen_at_once(
    system: LibvirtHost, theirs: libvirt.virConnect, glance: bool
) -> None:
    name = fresh()
    assert await seen(system, name, glance=glance) is None

    domain = theirs.defineXML(xml(name, "qemu", mac="52:54:00:aa:00:02"))
    there = await seen(system, name, glance=glance)
    domain.undefine()

    assert there is not None
    assert (there.ours, there.macs, there.memory) == (False, ("52:54:00:aa:00:02",), 64)
    assert await seen(system, name, glance=glance) is None


async def test_a_domain_of_ours_is_known_as_libvirt_tells_it(system: LibvirtHost) -> None:
    name, number = fresh(), str(uuid.uuid4())
    text = xml(name, "qemu", number=number).replace("<os>", f"{MARK}<os>")
    await system.apply(DefineDomain(name, number, text))

    known = await seen(system, name, glance=True)
    system._census.forget()
    told = await seen(system, name, glance=True)
    await system.apply(UndefineDomain(name, number))

    assert known is not None
    assert known == told


@pytest.mark.parametrize("glance", [False, True], ids=["list", "facts"])
async def test_a_domain_that_is_made_anew_under_its_name_is_read_anew(
    system: LibvirtHost, theirs: libvirt.virConnect, glance: bool
) -> None:
    name = fresh()
    theirs.defineXML(xml(name, "qemu")).undefine()
    theirs.defineXML(xml(name, "qemu"))
    before = await seen(system, name, glance=glance)
    theirs.lookupByName(name).undefine()
    theirs.defineXML(xml(name, "qemu", mac="52:54:00:aa:00:03"))

    async with asyncio.timeout(10):  # libvirt tells it; how soon is libvirt's affair
        while (after := await seen(system, name, glance=glance)) is None or after == before:
            await asyncio.sleep(0.01)

    assert after.macs == ("52:54:00:aa:00:03",)


@pytest.mark.parametrize("glance", [False, True], ids=["list", "facts"])
async def test_a_definition_that_somebody_edits_is_read_anew(
    system: LibvirtHost, theirs: libvirt.virConnect, glance: bool
) -> None:
    name, number = fresh(), str(uuid.uuid4())
    theirs.defineXML(xml(name, "qemu", number=number))
    before = await seen(system, name, glance=glance)
    theirs.defineXML(xml(name, "qemu", number=number, memory=96, mac="52:54:00:aa:00:04"))

    async with asyncio.timeout(10):
        while (after := await seen(system, name, glance=glance)) == before:
            await asyncio.sleep(0.01)

    assert after is not None
    assert (after.memory, after.macs) == (96, ("52:54:00:aa:00:04",))


async def test_a_card_that_libvirt_does_not_tell_of_is_in_fresh_facts(
    system: LibvirtHost, theirs: libvirt.virConnect
) -> None:
    name, card = fresh(), '<interface type="user"><mac address="52:54:00:aa:00:05"/></interface>'
    domain = theirs.defineXML(xml(name, "qemu"))
    await system.facts()
    domain.attachDeviceFlags(card, libvirt.VIR_DOMAIN_AFFECT_CONFIG)

    domains = (await system.facts(fresh=True)).domains

    there = next(domain for domain in domains if domain.name == name)
    assert there.macs == ("52:54:00:aa:00:01", "52:54:00:aa:00:05")


async def test_autostart_is_asked_each_time(system: LibvirtHost, theirs: libvirt.virConnect) -> None:
    name = fresh()
    domain = theirs.defineXML(xml(name, "qemu"))
    before = await seen(system, name, glance=False)
    domain.setAutostart(1)
    after = await seen(system, name, glance=False)
    domain.setAutostart(0)

    assert before is not None
    assert after == replace(before, autostart=True)


async def test_what_a_second_service_defines_is_seen_and_refused(
    system: LibvirtHost, second: LibvirtHost
) -> None:
    name, number = fresh(), str(uuid.uuid4())
    await system.facts()
    mine = xml(name, "qemu", number=number).replace("<os>", f"{MARK}<os>")
    await second.apply(DefineDomain(name, number, mine))
    try:
        there = await seen(system, name, glance=True)
        other = re.sub("<uuid>.*</uuid>", f"<uuid>{uuid.uuid4()}</uuid>", mine)
        with pytest.raises(Conflict, match=f"the name {name} is taken by another guest"):
            await system.apply(DefineDomain(name, re.findall("<uuid>(.*)</uuid>", other)[0], other))
    finally:
        await second.apply(UndefineDomain(name, number))

    assert there is not None
    assert there.ours
    assert there.install == "i1"


async def test_xml_of_a_shape_that_was_never_taken_is_checked(system: LibvirtHost) -> None:
    name, number = fresh(), str(uuid.uuid4())
    good = xml(name, "qemu", number=number).replace("<os>", f"{MARK}<os>")
    await system.apply(DefineDomain(name, number, good))
    try:
        with pytest.raises(Invalid):
            await system.apply(DefineDomain(name, number, good.replace("<os>", "<boots/><os>")))
        await system.apply(DefineDomain(name, number, good.replace(">64<", ">72<")))
    finally:
        await system.apply(UndefineDomain(name, number))


async def test_our_own_change_of_a_network_is_in_the_very_next_facts(
    system: LibvirtHost, network: str
) -> None:
    there = {one.name for one in (await system.facts()).networks}
    await system.remove_network(network)

    assert network in there
    assert network not in {one.name for one in (await system.facts()).networks}


async def test_many_who_ask_at_once_share_one_look_around(driver: LibvirtHost) -> None:
    facts = await asyncio.gather(*(driver.facts() for _ in range(16)))

    assert len({id(one.networks) for one in facts}) == 1
