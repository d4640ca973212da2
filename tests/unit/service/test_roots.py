"""The address of ours that a guest will fetch from, card by card."""

from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict
from provisioner.core.guest import Nic
from provisioner.core.host import HostFacts, Network
from provisioner.service.roots import root_of
from tests.fakes import FACTS

LAN = Network("lan", "bridge", True, bridge="br0")
TAP = Network("tap", "bridge", True, parents=("eth0", "eth1"))
NAT9 = Network("nat9", "nat", True, bridge="prv9", addresses=("192.168.9.1/24",))
HERE = replace(FACTS, networks=(*FACTS.networks, LAN, TAP, NAT9))
FAR = replace(HERE, uri="qemu+ssh://far.example/system")
SERVED = {"virbr0": "192.168.122.1", "prv9": "192.168.9.1", "br0": "10.0.0.5"}
INNER = {"virbr0": "192.168.122.1"}

FOUND: dict[str, tuple[Nic, HostFacts, dict[str, str], str, str]] = {
    "the user network, beside the loopback": (
        Nic("user", ""),
        HERE,
        {**SERVED, "lo": "127.0.0.1"},
        "10.9.9.9",
        "10.0.2.2",
    ),
    "the user network, by any address of this host": (Nic("user", ""), HERE, INNER, "", "192.168.122.1"),
    "the user network of another machine": (Nic("user", ""), FAR, SERVED, "", "10.0.0.5"),
    "a NAT network": (Nic("network", "default"), HERE, SERVED, "", "192.168.122.1"),
    "another NAT network": (Nic("network", "nat9"), HERE, SERVED, "", "192.168.9.1"),
    "a network on a bridge": (Nic("network", "lan"), HERE, SERVED, "", "10.0.0.5"),
    "a bridge": (Nic("bridge", "br0"), HERE, SERVED, "", "10.0.0.5"),
    "a NAT network, whatever is set for others": (
        Nic("network", "default"),
        HERE,
        SERVED,
        "10.9.9.9",
        "192.168.122.1",
    ),
    "a macvtap network on a device that is served": (
        Nic("network", "tap"),
        HERE,
        {**SERVED, "eth1": "10.1.0.1"},
        "",
        "10.1.0.1",
    ),
    "a macvtap": (Nic("direct", "eth0"), HERE, SERVED, "", "10.0.0.5"),
    "a macvtap, by what is set": (Nic("direct", "eth0"), HERE, SERVED, "10.9.9.9", "10.9.9.9"),
    "another machine with a bridge of our name": (Nic("network", "default"), FAR, SERVED, "", "10.0.0.5"),
    "another machine, by what is set": (Nic("bridge", "br7"), FAR, INNER, "10.9.9.9", "10.9.9.9"),
}


@pytest.mark.parametrize(("nic", "host", "served", "address", "found"), FOUND.values(), ids=FOUND)
def test_the_address_that_a_guest_sees(
    nic: Nic, host: HostFacts, served: dict[str, str], address: str, found: str
) -> None:
    assert root_of(nic, host, served, 8080, address) == f"http://{found}:8080"


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert root_of(Nic("bridge", "br0"), HERE, {"br0": "fd00::1"}, 80) == "http://[fd00::1]:80"


NOT_FOUND: dict[str, tuple[Nic, HostFacts, dict[str, str], str, str]] = {
    "a bridge that is not served": (
        Nic("bridge", "br0"),
        HERE,
        INNER,
        "guests on br0 cannot fetch anything from here: HTTP answers on virbr0 interface only",
        "provisioner network check br0 --repair, or add br0 to the setting interfaces",
    ),
    "a network that is not served": (
        Nic("network", "nat9"),
        HERE,
        {},
        "guests on prv9 cannot fetch anything from here: HTTP answers on no interface only",
        "provisioner network check nat9 --repair, or add prv9 to the setting interfaces",
    ),
    "the user network, nothing served": (
        Nic("user", ""),
        HERE,
        {},
        "guests on QEMU's user network cannot fetch anything from here: HTTP answers on no interface",
        "add lo to the setting interfaces (PROVISIONER_INTERFACES='[\"lo\"]')",
    ),
    "a macvtap beside NAT alone": (
        Nic("direct", "eth0"),
        HERE,
        INNER,
        "no address is known by which guests of qemu:///system",
        "set guest_address to one of this machine that they reach (PROVISIONER_GUEST_ADDRESS)",
    ),
    "another machine, from behind NAT alone": (
        Nic("network", "default"),
        FAR,
        INNER,
        "no address is known by which guests of qemu+ssh://far.example/system",
        "set guest_address to one of this machine that they reach (PROVISIONER_GUEST_ADDRESS)",
    ),
}


@pytest.mark.parametrize(("nic", "host", "served", "sentence", "remedy"), NOT_FOUND.values(), ids=NOT_FOUND)
def test_where_none_of_ours_is_there_the_repair_is_named(
    nic: Nic, host: HostFacts, served: dict[str, str], sentence: str, remedy: str
) -> None:
    with pytest.raises(Conflict) as caught:
        root_of(nic, host, served, 8080)

    assert str(caught.value).startswith(sentence)
    assert caught.value.remedy == remedy
