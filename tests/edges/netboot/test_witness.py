"""What goes wrong on a wire, with real servers in namespaces of their own and packets that firmware sent."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.core.install import Kind
from provisioner.netboot import interfaces
from tests.edges.netboot.serving import Events, inside
from tests.edges.netboot.spaces import BROADCAST, CLIENT_MAC, Network, needs_namespaces, network
from tests.edges.netboot.test_networks import answers, discover, question, serving
from tests.unit.netboot.recorded import packet
from tests.unit.netboot.wires import recorded

pytestmark = needs_namespaces
ADDRESS, RIVAL = "192.168.181.50", "192.168.181.9"


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        made.give_client(ADDRESS)
        yield made


@pytest.fixture
def rival(net: Network) -> Iterator[Network]:
    with net.neighbour(RIVAL) as machine:
        yield machine


def ask_for_file(net: Network, server: str, times: int, *, heard: bool = False) -> None:
    """OVMF's question on port 4011, until it is answered where `heard` is expected."""
    asked = packet("uefi-4011-3")
    asked = asked[:12] + socket.inet_aton(ADDRESS) + asked[16:]  # dnsmasq answers there
    with net.client_socket(ADDRESS, 4011) as sock:
        for number in range(times):
            sock.sendto(asked, (server, 4011))
            time.sleep(0.2)  # firmware waits longer
            if heard:
                assert sock.recv(2048)[:1] == b"\2", number


def fetch(net: Network, name: bytes, server: str) -> bytes:
    """A file by TFTP, its last block confirmed."""
    with net.client_socket(ADDRESS, 2070) as sock:
        sock.sendto(b"\0\1" + name + b"\0octet\0blksize\x001024\0", (server, 69))
        content, peer = b"", (server, 69)
        while True:
            data, peer = sock.recvfrom(2048)
            sock.sendto(b"\0\4" + (data[2:4] if data[1] == 3 else b"\0\0"), peer)
            content += data[4:] if data[1] == 3 else b""
            if data[1] == 3 and len(data) < 1028:
                return content


def solicit(net: Network) -> None:
    """What OVMF sends once it has given IPv4 up, from the client's card."""
    mac = bytes.fromhex(CLIENT_MAC.replace(":", ""))
    with net.raw_socket() as raw:
        raw.send(bytes.fromhex("333300010002") + mac + b"\x86\xdd" + recorded("uefi-solicit"))


def settled(net: Network, events: Events) -> None:
    """Everything that was sent before is judged once this has been told."""
    with net.client_socket() as sock:
        sock.sendto(b"\0\1mark\0octet\0", (net.address, 69))
        sock.recv(2048)
    offers = len(events.of(Kind.DHCP_OFFER))
    discover(net, 99, 1)
    events.wait(Kind.DHCP_OFFER, offers + 1)  # the answer that came may be another server's


def promiscuity(net: Network) -> str:
    words = ["ip", "-n", net.server, "-d", "-o", "link", "show", net.bridge]
    line = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    return line[line.index("promiscuity") + 1]


def test_4011_of_another_machine_that_is_silent_is_told_once(net: Network, rival: Network) -> None:
    with serving(net) as events:
        discover(net, 1, 1)
        ask_for_file(net, RIVAL, 4)
        (told,) = events.wait(Kind.DHCP_UNANSWERED)
        ask_for_file(net, RIVAL, 4)
        settled(net, events)

    assert told.machine == CLIENT_MAC
    assert (
        told.text == f"{RIVAL} was asked for the boot file on port 4011 again and again and does not answer"
    )
    assert RIVAL in str(told.data["remedy"])
    assert len(events.of(Kind.DHCP_UNANSWERED)) == 1


def test_a_flood_is_looked_away_from_for_a_moment_only(net: Network, rival: Network) -> None:
    asked = packet("uefi-4011-3")
    with serving(net) as events:
        with net.client_socket(ADDRESS, 0) as sock:
            for number in range(4000):
                strange = b"\2\0\0\0" + number.to_bytes(2, "big")
                sock.sendto(asked[:28] + strange + asked[34:], (net.address, 4011))
        time.sleep(1.5)
        discover(net, 1, 1)
        ask_for_file(net, RIVAL, 4)
        (told,) = events.wait(Kind.DHCP_UNANSWERED)

    assert told.machine == CLIENT_MAC


def test_4011_that_a_real_server_answers_is_not_told(net: Network, rival: Network) -> None:
    proxy = ("--dhcp-range=192.168.181.0,proxy", "--pxe-service=BC_EFI,boot,rival.efi")
    with serving(net) as events, rival.dnsmasq(*proxy):
        discover(net, 1, 1)
        ask_for_file(net, RIVAL, 6, heard=True)
        settled(net, events)

    assert events.of(Kind.DHCP_RIVAL)
    assert events.of(Kind.DHCP_UNANSWERED) == []


def test_our_own_4011_is_told_where_nothing_of_it_comes_through(net: Network) -> None:
    with serving(net, proxy_port=4012) as events:
        ask_for_file(net, net.address, 3)
        (told,) = events.wait(Kind.DHCP_UNANSWERED)

    assert "which is us" in told.text
    assert "let UDP port 4011 in" in str(told.data["remedy"])


def test_our_own_4011_answers_or_says_why_it_does_not(net: Network) -> None:
    with serving(net) as events, net.client_socket(ADDRESS, 4011) as sock:
        strange = packet("uefi-4011-3").replace(b"PXEClient:Arch:00007", b"Strangers:Arch:00007")
        for _ in range(9):
            sock.sendto(strange, (net.address, 4011))
        events.wait(Kind.DHCP_IGNORED)
        ask_for_file(net, net.address, 4, heard=False)
        events.wait(Kind.DHCP_OFFER, 4)
        settled(net, events)

    assert events.of(Kind.DHCP_UNANSWERED) == []


def test_a_machine_that_takes_another_machines_file_is_told(
    net: Network, rival: Network, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "pxelinux.0").write_bytes(b"theirs")
    boot = (f"--dhcp-boot=pxelinux.0,,{RIVAL}", "--enable-tftp", f"--tftp-root={tmp_path}")
    with serving(net) as events, rival.dnsmasq(*boot):
        assert fetch(net, b"pxelinux.0", RIVAL) == b"theirs"
        settled(net, events)
        assert events.of(Kind.LOADER_FOREIGN) == [], "who has no offer of ours may fetch what it likes"
        assert fetch(net, b"pxelinux.0", RIVAL) == b"theirs"
        (told,) = events.wait(Kind.LOADER_FOREIGN)

    assert told.machine == CLIENT_MAC
    assert told.text.startswith(f"takes pxelinux.0 from {RIVAL}, not http://{net.address}:8080/boot/ipxe")
    assert told.data["server"] == RIVAL


def test_a_bridge_is_looked_at_closely_while_an_offer_is_open_only(net: Network) -> None:
    with serving(net):
        assert promiscuity(net) == "0"
        discover(net, 1, 1)
        assert promiscuity(net) == "1"
        discover(net, 2, 1)
        assert promiscuity(net) == "1"

    assert promiscuity(net) == "0"
    kinds = inside(net.server, lambda: [interfaces.is_bridge(name) for name in (net.bridge, "pvs0", "none")])
    assert kinds == [True, False, False]


def offer_of_loader(net: Network, xid: int) -> None:
    with net.client_socket() as sock:
        sock.sendto(question("uefi-pxe-1", xid), (BROADCAST, 67))
        assert b"snponly.efi" in answers(sock, xid, 1)[0]


def test_a_loader_that_was_fetched_and_not_started_is_told(net: Network) -> None:
    with serving(net) as events:
        offer_of_loader(net, 1)
        fetch(net, b"snponly.efi", net.address)
        events.wait(Kind.LOADER_SENT)
        for _ in range(3):
            solicit(net)
        (told,) = events.wait(Kind.LOADER_REFUSED)
        settled(net, events)

    assert told.machine == CLIENT_MAC
    assert told.text == "snponly.efi was fetched whole and not started: refused by Secure Boot?"
    assert len(events.of(Kind.LOADER_REFUSED)) == 1
    assert events.of(Kind.DHCP_IPV6) == []


def test_a_loader_that_asks_for_itself_was_started(net: Network) -> None:
    with serving(net) as events:
        offer_of_loader(net, 1)
        fetch(net, b"snponly.efi", net.address)
        discover(net, 2, 1)
        solicit(net)
        (told,) = events.wait(Kind.DHCP_IPV6)

    assert "has given http://192.168.181.1:8080/boot/ipxe up" in told.text
    assert events.of(Kind.LOADER_REFUSED) == []


def test_whatever_comes_the_witness_goes_on(net: Network) -> None:
    """Packets of every length with every port that is let through, and then one that tells."""
    with serving(net) as events, net.client_socket(ADDRESS, 4011) as sock:
        offer_of_loader(net, 1)
        for length in range(0, 1400, 7):
            for port in (67, 69, 4011):
                sock.sendto(bytes((1 + length % 2, 1, 6)) + bytes(length), (BROADCAST, port))
        with net.raw_socket() as raw:
            head = bytes.fromhex("333300010002525400000099") + b"\x86\xdd"
            for length in range(0, 160, 3):
                raw.send(head + recorded("uefi-solicit")[:length].ljust(48, b"\1"))
        sock.sendto(b"\0\1theirs\0octet\0", (BROADCAST, 69))
        (told,) = events.wait(Kind.LOADER_FOREIGN)

    assert told.text == f"takes theirs from {BROADCAST}, not snponly.efi from us"
