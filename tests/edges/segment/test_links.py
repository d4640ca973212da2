"""Real links, in namespaces of their own: a guest's place, macvlans of ours, a DHCP server of ours."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict, NotFound, Unavailable
from provisioner.core.network import Repair
from provisioner.core.segment import Answer, Door, Lease
from provisioner.plan.firewall import rejections
from provisioner.segment import firewall, links
from provisioner.segment.commands import find
from provisioner.segment.host import SegmentHost
from tests.edges.netboot.serving import enter, inside
from tests.edges.netboot.spaces import Network, needs_namespaces, network, run

pytestmark = needs_namespaces
MAC = "52:54:00:00:00:99"


@pytest.fixture
def net() -> Iterator[Network]:
    """`pvbr0` with 192.168.181.1 in the server's namespace, and a card there for macvlans: `up0`."""
    with network() as made:
        run("ip", "-n", made.server, "link", "add", "up0", "type", "veth", "peer", "name", "far0")
        run("ip", "-n", made.server, "address", "add", "10.9.0.2/24", "dev", "up0")
        run("ip", "-n", made.server, "link", "set", "up0", "up")
        yield made


def names(net: Network) -> set[str]:
    return set(inside(net.server, links.links))


def test_links_addresses_and_routes_are_read(net: Network) -> None:
    there = inside(net.server, links.links)
    used = inside(net.server, links.in_use)

    assert (there["pvbr0"].kind, there["pvs0"].master, there["up0"].kind) == ("bridge", "pvbr0", "veth")
    assert used.addresses["up0"] == ("10.9.0.2/24",)
    assert used.routes["10.9.0.0/24"] == "up0"
    assert (used.bridges, "up0" in used.devices) == (("pvbr0",), True)
    assert inside(net.server, lambda: links.has_address("up0")) == "10.9.0.2/24"
    assert inside(net.server, lambda: links.has_address("nobody")) == ""


@pytest.mark.parametrize(("device", "kind"), [("pvbr0", "veth"), ("up0", "macvlan")])
def test_a_guests_place_is_there_for_the_time_of_a_question(net: Network, device: str, kind: str) -> None:
    before = names(net)

    def ask() -> tuple[str, str]:
        with links.guest_place(device, "me") as (name, mac):
            link = links.links()[name]
            assert link.mac == mac
            return link.kind, link.alias

    assert inside(net.server, ask) == (kind, "urn:provisioner:place:1 me")
    assert names(net) == before


def test_a_bridge_keeps_its_hardware_address(net: Network) -> None:
    before = inside(net.server, links.links)["pvbr0"].mac

    def during() -> str:
        with links.guest_place("pvbr0", "me"):
            return links.links()["pvbr0"].mac

    assert inside(net.server, during) == before


def test_a_place_that_cannot_be_asked_from_is_named(net: Network) -> None:
    def ask(device: str) -> None:
        with links.guest_place(device, "me"):
            pass

    with pytest.raises(NotFound, match="no interface nobody"):
        inside(net.server, lambda: ask("nobody"))
    run("ip", "-n", net.server, "link", "set", "pvbr0", "type", "bridge", "stp_state", "1")
    with pytest.raises(Conflict, match="spanning tree"):
        inside(net.server, lambda: ask("pvbr0"))


def test_what_a_killed_service_left_is_swept_and_nothing_else(net: Network) -> None:
    for name, alias in (("pvq1", f"{links._PLACE} me"), ("pvq2", f"{links._PLACE} other"), ("pvq3", "")):
        run("ip", "-n", net.server, "link", "add", name, "type", "veth", "peer", "name", f"{name}x")
        run("ip", "-n", net.server, "link", "set", name, "alias", alias)
    inside(net.server, lambda: links.sweep("me"))

    assert {"pvq2", "pvq3"} <= names(net) and "pvq1" not in names(net)


def test_a_macvlan_comes_once_and_goes_whole(net: Network) -> None:
    def make() -> None:
        links.make_macvlan("pv-up0", "up0", MAC, "me")
        links.make_macvlan("pv-up0", "up0", MAC, "me")
        links.address_macvlan("pv-up0", "10.9.0.5/24")
        links.address_macvlan("pv-up0", "10.9.0.5/24")

    inside(net.server, make)
    rules = subprocess.run(["ip", "-n", net.server, "rule"], capture_output=True, text=True).stdout
    assert rules.count("from 10.9.0.5 lookup") == 1
    route = subprocess.run(
        ["ip", "-n", net.server, "route", "get", "10.9.0.77", "from", "10.9.0.5"],
        capture_output=True,
        text=True,
    ).stdout
    assert "dev pv-up0" in route, "answers leave by the macvlan, not by its parent"
    assert [link.name for link in inside(net.server, lambda: links.macvlans("me"))] == ["pv-up0"]
    assert inside(net.server, lambda: links.macvlans("other")) == []

    with pytest.raises(Conflict, match="not a macvlan of ours"):
        inside(net.server, lambda: links.remove_macvlan("pv-up0", "other"))
    inside(net.server, lambda: links.remove_macvlan("pv-up0", "me"))
    inside(net.server, lambda: links.remove_macvlan("pv-up0", "me"))
    rules = subprocess.run(["ip", "-n", net.server, "rule"], capture_output=True, text=True).stdout
    assert "pv-up0" not in names(net) and "10.9.0.5" not in rules


def test_what_is_in_the_way_of_a_macvlan_is_named(net: Network) -> None:
    run("ip", "-n", net.server, "link", "add", "pv-up0", "type", "veth", "peer", "name", "pvx")
    cases = {
        ("pv-up0", "up0"): (Conflict, "pv-up0 already, which is not ours"),
        ("pv-a", "nobody"): (NotFound, "no interface nobody"),
        ("pv-b", "pvs0"): (Conflict, "pvs0 is a port of pvbr0"),
        ("pv-c", "pvbr0"): (Conflict, "pvbr0 is a bridge"),
    }
    for (name, parent), (kind, sentence) in cases.items():
        with pytest.raises(kind, match=sentence):
            inside(net.server, lambda n=name, p=parent: links.make_macvlan(n, p, MAC, "me"))  # type: ignore[misc]
    inside(net.server, lambda: links.remove_macvlan("pvnone", "me"))


def test_rules_of_this_namespace_are_read(net: Network) -> None:
    seen = inside(net.server, lambda: firewall.read("pvbr0"))

    assert seen.zone == "" and (seen.iptables == "" or "-P INPUT" in seen.iptables)


@pytest.mark.skipif(find("nft") is None, reason="nft is not installed")
def test_a_real_ruleset_is_judged(net: Network) -> None:
    rules = "add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; };"
    rules += 'add rule inet t in iifname "pvbr0" udp dport { 67, 69 } accept'
    inside(net.server, lambda: run("nft", rules))
    seen = inside(net.server, lambda: firewall.read("pvbr0"))

    found = rejections(seen, "pvbr0", (Door("udp", 67, "DHCP"), Door("tcp", 8080, "HTTP")))
    assert [str(rejection.door) for rejection in found] == ["HTTP (tcp 8080)"]
    inside(net.server, lambda: run(*found[0].command.split()))
    assert rejections(inside(net.server, lambda: firewall.read("pvbr0")), "pvbr0", (found[0].door,)) == ()


def in_loop(net: Network, work: object) -> None:
    """`work` as a coroutine in a loop whose thread, and every child, is in the namespace."""

    def go() -> None:
        asyncio.run(work())  # type: ignore[operator]

    inside(net.server, go)


def test_our_dnsmasq_lends_on_one_interface_and_ends_with_us(net: Network, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    repair = Repair("addresses", "pvbr0", given="192.168.181.50-192.168.181.59")
    pids: list[int] = []

    async def work() -> None:
        host = SegmentHost(tmp_path, lambda interface, mac: [], lambda interface, mac, wanted: None)
        await host.ensure_addresses(repair, "192.168.181.1/24")
        await host.ensure_addresses(repair, "192.168.181.1/24")
        pids.extend(dnsmasqs(tmp_path))
        assert len(pids) == 1
        await host.stop_addresses("pvbr0")
        assert dnsmasqs(tmp_path) == []
        await host.ensure_addresses(repair, "192.168.181.1/24")
        server = host._servers["pvbr0"]
        assert server._process is not None
        os.kill(dnsmasqs(tmp_path)[0], 9)
        await server._process.wait()
        assert not server.running, "one that was killed is seen, and started again by the next look"
        await host.ensure_addresses(repair, "192.168.181.1/24")
        assert dnsmasqs(tmp_path) != []
        await host.close()

    in_loop(net, work)
    until_gone(tmp_path)


def test_a_range_that_dnsmasq_refuses_is_told_in_its_words(net: Network, tmp_path: Path) -> None:
    async def work() -> None:
        host = SegmentHost(tmp_path, lambda interface, mac: [], lambda interface, mac, wanted: None)
        repair = Repair("addresses", "nobody0", given="192.168.181.50-192.168.181.59")
        with pytest.raises(Unavailable, match="no addresses can be given on nobody0: dnsmasq says"):
            await host.ensure_addresses(repair, "192.168.181.1/24")

    in_loop(net, work)


def test_a_macvlan_asks_for_its_address(net: Network, tmp_path: Path) -> None:
    taken: list[tuple[str, str, str]] = []

    def take(interface: str, mac: str, wanted: str) -> Lease | None:
        enter(net.server)
        taken.append((interface, mac, wanted))
        return Lease("10.9.0.77/24", "10.9.0.1", 600) if len(taken) < 3 else None

    host = SegmentHost(tmp_path, lambda interface, mac: [Answer("10.9.0.1")], take)
    repair = Repair("macvlan", "up0", mac=MAC)
    inside(net.server, lambda: host._ensure_macvlan(repair))
    inside(net.server, lambda: host._ensure_macvlan(repair))
    assert inside(net.server, lambda: host._ensure_macvlan(repair)) is None, "what is held stays"

    assert taken[0] == ("pv-up0", MAC, "") and taken[1] == ("pv-up0", MAC, "10.9.0.77")
    assert inside(net.server, lambda: host._ask_from_place("up0")) == [Answer("10.9.0.1")]
    run("ip", "-n", net.server, "address", "flush", "dev", "pv-up0")
    with pytest.raises(Unavailable) as caught:
        inside(net.server, lambda: host._ensure_macvlan(repair))
    assert "--address" in caught.value.remedy


def dnsmasqs(folder: Path) -> list[int]:
    mark = f"--dhcp-leasefile={folder}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"dnsmasq") and any(word.startswith(mark) for word in words):
            found.append(int(entry.name))
    return found


def until_gone(folder: Path) -> None:
    for _ in range(100):
        if not dnsmasqs(folder):
            return
        time.sleep(0.05)
    raise AssertionError("a dnsmasq of ours stayed")
