"""A network to be made: what is taken, and its XML of each mode."""

from dataclasses import replace

import pytest
from lxml import etree

from provisioner.core.errors import Conflict
from provisioner.core.host import Network
from provisioner.core.network import NetworkSpec, Range, Reservation, subnet
from provisioner.core.segment import HostAddresses
from provisioner.plan.network import check_free, network_xml
from tests.unit.plan.test_domain import GOLDENS, schema

LAB = NetworkSpec("lab", "nat", subnet("192.168.90.0/24"))
THERE = [Network("default", "nat", True, bridge="virbr0", addresses=("192.168.122.1/24", "fd00::1/64"))]
HOST = HostAddresses(
    {"eth0": ("10.0.0.7/16",), "virbr0": ("192.168.122.1/24",)},
    {"172.16.0.0/12": "tun0", "10.0.0.0/16": "eth0"},
    ("br0", "virbr0"),
    ("eth0", "tun0"),
)
HOSTS = (
    Reservation.parse("52:54:00:00:00:01,192.168.90.9,web1"),
    Reservation.parse("52:54:00:00:00:02,192.168.90.10"),
)

MADE = {
    "nat-lab": LAB,
    "route-lab": replace(
        LAB, mode="route", device="lab0", parents=("eth0",), given=Range.parse("192.168.90.50,192.168.90.99")
    ),
    "isolated-hosts": replace(LAB, mode="isolated", device="lab0", reserved=HOSTS),
    "isolated-quiet": replace(LAB, mode="isolated", device="lab0", dhcp=False),
    "bridge": NetworkSpec("lan", "bridge", device="br0"),
    "macvtap": NetworkSpec("tap", "macvtap", parents=("eth0", "eth1")),
}


@pytest.mark.parametrize(("golden", "spec"), MADE.items(), ids=MADE)
def test_the_xml_is_the_golden_one_and_fits_the_schema(golden: str, spec: NetworkSpec) -> None:
    text = network_xml(spec)

    assert text == (GOLDENS / f"network-made-{golden}.xml").read_text()
    assert schema("network").validate(etree.fromstring(text)), schema("network").error_log


@pytest.mark.parametrize("spec", [LAB, *MADE.values()], ids=["nat", *MADE])
def test_what_is_free_may_be_made(spec: NetworkSpec) -> None:
    check_free(replace(spec, parents=spec.parents[:1]), THERE, HOST)
    check_free(spec, THERE, None)


def at(text: str) -> NetworkSpec:
    return replace(LAB, subnet=subnet(text))


TAKEN = {
    "its name": (replace(LAB, name="default"), "a network called default exists already"),
    "its bridge, by a network": (replace(LAB, device="virbr0"), "bridge virbr0 is that of network default"),
    "its bridge, by the host": (replace(LAB, device="eth0"), "an interface called eth0 already"),
    "a libvirt network": (at("192.168.122.128/25"), "overlaps 192.168.122.0/24, which libvirt"),
    "the host's own address": (at("10.0.200.0/24"), "overlaps 10.0.0.0/16, which is on this host's eth0"),
    "a route": (at("172.17.0.0/24"), "overlaps 172.16.0.0/12, which this host reaches through tun0"),
    "all of it": (at("0.0.0.0/8"), ""),
    "no such bridge": (NetworkSpec("lan", "bridge", device="br9"), "this host has no bridge br9"),
    "no such device": (NetworkSpec("tap", "macvtap", parents=("eth9",)), "this host has no device eth9"),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "sentence"), TAKEN.values(), ids=TAKEN)
def test_what_is_taken_is_named(spec: NetworkSpec, sentence: str) -> None:
    if not sentence:
        check_free(spec, THERE, HOST)
        return
    with pytest.raises(Conflict) as caught:
        check_free(spec, THERE, HOST)

    assert sentence in str(caught.value)


def test_a_free_subnet_is_offered() -> None:
    with pytest.raises(Conflict) as caught:
        check_free(at("10.0.0.0/24"), THERE, replace(HOST, routes={"192.168.90.0/23": "tun0"}))

    assert caught.value.remedy == "choose another --subnet, such as 192.168.92.0/24"
