"""Readings of every kind of place, and each verdict with its repair."""

import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from provisioner.core.guest import Nic
from provisioner.core.host import HostFacts, Network
from provisioner.core.network import REPAIRS
from provisioner.core.segment import Answer, Door, Link, Rejection
from provisioner.plan.verdict import Kind, Readings, judge
from tests.fakes import FACTS

LAB = Network("lab", "nat", True, bridge="virbr7", addresses=("10.7.0.1/24",), dhcp=True)
QUIET = Network("quiet", "isolated", True, bridge="virbr8", addresses=("10.8.0.1/24",))
LAN = Network("lan", "bridge", True, bridge="br0")
TAP = Network("tap", "bridge", True, parents=("eth0", "eth1"))
OFF = Network("off", "nat", False, bridge="virbr9", dhcp=True)
SRIOV = Network("sriov", "hostdev", True)
BOOTP = replace(LAB, name="bootp", bootp="pxelinux.0")
HOST = replace(
    FACTS, networks=(*FACTS.networks, LAB, QUIET, LAN, TAP, OFF, BOOTP, SRIOV), bridges=("br0", "virbr7")
)
FAR = replace(HOST, uri="qemu+ssh://far/system")
SERVED = {"virbr0": "192.168.122.1"}
LEASE = Answer("10.7.0.1", "10.7.0.50")
OURS = Answer("192.168.122.1", file="snponly.efi", boot_server="192.168.122.1")
RIVAL = Answer("10.7.0.9", "10.7.0.80", "pxelinux.0", "10.7.0.9")
CARD = {"br0": Link("br0", "bridge"), "eth0": Link("eth0", master="br0")}
TAPS = {"br0": Link("br0", "bridge"), "vnet0": Link("vnet0", "tun", master="br0")}
CLOSED = Rejection(Door("tcp", 8080, "HTTP"), "firewalld zone libvirt", "firewall-cmd --add-port=8080/tcp")


def seen(word: str, host: HostFacts = HOST, **more: object) -> Readings:
    nic = Nic.parse(word) if "=" in word else Nic("network", word)
    served = more.pop("served", SERVED)
    return Readings(nic, host, served, **more)  # type: ignore[arg-type]


# readings; (kind, severity, first repair) of each verdict, and what the first sentence holds
CASES: dict[str, tuple[Readings, list[tuple[str, str, str]], str]] = {
    "served, not asked": (seen("default"), [("good", "good", "")], "nobody was asked"),
    "served and heard": (
        seen("default", answers=(Answer("192.168.122.1", "192.168.122.9"), OURS)),
        [("good", "good", "")],
        "netboots: addresses from 192.168.122.1, boot files from 192.168.122.1",
    ),
    "served and not heard": (
        seen("default", answers=(Answer("192.168.122.1", "192.168.122.9"),)),
        [("silent", "fail", "")],
        "got no answer of ours",
    ),
    "not served": (seen("lab"), [("unserved", "fail", "proxy")], "nobody answers PXE on libvirt network lab"),
    "not served, its DHCP heard": (seen("lab", answers=(LEASE,)), [("unserved", "fail", "proxy")], "lab"),
    "neither served nor lending": (
        seen("quiet", answers=()),
        [("unserved", "fail", "proxy"), ("no-addresses", "fail", "addresses")],
        "nobody answers PXE on libvirt network quiet",
    ),
    "lending nothing by its XML": (
        seen("quiet", served={"virbr8": "10.8.0.1"}),
        [("no-addresses", "warn", "addresses")],
        "gives no addresses",
    ),
    "lending nothing, heard": (
        seen("quiet", served={"virbr8": "10.8.0.1"}, answers=(replace(OURS, boot_server="10.8.0.1"),)),
        [("no-addresses", "fail", "addresses")],
        "nobody gives addresses on libvirt network quiet",
    ),
    "a stopped network": (seen("off"), [("stopped", "fail", "")], "network off is not active"),
    "its own boot file": (seen("bootp"), [("foreign-file", "warn", "proxy")], "names its own boot file"),
    "a boot file that leads here": (
        seen("bootp", replace(HOST, networks=(replace(BOOTP, bootp="http://10.7.0.1:8080/boot/ipxe"),)),
             served={"virbr7": "10.7.0.1"}),
        [("good", "good", "")],
        "netboot serves",
    ),
    "another that offers boot files": (
        seen("lab", served={"virbr7": "10.7.0.1"},
             answers=(RIVAL, Answer("10.7.0.1", file="snponly.efi", boot_server="10.7.0.1"))),
        [("rival", "warn", "")],
        "10.7.0.9 offers a boot file of its own on libvirt network lab (bridge virbr7): pxelinux.0",
    ),
    "a bridge with a card": (
        seen("bridge=br0", served={"br0": "10.0.0.2"}, links=CARD), [("good", "good", "")], "bridge br0",
    ),
    "a bridge with guests alone": (
        seen("bridge=br0", served={"br0": "10.0.0.2"}, links=TAPS),
        [("no-uplink", "warn", "")],
        "bridge br0 has no uplink",
    ),
    "a network on that bridge": (
        seen("lan", served={"br0": "10.0.0.2"}, links=TAPS), [("no-uplink", "warn", "")], "bridge br0",
    ),
    "a macvtap, not asked": (seen("tap"), [("own-host", "warn", "macvlan")], "cannot reach this host itself"),
    "a macvtap whose wire is silent": (
        seen("type=direct,source=eth0", answers=(LEASE,)),
        [("own-host", "fail", "macvlan")],
        "macvtap on eth0: a guest there cannot reach this host itself, and nobody else answers",
    ),
    "a macvtap with our macvlan": (
        seen("tap", served={"pv-eth0": "10.7.0.5"},
             answers=(LEASE, Answer("10.7.0.5", file="snponly.efi", boot_server="10.7.0.5"))),
        [("good", "good", "")],
        "boot files from 10.7.0.5",
    ),
    "a macvtap with a macvlan of somebody's": (
        seen("tap", served={"mv0": "10.7.0.5"}, links={"mv0": Link("mv0", "macvlan", parent="eth1")}),
        [("good", "good", "")],
        "netboot serves",
    ),
    "a macvtap whose far end is our netboot": (
        seen("tap", served={"eth9": "10.7.0.5"},
             answers=(LEASE, Answer("10.7.0.5", file="snponly.efi", boot_server="10.7.0.5"))),
        [("good", "good", "")],
        "boot files from 10.7.0.5",
    ),
    "a firewall": (seen("default", rejections=(CLOSED,)), [("firewall", "fail", "")], "rejects HTTP"),
    "cards handed through": (seen("sriov"), [("unseen", "warn", "")], "neither a bridge nor a card"),
    "another host": (seen("lab", FAR, here=False), [("remote", "warn", "")], "is another machine"),
}  # fmt: skip


@pytest.mark.parametrize(("readings", "told", "sentence"), CASES.values(), ids=CASES)
def test_each_place_has_its_verdicts(
    readings: Readings, told: list[tuple[str, str, str]], sentence: str
) -> None:
    found = judge(readings)

    assert [(v.kind, v.severity, next(iter(v.repairs), "")) for v in found] == told
    assert sentence in found[0].sentence
    assert all(v.remedy for v in found if v.kind != "good")


def test_what_fails_stands_before_what_may_fail() -> None:
    readings = seen("bridge=br0", links=TAPS, served={"br0": "10.0.0.2"}, rejections=(CLOSED,))

    assert [v.severity for v in judge(readings)] == ["fail", "warn"]


def test_the_documentation_names_every_verdict_and_repair() -> None:
    text = (Path(__file__).parents[3] / "docs/networks.md").read_text()
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))

    assert rows == {*get_args(Kind), *REPAIRS}
    assert {kind for _, told, _ in CASES.values() for kind, _, _ in told} == set(get_args(Kind))
