"""Netboot on its own bridge beside a real DHCP server: started before, after, again; the bridge re-made."""

import asyncio
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from provisioner.core.errors import Unavailable
from provisioner.core.install import Kind
from provisioner.netboot import interfaces
from provisioner.netboot.advertisement import empty_advertisement, solicitation
from provisioner.netboot.proxydhcp import Decide
from provisioner.netboot.server import Netboot, NetbootSettings
from tests.edges.netboot.serving import LOADERS, Events, Running, everybody, inside, loader, now
from tests.edges.netboot.spaces import BROADCAST, CLIENT_MAC, Network, needs_namespaces, network
from tests.unit.netboot.recorded import packet

pytestmark = needs_namespaces
STUB = b"http://192.168.181.1:8080/boot/ipxe"
OURS, THEIRS = "192.168.181.1 without an address", "an address"


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        yield made


@contextmanager
def serving(
    net: Network,
    *,
    pattern: str = "pvbr*",
    advertise: bool = False,
    proxy_port: int = 4011,
    decide: Decide = everybody,
) -> Iterator[Events]:
    events = Events()
    settings = NetbootSettings((pattern,), router_advertisement=advertise, poll=0.05, proxy_port=proxy_port)

    async def main(started: Callable[[], None]) -> None:
        netboot = Netboot(settings, decide, loader, events.take, now, lambda address: None)
        running = asyncio.ensure_future(netboot.run())
        wanted = interfaces.found((pattern,)).keys()
        while netboot.serving.keys() != wanted and not running.done():
            await asyncio.sleep(0.01)
        started()
        try:
            await running
        finally:
            running.cancel()

    with Running(main, net.server):
        yield events


def question(name: str, xid: int, *, message: int | None = None) -> bytes:
    """A recorded question with a transaction of its own, its answer wanted by broadcast."""
    data = packet(name)
    data = data[:4] + struct.pack("!I", xid) + data[8:10] + b"\x80\0" + data[12:]
    at = data.index(b"\x35\x01", 240)
    return data if message is None else data[: at + 2] + bytes((message,)) + data[at + 3 :]


def answers(sock: socket.socket, xid: int, count: int) -> list[bytes]:
    got: list[bytes] = []
    while len(got) < count:
        data = sock.recv(2048)
        if data[4:8] == struct.pack("!I", xid):
            got.append(data)
    return got


def discover(net: Network, xid: int, count: int) -> tuple[list[bytes], list[bytes]]:
    """One DISCOVER; the answers that offer no address, and those that do."""
    with net.client_socket() as sock:
        sock.sendto(question("bios-rom-1", xid), (BROADCAST, 67))
        got = answers(sock, xid, count)
    return [a for a in got if a[16:20] == bytes(4)], [a for a in got if a[16:20] != bytes(4)]


def test_a_discover_gets_both_offers_whoever_was_first(net: Network) -> None:
    with net.dnsmasq(), serving(net):
        ours, theirs = discover(net, 1, 2)
        assert (len(ours), len(theirs)) == (1, 1)
    with serving(net), net.dnsmasq():
        ours, theirs = discover(net, 2, 2)
        assert (len(ours), len(theirs)) == (1, 1)

    assert STUB in ours[0]
    assert b"\x3c\x09PXEClient" in ours[0]


def test_a_dhcp_server_that_is_started_again_works_on_and_so_do_we(net: Network) -> None:
    with serving(net):
        for xid in (1, 2, 3):
            with net.dnsmasq():
                ours, theirs = discover(net, xid, 2)
                assert (len(ours), len(theirs)) == (1, 1)
        assert len(discover(net, 4, 1)[0]) == 1


def test_a_unicast_renewal_reaches_the_dhcp_server_and_not_us(net: Network) -> None:
    with net.dnsmasq("--dhcp-authoritative"), serving(net) as events:
        with net.client_socket() as sock:
            sock.sendto(question("bios-rom-1", 1), (BROADCAST, 67))
            lease = next(a for a in answers(sock, 1, 2) if a[16:20] != bytes(4))[16:20]
        net.give_client(socket.inet_ntoa(lease))
        renewal = packet("udhcp-2")[:4] + struct.pack("!IHH", 2, 0, 0) + lease + packet("udhcp-2")[16:240]
        renewal += b"\x35\x01\x03\xff" + bytes(60)
        with net.client_socket(socket.inet_ntoa(lease)) as sock:
            sock.sendto(renewal, (net.address, 67))
            (ack,) = answers(sock, 2, 1)

        assert b"\x35\x01\x05" in ack
        assert ack[16:20] == lease
        assert all(event.data.get("port") != 67 or "REQUEST" not in event.text for event in events)


RIVALS = {
    "another boot server": ("--dhcp-boot=pxelinux.0,,192.168.181.9", "pxelinux.0 from 192.168.181.9"),
    "its own TFTP": ("--dhcp-boot=grub.efi,,192.168.181.2", "grub.efi from 192.168.181.2"),
    "an address alone": ("", ""),
    "our own boot file, as libvirt's network has it": ("--dhcp-boot=undionly.kpxe,,192.168.181.1", ""),
}


@pytest.mark.parametrize(("option", "named"), RIVALS.values(), ids=RIVALS)
def test_a_server_that_names_another_boot_file_is_told(net: Network, option: str, named: str) -> None:
    with serving(net) as events, net.dnsmasq(*([option] if option else [])):
        assert [len(found) for found in discover(net, 1, 2)] == [1, 1]
        if named:
            rival = events.wait(Kind.DHCP_RIVAL)[0]
            assert rival.text == f"192.168.181.1 answers as well, with {named}"
            assert (rival.machine, rival.data["interface"]) == (CLIENT_MAC, "pvbr0")
            discover(net, 2, 2)
        else:
            events.wait(Kind.DHCP_OFFER)

    assert len(events.of(Kind.DHCP_RIVAL)) == bool(named)


def test_every_discover_is_answered_and_no_request_on_67(net: Network) -> None:
    with serving(net) as events, net.client_socket() as sock:
        for xid in range(10, 15):
            sock.sendto(question("uefi-pxe-1", xid), (BROADCAST, 67))
            sock.sendto(question("uefi-pxe-2", xid + 100), (BROADCAST, 67))
            assert len(answers(sock, xid, 1)) == 1
        sock.sendto(question("uefi-pxe-1", 50), (BROADCAST, 67))
        while (data := sock.recv(2048))[4:8] != struct.pack("!I", 50):
            assert int.from_bytes(data[4:8], "big") < 100

    offer = events.of(Kind.DHCP_OFFER)[0]
    assert offer.machine == CLIENT_MAC
    assert (offer.data["file"], offer.data["arch"], offer.data["interface"]) == ("snponly.efi", 7, "pvbr0")


def test_4011_answers_to_where_the_question_came_from(net: Network) -> None:
    net.give_client("192.168.181.50")
    with serving(net) as events:
        for port in (4011, 68, 1234):
            with net.client_socket("192.168.181.50", port) as sock:
                sock.sendto(question("uefi-4011-3", port), (net.address, 4011))
                data, peer = sock.recvfrom(2048)
            assert peer == (net.address, 4011)
            assert b"\x35\x01\x05" in data
            assert data[108:119] == b"snponly.efi"

    assert "REQUEST on 4011" in events.of(Kind.DHCP_QUESTION)[0].text


def test_operating_systems_hear_nothing(net: Network) -> None:
    with serving(net) as events, net.client_socket() as sock:
        for name in ("udhcp-1", "d-i-1", "anaconda-1"):
            sock.sendto(question(name, 7), (BROADCAST, 67))
        sock.sendto(question("bios-rom-1", 8), (BROADCAST, 67))
        assert sock.recv(2048)[4:8] == struct.pack("!I", 8)

    assert len(events.of(Kind.DHCP_IGNORED)) == 3


def test_real_udhcpc_gets_its_lease_beside_us(net: Network) -> None:
    with net.dnsmasq(), serving(net):
        words = ["ip", "netns", "exec", net.client, "busybox", "udhcpc", "-i", net.card, "-f", "-q", "-n"]
        done = subprocess.run([*words, "-s", "/bin/true"], capture_output=True, text=True, check=False)

    assert "lease of 192.168.181." in done.stderr + done.stdout


def test_a_bridge_that_goes_and_comes_back_is_served_again(net: Network) -> None:
    with serving(net):
        assert len(discover(net, 1, 1)[0]) == 1
        for xid in (2, 3):
            net.drop_bridge()
            net.make_bridge()
            with net.client_socket() as sock:
                sock.settimeout(0.2)
                for _ in range(100):  # asks again, as firmware does, until the new bridge is noticed
                    sock.sendto(question("bios-rom-1", xid), (BROADCAST, 67))
                    try:
                        assert STUB in sock.recv(2048)
                        break
                    except TimeoutError:
                        continue
                else:
                    pytest.fail("the re-made bridge is not served")


def test_a_bridge_made_after_the_start_is_served(net: Network) -> None:
    net.drop_bridge()
    with serving(net):
        net.make_bridge()
        with net.client_socket() as sock:
            sock.settimeout(0.2)
            for _ in range(100):
                sock.sendto(question("bios-rom-1", 5), (BROADCAST, 67))
                try:
                    assert STUB in sock.recv(2048)
                    return
                except TimeoutError:
                    continue
    pytest.fail("the new bridge is not served")


def test_an_interface_that_is_not_listed_hears_nothing_and_is_told(net: Network) -> None:
    run_inside = ("ip", "-n", net.server)
    subprocess.run([*run_inside, "link", "add", "other0", "type", "bridge"], check=True)
    subprocess.run([*run_inside, "addr", "add", "192.168.182.1/24", "dev", "other0"], check=True)
    subprocess.run([*run_inside, "link", "set", "other0", "up"], check=True)
    with serving(net, pattern="other*") as events, net.client_socket() as sock:
        for _ in range(1000):
            sock.sendto(question("bios-rom-1", 1), (BROADCAST, 67))
        ignored = events.wait(Kind.DHCP_IGNORED)
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(2048)

    assert len(ignored) == 1
    assert ignored[0].machine == CLIENT_MAC
    assert "asked on pvbr0, an interface that is not served" in ignored[0].text


def test_a_loader_by_tftp_on_its_real_port(net: Network) -> None:
    net.give_client("192.168.181.50")
    with serving(net) as events:
        with net.client_socket("192.168.181.50", 2000) as sock:
            sock.sendto(b"\0\1undionly.kpxe\0octet\0blksize\x0065464\0", (net.address, 69))
            oack, peer = sock.recvfrom(2048)
            content, number = b"", 0
            while True:
                sock.sendto(struct.pack("!HH", 4, number), peer)
                data = sock.recv(2048)
                content, number = content + data[4:], number + 1
                if len(data) < 1472:
                    break
            sock.sendto(struct.pack("!HH", 4, number), peer)
        events.wait(Kind.LOADER_SENT)

    assert oack == b"\0\6blksize\x001468\0"
    assert peer[0] == net.address
    assert content == LOADERS["undionly.kpxe"]


def test_the_segment_without_a_router_gets_an_empty_advertisement(net: Network) -> None:
    with serving(net, advertise=True), net.raw_socket() as raw:
        raw.send(solicitation(bytes.fromhex(CLIENT_MAC.replace(":", ""))))
        while (frame := raw.recv(2000))[54] != 134:
            pass

    assert frame[6:12] != bytes.fromhex(CLIENT_MAC.replace(":", ""))
    assert frame == empty_advertisement(frame[6:12])
    assert frame[60:62] == bytes(2), "a lifetime would make us a router"


def test_a_segment_with_a_router_is_left_alone(net: Network) -> None:
    router = bytes.fromhex("525400000099")
    with serving(net, advertise=True), net.raw_socket() as raw:
        raw.send(empty_advertisement(router))
        raw.settimeout(0.3)
        with pytest.raises(TimeoutError):
            while raw.recv(2000):
                pass  # what was said before the router showed itself
        for _ in range(5):
            raw.send(solicitation(router))
        raw.settimeout(1.5)
        with pytest.raises(TimeoutError):
            while raw.recv(2000)[54] != 134:
                pass


def test_a_taken_port_is_named_with_its_holder(net: Network) -> None:
    def take() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((net.address, 69))
        return sock

    says = r"UDP port 69 on 192\.168\.181\.1 is in use by"
    with inside(net.server, take), pytest.raises(Unavailable, match=says), serving(net):
        pass


def test_addresses_by_shell_pattern(net: Network) -> None:
    assert inside(net.server, lambda: interfaces.addresses(["pv*0"])) == {"pvbr0": "192.168.181.1"}
    assert inside(net.server, lambda: interfaces.addresses(["lo", "nothing*"])) == {"lo": "127.0.0.1"}
