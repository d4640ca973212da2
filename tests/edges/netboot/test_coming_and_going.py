"""A service that runs while networks go and come back: libvirt's own, a bridge made later, another address.

Each door of a boot (67, 4011, 69, the guests' HTTP) is asked by a card in a namespace of its own.
"""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site, free_ports
from tests.edges.netboot.serving import inside
from tests.edges.netboot.spaces import ANY, BROADCAST, CLIENT_MAC, needs_namespaces, run
from tests.edges.netboot.test_networks import question

TAIL = f"{os.getpid() % 0xFFFF:04x}"
BRIDGE, NAME, SPACE, LOWER, CARD = f"pvn{TAIL}", f"pvn-{TAIL}", f"pvn-{TAIL}", f"pvl{TAIL}", f"pvc{TAIL}"
LIBVIRT = "qemu:///system"
PREFIX = f"10.214.{os.getpid() % 250}"  # two runs side by side keep apart
XML = f"""<network>
  <name>{NAME}</name>
  <bridge name="{BRIDGE}" stp="off" delay="0"/>
  <ip address="{PREFIX}.1" netmask="255.255.255.0">
    <dhcp><range start="{PREFIX}.100" end="{PREFIX}.199"/></dhcp>
  </ip>
</network>"""


def virsh(*words: str) -> None:
    run("virsh", "-q", "-c", LIBVIRT, *words)


def _libvirt_is_there() -> bool:
    if shutil.which("virsh") is None or not Path("/usr/lib/ipxe/snponly.efi").exists():
        return False
    return (
        subprocess.run(["virsh", "-c", LIBVIRT, "version"], capture_output=True, check=False).returncode == 0
    )


pytestmark = [
    needs_namespaces,
    pytest.mark.skipif(not _libvirt_is_there(), reason="takes this machine's libvirt, and iPXE's loaders"),
]


@dataclass
class Doors:
    """What a machine asks on its way, from a card that is plugged into our bridge."""

    http_port: int
    address: str = f"{PREFIX}.1"

    def plug(self) -> None:
        run("ip", "link", "set", LOWER, "master", BRIDGE)

    def question(self) -> bool:
        """A DISCOVER is offered a loader by this address."""
        return any(self.address.encode() in a or socket.inet_aton(self.address) in a for a in self.offers())

    def offers(self) -> list[bytes]:
        """Every answer to one DISCOVER."""
        got: list[bytes] = []
        xid = time.monotonic_ns() & 0xFFFFFFFF
        with self._socket() as sock:
            sock.sendto(question("uefi-pxe-1", xid), (BROADCAST, 67))
            try:
                while True:
                    data = sock.recv(2048)
                    if data[4:8] == struct.pack("!I", xid):
                        got.append(data)
            except OSError:
                return got

    def discovery(self) -> bool:
        """A REQUEST on 4011 is answered."""
        with self._socket(4011) as sock:
            sock.sendto(question("uefi-4011-3", 7), (self.address, 4011))
            return b"snponly.efi" in sock.recv(2048)

    def loader(self) -> bool:
        """The first block of a loader comes from port 69."""
        with self._socket(0) as sock:
            sock.sendto(b"\0\1snponly.efi\0octet\0", (self.address, 69))
            data, peer = sock.recvfrom(2048)
            sock.sendto(b"\0\5\0\0enough\0", peer)
            return data[:4] == b"\0\3\0\1"

    def script(self) -> bool:
        """The guests' HTTP gives the public stub, which names the address it was asked on."""

        def fetch() -> bytes:
            with socket.create_connection((self.address, self.http_port), timeout=0.2) as sock:
                sock.sendall(b"GET /boot/ipxe HTTP/1.0\r\nHost: x\r\n\r\n")
                return b"".join(iter(lambda: sock.recv(65536), b""))

        return f"http://{self.address}:{self.http_port}/boot/script/".encode() in inside(SPACE, fetch)

    def back(self, since: float) -> dict[str, float]:
        """Seconds until each door answers. Each is asked anew until it does, for a minute at most."""
        took = {}
        for name in ("question", "discovery", "loader", "script"):
            ask: Callable[[], bool] = getattr(self, name)
            for _ in range(300):
                try:
                    if ask():
                        break
                except OSError:
                    time.sleep(0.02)
            else:
                pytest.fail(f"{name}: no answer on {self.address}")
            took[name] = round(time.monotonic() - since, 2)
        return took

    def _socket(self, port: int = 68) -> socket.socket:
        def make() -> socket.socket:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, CARD.encode())
            sock.bind((ANY, port))
            sock.settimeout(0.2)
            return sock

        return inside(SPACE, make)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """A service that serves our bridge, which is not there yet, and a machine that it is to install."""
    site = Site(tmp_path_factory.mktemp("service"))
    names = ("api_port", "http_port", "syslog_port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    settings = {
        "state_dir": str(site.state_dir),
        "libvirt_uri": "test:///default",
        "interfaces": [BRIDGE],
        "router_advertisement": False,
        **ports,
    }
    service.start(site, settings)
    try:
        words = f"machine install {CLIENT_MAC} --name rack1 --profile tiny -o json"
        environment = {**os.environ, "PROVISIONER_STATE_DIR": str(site.state_dir)}
        command = [sys.executable, "-m", "provisioner", *words.split()]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["install"]["stage"] == "planned"
        yield Doors(ports["http_port"])
    finally:
        assert service.stop(site)


@pytest.fixture(autouse=True)
def card() -> Iterator[None]:
    """A card in a namespace, not plugged in."""
    run("ip", "netns", "add", SPACE)
    try:
        run("ip", "link", "add", LOWER, "type", "veth", "peer", "name", CARD)
        run("ip", "link", "set", CARD, "netns", SPACE)
        run("ip", "link", "set", LOWER, "up")
        run("ip", "-n", SPACE, "link", "set", CARD, "address", CLIENT_MAC, "up")
        run("ip", "-n", SPACE, "addr", "add", f"{PREFIX}.50/24", "dev", CARD)
        yield
    finally:
        subprocess.run(["ip", "link", "del", LOWER], check=False, stderr=subprocess.DEVNULL)
        run("ip", "netns", "del", SPACE)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[None]:
    """A network of libvirt's with its own dnsmasq, defined and not started."""
    (tmp_path / "network.xml").write_text(XML)
    virsh("net-define", str(tmp_path / "network.xml"))
    yield
    for verb in ("net-destroy", "net-undefine"):
        subprocess.run(["virsh", "-q", "-c", LIBVIRT, verb, NAME], check=False, capture_output=True)


@pytest.fixture
def bridge() -> Iterator[None]:
    yield
    subprocess.run(["ip", "link", "del", BRIDGE], check=False, stderr=subprocess.DEVNULL)


def test_libvirts_network_goes_and_comes_back(doors: Doors, network: None) -> None:
    """Its dnsmasq starts each time while we hold port 67, and gives the address that we do not."""
    for turn in range(3):
        virsh("net-start", NAME)
        began = time.monotonic()
        doors.plug()
        print(f"libvirt's network, start {turn + 1}: answers after {doors.back(began)} s")
        for _ in range(100):
            offers = doors.offers()
            ours = [offer for offer in offers if offer[16:20] == bytes(4) and b"snponly.efi" in offer]
            theirs = [offer for offer in offers if offer[16:19] == bytes(map(int, PREFIX.split(".")))]
            if ours and theirs:
                break
        assert (len(ours), len(theirs)) == (1, 1)
        virsh("net-destroy", NAME)


def test_a_bridge_that_appears_later_is_served(doors: Doors, bridge: None) -> None:
    for turn in range(2):
        run("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
        run("ip", "link", "set", BRIDGE, "up")
        doors.plug()
        assert doors.offers() == []
        run("ip", "addr", "add", f"{PREFIX}.1/24", "dev", BRIDGE)
        print(f"a bridge made later, time {turn + 1}: answers after {doors.back(time.monotonic())} s")
        run("ip", "link", "del", BRIDGE)


def test_an_interface_that_changes_its_address_is_served_under_the_new_one(
    doors: Doors, bridge: None
) -> None:
    run("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
    run("ip", "addr", "add", f"{PREFIX}.1/24", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    doors.plug()
    doors.back(time.monotonic())
    for before, after in (("1", "2"), ("2", "3"), ("3", "1")):
        run("ip", "addr", "del", f"{PREFIX}.{before}/24", "dev", BRIDGE)
        run("ip", "addr", "add", f"{PREFIX}.{after}/24", "dev", BRIDGE)
        there = Doors(doors.http_port, f"{PREFIX}.{after}")
        print(f"from .{before} to .{after}: answers after {there.back(time.monotonic())} s")
