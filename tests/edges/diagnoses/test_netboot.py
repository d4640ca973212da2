"""What goes wrong before a kernel runs: caused on a network of its own, explained by what netboot tells."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.boot.client import Ignore, Local, Question, identify
from provisioner.boot.decide import Offer, decide
from provisioner.core import urls
from provisioner.core.install import Kind
from provisioner.service.why import Why
from tests.edges.netboot.serving import LOADERS, Events
from tests.edges.netboot.spaces import BROADCAST, Network, needs_namespaces, network
from tests.edges.netboot.test_networks import discover, question, serving
from tests.edges.netboot.test_witness import (
    ADDRESS,
    RIVAL,
    ask_for_file,
    fetch,
    offer_of_loader,
    solicit,
)
from tests.proofs import MADE, explained, proves

pytestmark = needs_namespaces
FILE = b"snponly.efi"


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        made.give_client(ADDRESS)
        yield made


@contextmanager
def firewall(space: str, hook: str, *rules: str) -> Iterator[None]:
    """A namespace's nftables with these rules, for the time of the block."""
    body = "\n".join((f"type filter hook {hook} priority 0;", *rules))
    _nft(space, f"table inet fault {{\nchain c {{\n{body}\n}}\n}}")
    try:
        yield
    finally:
        _nft(space, "delete table inet fault")


def _nft(space: str, text: str) -> None:
    words = ["ip", "netns", "exec", space, "nft", "-f", "-"]
    done = subprocess.run(
        words, input=text, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr


def why(events: Events) -> Why:
    return explained(MADE, list(events))


@proves("rival-server")
def test_a_rogue_dhcp_server(net: Network) -> None:
    boot = f"--dhcp-boot=pxelinux.0,,{RIVAL}"
    with net.neighbour(RIVAL) as rival, serving(net) as events, rival.dnsmasq(boot):
        discover(net, 1, 2)
        events.wait(Kind.DHCP_RIVAL)

    assert why(events).diagnosis == "rival-server"
    assert f"pxelinux.0 from {RIVAL}" in why(events).cause
    assert Kind.DHCP_RIVAL in [event.kind for event in why(events).evidence]


@proves("foreign-loader")
def test_a_rogue_server_that_was_listened_to(net: Network, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "pxelinux.0").write_bytes(b"theirs")
    boot = (f"--dhcp-boot=pxelinux.0,,{RIVAL}", "--enable-tftp", f"--tftp-root={tmp_path}")
    with net.neighbour(RIVAL) as rival, serving(net) as events, rival.dnsmasq(*boot):
        discover(net, 1, 2)
        assert fetch(net, b"pxelinux.0", RIVAL) == b"theirs"
        events.wait(Kind.LOADER_FOREIGN)

    assert why(events).diagnosis == "foreign-loader"
    assert f"takes pxelinux.0 from {RIVAL}" in why(events).cause


@proves("port-silent")
def test_a_firewall_before_port_4011(net: Network) -> None:
    with firewall(net.server, "input", "udp dport 4011 drop"), serving(net) as events:
        discover(net, 1, 1)
        ask_for_file(net, net.address, 4)
        events.wait(Kind.DHCP_UNANSWERED)

    assert why(events).diagnosis == "port-silent"
    assert "let UDP port 4011 in" in why(events).remedy


@proves("wrong-network")
def test_a_card_on_a_network_that_is_not_served(net: Network) -> None:
    with serving(net, pattern="other*") as events, net.client_socket() as sock:
        sock.sendto(question("bios-rom-1", 1), (BROADCAST, 67))
        events.wait(Kind.DHCP_IGNORED)

    assert why(events).diagnosis == "wrong-network"
    assert f"it asked on {net.bridge}, an interface that is not served" in why(events).cause


@proves("nothing-to-start")
def test_a_machine_of_another_processor(net: Network) -> None:
    def for_arm(asked: Question, local: Local) -> Offer | Ignore:
        client = identify(asked)
        assert not isinstance(client, Ignore)
        root = urls.base(local.address, 8080)
        return decide(client, "netboot", "", root, local.address, LOADERS, arch="aarch64")

    with serving(net, decide=for_arm) as events, net.client_socket() as sock:
        sock.sendto(question("uefi-pxe-1", 1), (BROADCAST, 67))
        events.wait(Kind.DHCP_IGNORED)

    assert why(events).diagnosis == "nothing-to-start"
    assert "its install is for aarch64" in why(events).cause
    assert "whose tree is for its processor" in why(events).remedy


@proves("question-ignored")
def test_an_answer_that_no_packet_holds(net: Network) -> None:
    def long_name(asked: Question, local: Local) -> Offer | Ignore:
        client = identify(asked)
        assert not isinstance(client, Ignore)
        return decide(client, "netboot", "", f"http://{'x' * 200}", local.address, LOADERS)

    with serving(net, decide=long_name) as events, net.client_socket() as sock:
        sock.sendto(question("bios-rom-1", 1), (BROADCAST, 67))
        events.wait(Kind.DHCP_IGNORED)

    assert why(events).diagnosis == "question-ignored"
    assert "fit in an answer" in why(events).cause


@proves("no-question")
def test_a_firewall_before_port_67(net: Network) -> None:
    with firewall(net.server, "input", "udp dport 67 drop"), serving(net) as events:
        with net.client_socket() as sock:
            for xid in range(3):
                sock.sendto(question("bios-rom-1", xid), (BROADCAST, 67))
        heard_nothing(net)

    assert why(events).diagnosis == "no-question"
    assert "does not answer on" in why(events).cause


@proves("no-address")
def test_a_network_without_a_dhcp_server(net: Network) -> None:
    with serving(net) as events:
        for xid in range(4):
            discover(net, xid, 1)

    assert why(events).diagnosis == "no-address"
    assert "(4 times): no DHCP server gives it one" in why(events).cause


@proves("no-loader")
def test_a_firewall_before_port_69(net: Network) -> None:
    with firewall(net.server, "input", "udp dport 69 drop"), net.dnsmasq(), serving(net) as events:
        discover(net, 1, 2)
        with net.client_socket(ADDRESS, 2070) as sock:
            sock.settimeout(0.5)
            sock.sendto(b"\0\1" + FILE + b"\0octet\0", (net.address, 69))
            with pytest.raises(TimeoutError):
                sock.recv(2048)

    assert why(events).diagnosis == "no-loader"
    assert "a firewall drops TFTP or HTTP" in why(events).cause
    assert "UDP 69" in why(events).remedy


@proves("loader-stalled")
def test_a_transfer_whose_acknowledgements_are_dropped(net: Network) -> None:
    with serving(net) as events:
        offer_of_loader(net, 1)
        # The request comes through, and the first acknowledgements; then nothing does.
        rules = ("udp dport 69 accept", "udp dport 1024-65535 drop")
        with firewall(net.client, "output", *rules), net.client_socket(ADDRESS, 2070) as sock:
            sock.sendto(b"\0\1" + FILE + b"\0octet\0", (net.address, 69))
            _, peer = sock.recvfrom(2048)
            with pytest.raises(PermissionError):
                sock.sendto(b"\0\4\0\1", peer)
            events.wait(Kind.LOADER_FAILED)

    assert why(events).diagnosis == "loader-stalled"
    assert "the client fell silent" in why(events).cause


@proves("lossy-wire")
def test_a_wire_that_loses_packets(net: Network) -> None:
    with serving(net) as events:
        offer_of_loader(net, 1)
        with firewall(net.server, "output", "udp sport 1024-65535 numgen inc mod 12 == 5 drop"):
            words = f"ip netns exec {net.client} curl -sS -o /dev/null --tftp-blksize 1428".split()
            subprocess.run([*words, f"tftp://{net.address}/{FILE.decode()}"], check=True, timeout=120)
        events.wait(Kind.LOADER_SENT)

    assert why(events).diagnosis == "lossy-wire"
    assert "losses in" in why(events).cause


@proves("secure-boot-refused")
def test_a_loader_that_secure_boot_refuses(net: Network) -> None:
    """OVMF's own packets after it: it goes on to IPv6."""
    with serving(net) as events:
        offer_of_loader(net, 1)
        fetch(net, FILE, net.address)
        events.wait(Kind.LOADER_SENT)
        for _ in range(3):
            solicit(net)
        events.wait(Kind.LOADER_REFUSED)

    assert why(events).diagnosis == "secure-boot-refused"
    assert why(events).remedy.startswith("use shim and GRUB")


@proves("no-script")
def test_a_firewall_before_the_guests_port(net: Network) -> None:
    """iPXE runs and asks for its address; its question for the script gets no answer."""
    with firewall(net.server, "input", "tcp dport 8080 drop"), serving(net) as events:
        offer_of_loader(net, 1)
        fetch(net, FILE, net.address)
        events.wait(Kind.LOADER_SENT)
        discover(net, 2, 1)
        words = [
            "ip",
            "netns",
            "exec",
            net.client,
            "curl",
            "-sS",
            "-m",
            "1",
            f"http://{net.address}:8080/boot/ipxe",
        ]
        assert subprocess.run(words, capture_output=True, timeout=60).returncode == 28  # it timed out

    assert why(events).diagnosis == "no-script"
    assert "let the guests' TCP port in" in why(events).remedy


def heard_nothing(net: Network) -> None:
    """What was sent before is judged once a request for no file was answered."""
    with net.client_socket(ADDRESS, 0) as sock:
        sock.sendto(b"\0\1mark\0octet\0", (net.address, 69))
        sock.recv(2048)
