"""Rules as real tools printed them: nft 1.0.6, iptables 1.8.9, firewalld 1.3.3 (libvirt's own zone)."""

from pathlib import Path

import pytest

from provisioner.core.segment import Door, Firewall
from provisioner.plan.firewall import rejections

DATA = Path(__file__).parents[2] / "data/firewall"
DHCP, PXE = Door("udp", 67, "DHCP"), Door("udp", 4011, "PXE")
TFTP, HTTP = Door("udp", 69, "TFTP"), Door("tcp", 8080, "HTTP")
DOORS = (DHCP, PXE, TFTP, HTTP)


def data(name: str) -> str:
    return (DATA / name).read_text()


DROP, OPEN, ZONES = (Firewall(nft=data(f"nft-{name}.json")) for name in ("drop", "accept", "firewalld"))
TABLES = Firewall(iptables=data("iptables-drop.txt"))
LIBVIRT = Firewall(zone="libvirt", zone_rules=data("firewalld-libvirt.txt"))
PUBLIC = Firewall(zone="public", zone_rules=data("firewalld-public.txt"))

# rules, the guests' interface, their network, the doors that are surely closed
CASES: dict[str, tuple[Firewall, str, str, tuple[Door, ...]]] = {
    "no firewall": (Firewall(), "virbr0", "", ()),
    "nft: a chain, a set, a verdict map and a wildcard": (DROP, "virbr0", "192.168.122.0/24", (PXE,)),
    "nft: an interface that a map lets in": (DROP, "lab0", "", ()),
    "nft: an interface that a map drops": (DROP, "lab1", "", DOORS),
    "nft: guests that a source address lets in": (DROP, "br0", "10.9.1.0/24", (DHCP, PXE, TFTP)),
    "nft: guests that may have that address": (DROP, "br0", "10.0.0.0/8", (DHCP, PXE, TFTP)),
    "nft: guests of another network": (DROP, "br0", "10.8.1.0/24", DOORS),
    "nft: two ports refused, and a mark that nobody knows": (OPEN, "virbr0", "", (DHCP, TFTP)),
    "nft: another interface than the refused": (OPEN, "virbr1", "", ()),
    "nft: as firewalld writes libvirt's zone": (ZONES, "virbr0", "", (PXE, HTTP)),
    "iptables: a chain, wildcards, a source": (TABLES, "virbr0", "192.168.122.0/24", (PXE, TFTP, HTTP)),
    "iptables: a negated source that may be theirs": (TABLES, "virbr0", "", (PXE, TFTP)),
    "iptables: ports listed, a comment, a source": (TABLES, "lab0", "10.9.1.0/24", ()),
    "iptables: nothing is let in": (TABLES, "br0", "10.8.1.0/24", (DHCP, PXE, TFTP)),
    "firewalld: libvirt's zone": (LIBVIRT, "virbr0", "", (PXE, HTTP)),
    "firewalld: a zone with little": (PUBLIC, "br0", "", DOORS),
    "firewalld: a port opened": (
        Firewall(zone="public", zone_rules=data("firewalld-public.txt").replace(
            "ports: ", "ports: 8080/tcp 4000-4100/udp", 1)),
        "br0", "", (DHCP, TFTP),
    ),
    "firewalld: a rich rule that may let it in": (
        Firewall(zone="public", zone_rules=data("firewalld-public.txt") + '\trule family="ipv4" accept\n'),
        "br0", "", (),
    ),
    "what is not JSON": (Firewall(nft="Error: not permitted"), "virbr0", "", ()),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "interface", "subnet", "closed"), CASES.values(), ids=CASES)
def test_only_what_is_surely_closed_is_told(
    seen: Firewall, interface: str, subnet: str, closed: tuple[Door, ...]
) -> None:
    assert tuple(found.door for found in rejections(seen, interface, DOORS, subnet)) == closed


COMMANDS = {
    "nft": (DROP, "nft insert rule inet filter input iifname lab1 udp dport 67 accept"),
    "iptables": (TABLES, "iptables -I INPUT -i lab1 -p udp --dport 67 -j ACCEPT"),
    "firewalld": (PUBLIC, "firewall-cmd --zone=public --add-port=67/udp"),
}


@pytest.mark.parametrize(("seen", "command"), COMMANDS.values(), ids=COMMANDS)
def test_each_names_the_command_that_opens_the_door(seen: Firewall, command: str) -> None:
    assert rejections(seen, "lab1", (DHCP,))[0].command == command
