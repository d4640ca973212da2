"""Networks planned and made, checked from every side, and snippets with our own address."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.host import Network
from provisioner.core.network import NetworkSpec, Repair, subnet
from provisioner.core.segment import Answer, Door, Firewall
from provisioner.service.checks import Checks
from provisioner.service.networks import Networks
from provisioner.service.served import Served
from provisioner.service.snippets import Snippets
from tests.segments import FakeNetworkHost, FakeSegments

LAB = NetworkSpec("lab", "nat", subnet("192.168.90.0/24"), autostart=True)
HTTP = Door("tcp", 8080, "HTTP")
OURS = Answer("192.168.122.1", file="snponly.efi", boot_server="192.168.122.1")
LEASE = Answer("192.168.122.1", "192.168.122.7")


@pytest.fixture
def host() -> FakeNetworkHost:
    return FakeNetworkHost(Network("tap", "bridge", True, parents=("eth0",)))


@pytest.fixture
def here() -> FakeSegments:
    return FakeSegments()


def checks(host: FakeNetworkHost, here: FakeSegments, served: Mapping[str, str], door: Door = HTTP) -> Checks:
    return Checks(lambda uri: host, here, lambda: served, (door,))


async def test_a_network_is_planned_then_made(host: FakeNetworkHost, here: FakeSegments) -> None:
    networks = Networks(lambda uri: host, here)

    xml = await networks.plan(LAB)
    assert "lab" not in host.there
    made = await networks.create(LAB)

    assert (made.name, made.autostart, host.xmls["lab"]) == ("lab", True, xml)
    with pytest.raises(Conflict, match="a network called lab exists already"):
        await networks.create(LAB)


async def test_addresses_of_this_machine_are_not_asked_for_another(here: FakeSegments) -> None:
    far = FakeNetworkHost(uri="qemu+ssh://far/system")
    taken = replace(LAB, subnet=subnet("10.0.0.0/24"))

    assert await Networks(lambda uri: far, here).plan(taken)
    with pytest.raises(Conflict, match="is on this host's eth0"):
        await Networks(lambda uri: FakeNetworkHost(), here).plan(taken)


async def test_a_network_is_shown_with_its_leases(host: FakeNetworkHost, here: FakeSegments) -> None:
    networks = Networks(lambda uri: host, here)

    assert (await networks.show("default")).leases == ("52:54:00:00:00:01 192.168.122.9 web1",)
    assert (await networks.show("tap")).leases == ()
    with pytest.raises(NotFound):
        await networks.show("nobody")


async def test_what_is_not_ours_is_removed_only_where_that_is_said(
    host: FakeNetworkHost, here: FakeSegments
) -> None:
    networks = Networks(lambda uri: host, here)

    with pytest.raises(Conflict, match="not ours"):
        await networks.delete("default")
    await networks.delete("default", foreign=True)
    assert "default" not in host.there


async def test_a_check_asks_where_a_guest_would(host: FakeNetworkHost, here: FakeSegments) -> None:
    here.answers = [LEASE, OURS]
    checked = await checks(host, here, {"virbr0": "192.168.122.1"}).check("default")

    assert (checked.good, checked.word, [v.kind for v in checked.verdicts]) == (True, "default", ["good"])
    assert here.asked == 1


async def test_a_quick_check_asks_nobody(host: FakeNetworkHost, here: FakeSegments) -> None:
    checked = await checks(host, here, {}).check("default", ask=False)

    assert (checked.good, [v.kind for v in checked.verdicts], here.asked) == (False, ["unserved"], 0)


async def test_who_cannot_be_asked_is_said(host: FakeNetworkHost, here: FakeSegments) -> None:
    here.mute = "no right to"
    checked = await checks(host, here, {"virbr0": "192.168.122.1"}).check("default")

    assert checked.verdicts[0].sentence.endswith("nobody was asked there (no right to)")


async def test_a_firewall_is_read(host: FakeNetworkHost, here: FakeSegments) -> None:
    here.answers = [LEASE, OURS]
    here.rules = Firewall(iptables="-P INPUT ACCEPT\n-A INPUT -i virbr0 -p tcp --dport 8080 -j REJECT\n")
    checked = await checks(host, here, {"virbr0": "192.168.122.1"}).check("default")

    assert [v.kind for v in checked.verdicts] == ["firewall"]


async def test_a_far_host_is_not_looked_at_from_here(here: FakeSegments) -> None:
    far = FakeNetworkHost(uri="qemu+ssh://far/system")
    checked = await checks(far, here, {}).check("bridge=virbr0")

    assert ([v.kind for v in checked.verdicts], here.asked) == (["remote"], 0)


@pytest.mark.parametrize("word", ["nobody", "bridge=nobody", "type=direct,source=nobody"])
async def test_a_place_that_is_not_there_is_named(
    host: FakeNetworkHost, here: FakeSegments, word: str
) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await checks(host, here, {}).check(word)


async def test_a_place_that_is_not_understood_is_refused(host: FakeNetworkHost, here: FakeSegments) -> None:
    with pytest.raises(Invalid, match="bus=7"):
        await checks(host, here, {}).check("bus=7")


def test_what_is_served_is_the_setting_and_what_was_repaired() -> None:
    def addresses(patterns: Sequence[str]) -> dict[str, str]:
        return {name: "10.0.0.1" for name in ("virbr0", "pv-eth0", "br0") if name in patterns}

    served = Served(["virbr0"], addresses)
    assert dict(served()) == {"virbr0": "10.0.0.1"}
    served.repaired([Repair("macvlan", "eth0"), Repair("proxy", "br0")])
    assert sorted(served()) == ["br0", "pv-eth0", "virbr0"]
    assert served.covers("br0") and served.by_setting("virbr0") and not served.by_setting("br0")
    served.repaired([])
    assert sorted(served()) == ["virbr0"] and not served.covers("br0")


async def test_a_snippet_has_our_address_on_the_segment(host: FakeNetworkHost) -> None:
    snippets = Snippets(lambda uri: host, lambda: {"virbr0": "192.168.122.1"}, 8080)

    assert "http://192.168.122.1:8080/boot/ipxe" in await snippets.snippet("kea")
    assert "on libvirt network default (bridge virbr0)" in await snippets.snippet("isc", "default")
    with pytest.raises(Conflict, match="netboot is not answered on bridge br0"):
        await snippets.snippet("dnsmasq", "bridge=br0")
    with pytest.raises(Invalid, match="use dnsmasq, isc, kea"):
        await snippets.snippet("windows")


@pytest.mark.parametrize("served", [{}, {"a": "10.0.0.1", "b": "10.0.0.2"}], ids=["none", "two"])
async def test_a_snippet_without_a_place_needs_one_served_segment(
    host: FakeNetworkHost, served: dict[str, str]
) -> None:
    with pytest.raises(Conflict, match="which segment is it for"):
        await Snippets(lambda uri: host, lambda: served, 8080).snippet("kea")
