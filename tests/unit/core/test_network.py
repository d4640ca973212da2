"""What may be asked of a network, and what is refused with one sentence."""

from dataclasses import replace

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.network import (
    NetworkSpec,
    Range,
    Repair,
    Reservation,
    check_device,
    interface,
    interfaces,
    macvlan_name,
    subnet,
)

NET = subnet("192.168.90.0/24")
LAB = NetworkSpec("lab", "nat", NET)


def test_a_bare_subnet_gives_the_host_its_first_address_and_lends_the_rest() -> None:
    assert (str(LAB.own), str(LAB.range)) == ("192.168.90.1/24", "192.168.90.2-192.168.90.254")


def test_the_hosts_address_may_be_chosen() -> None:
    last = replace(LAB, subnet=subnet("192.168.90.254/24"))

    assert (str(last.own), str(last.range)) == ("192.168.90.254/24", "192.168.90.1-192.168.90.253")


def test_without_dhcp_nothing_is_lent() -> None:
    assert replace(LAB, dhcp=False).range is None


def test_ranges_and_hosts_are_read() -> None:
    assert str(Range.parse("10.0.0.5, 10.0.0.9")) == "10.0.0.5-10.0.0.9"
    assert Reservation.parse("52-54-00-00-00-01,10.0.0.5,web1").mac == "52:54:00:00:00:01"
    assert Reservation.parse("525400000001,10.0.0.5").name == ""


def test_a_macvlans_name_tells_its_parent_and_fits() -> None:
    assert macvlan_name("eth0") == "pv-eth0"
    assert len(macvlan_name("enp129s0f1np1")) == 15
    assert macvlan_name("enp129s0f1np1") != macvlan_name("enp129s0f1np2")


def test_repairs_name_the_interfaces_that_are_served() -> None:
    repairs = [Repair("macvlan", "eth0"), Repair("addresses", "pv-eth0"), Repair("proxy", "br0")]

    assert interfaces(repairs) == ("br0", "pv-eth0")


def host(address: str, mac: str = "52:54:00:00:00:01") -> Reservation:
    return Reservation.parse(f"{mac},{address}")


WRONG = {
    "a subnet that is none": (lambda: subnet("192.168.90.0"), "subnet '192.168.90.0'"),
    "no subnet": (lambda: NetworkSpec("lab", "nat"), "mode nat needs the guests' subnet"),
    "a subnet too small": (lambda: replace(LAB, subnet=subnet("10.0.0.0/30")), "/30 is out of range"),
    "a name with blanks": (lambda: replace(LAB, name="my lab"), "network name 'my lab'"),
    "a bridge's name too long": (lambda: replace(LAB, device="a" * 16), "is no interface name"),
    "a device with a slash": (lambda: check_device("../x"), "is no interface name"),
    "a range outside": (lambda: replace(LAB, given=Range.parse("10.0.0.1,10.0.0.9")), "no host's address"),
    "a range over the host's own": (
        lambda: replace(LAB, given=Range.parse("192.168.90.1,192.168.90.9")),
        "holds 192.168.90.1",
    ),
    "a range over the broadcast": (
        lambda: replace(LAB, given=Range.parse("192.168.90.9,192.168.90.255")),
        "192.168.90.255 is no host's address",
    ),
    "a range backwards": (lambda: Range.parse("10.0.0.9,10.0.0.1"), "ends before it begins"),
    "a range of one": (lambda: Range.parse("10.0.0.9"), "FIRST,LAST"),
    "a range of words": (lambda: Range.parse("a,b"), "'a' is not an IPv4 address"),
    "a host without address": (lambda: Reservation.parse("52:54:00:00:00:01"), "MAC,ADDRESS"),
    "a host outside": (lambda: replace(LAB, reserved=(host("10.0.0.1"),)), "is outside 192.168.90.0/24"),
    "a host twice": (lambda: replace(LAB, reserved=(host("192.168.90.9"),) * 2), "is there twice"),
    "a host on the host's own": (lambda: replace(LAB, reserved=(host("192.168.90.1"),)), "is there twice"),
    "a range without dhcp": (
        lambda: replace(LAB, dhcp=False, given=Range.parse("192.168.90.5,192.168.90.9")),
        "exclude each other",
    ),
    "a bridge without a bridge": (lambda: NetworkSpec("lan", "bridge"), "--bridge NAME"),
    "a bridge with a subnet": (lambda: NetworkSpec("lan", "bridge", NET, "br0"), "host's own segment"),
    "a macvtap without a device": (lambda: NetworkSpec("tap", "macvtap"), "--parent NAME"),
    "an isolated one with a device": (
        lambda: NetworkSpec("iso", "isolated", NET, parents=("eth0",)),
        "takes no --parent",
    ),
    "two ways out": (lambda: NetworkSpec("r", "route", NET, parents=("a", "b")), "one --parent at most"),
    "an address without prefix": (lambda: interface("10.0.0.5", "--address"), "--address '10.0.0.5'"),
}


@pytest.mark.parametrize(("make", "sentence"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_one_sentence(make: object, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        make()  # type: ignore[operator]

    assert sentence in str(caught.value)
