"""A network of its own: a bridge with our address in one namespace, a client's card in another."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from tests.edges.netboot.serving import inside

CLIENT_MAC = "52:54:00:7e:57:01"
ANY = "0.0.0.0"
BROADCAST = "255.255.255.255"

needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None,
    reason="makes network namespaces: needs root and iproute2",
)


def run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"


@dataclass(frozen=True)
class Network:
    """`server` and `client` are namespaces; `bridge` is in the first, `card` in the second."""

    server: str
    client: str
    bridge: str = "pvbr0"
    card: str = "pvc0"
    address: str = "192.168.181.1"

    def make_bridge(self) -> None:
        inside = ("ip", "-n", self.server)
        run(*inside, "link", "add", self.bridge, "type", "bridge", "forward_delay", "0")
        run(*inside, "addr", "add", f"{self.address}/24", "dev", self.bridge)
        run(*inside, "link", "set", self.bridge, "up")
        run(*inside, "link", "add", "pvs0", "type", "veth", "peer", "name", self.card)
        run(*inside, "link", "set", "pvs0", "master", self.bridge, "up")
        run(*inside, "link", "set", self.card, "netns", self.client)
        run("ip", "-n", self.client, "link", "set", self.card, "address", CLIENT_MAC, "up")

    def drop_bridge(self) -> None:
        run("ip", "-n", self.server, "link", "del", self.bridge)
        run("ip", "-n", self.server, "link", "del", "pvs0")

    @contextmanager
    def neighbour(self, address: str) -> Iterator["Network"]:
        """A further machine on the bridge, as the one whose namespace and card a server is started in."""
        space, card = f"pvr{os.getpid()}", "pvr1"
        try:
            run("ip", "netns", "add", space)
            run("ip", "-n", self.server, "link", "add", "pvr0", "type", "veth", "peer", "name", card)
            run("ip", "-n", self.server, "link", "set", "pvr0", "master", self.bridge, "up")
            run("ip", "-n", self.server, "link", "set", card, "netns", space)
            run("ip", "-n", space, "addr", "add", f"{address}/24", "dev", card)
            run("ip", "-n", space, "link", "set", card, "up")
            yield replace(self, server=space, bridge=card, address=address)
        finally:
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)

    def give_client(self, address: str) -> None:
        run("ip", "-n", self.client, "addr", "add", f"{address}/24", "dev", self.card)

    def client_socket(self, address: str = ANY, port: int = 68) -> socket.socket:
        """A UDP socket on the client's card, able to ask and hear by broadcast."""

        def make() -> socket.socket:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.card.encode())
            sock.bind((address, port))
            sock.settimeout(10)
            return sock

        return inside(self.client, make)

    def raw_socket(self) -> socket.socket:
        """IPv6 frames of the client's card."""

        def make() -> socket.socket:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
            sock.bind((self.card, 0x86DD))
            sock.settimeout(10)
            return sock

        return inside(self.client, make)

    @contextmanager
    def dnsmasq(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """The segment's DHCP server, in our own namespace and on our bridge, as libvirt starts its own."""
        words = ["ip", "netns", "exec", self.server, "dnsmasq", "-k", "-C", "/dev/null", "--port=0"]
        words += [f"--interface={self.bridge}", "--bind-dynamic", "--except-interface=lo"]
        words += ["--dhcp-range=192.168.181.50,192.168.181.99", "--dhcp-no-override", "--no-ping"]
        words += ["--dhcp-leasefile=/dev/null", "--log-facility=-", "--user=root", *options]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            self._await(process)
            yield process
            assert process.poll() is None, "dnsmasq ended by itself"
        finally:
            process.terminate()
            process.communicate()

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        """Until it holds port 67, which the kernel's table shows."""
        for _ in range(1000):
            assert process.poll() is None, process.communicate()[1].decode()
            listening = subprocess.run(
                ["ip", "netns", "exec", self.server, "ss", "-Hulnp", "sport", "=", ":67"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            if f"pid={process.pid}," in listening:
                return
            time.sleep(0.01)
        raise AssertionError("dnsmasq never opened port 67")


@contextmanager
def network() -> Iterator[Network]:
    """Both namespaces, and nothing of them afterwards."""
    made = Network(f"pvs{os.getpid()}", f"pvc{os.getpid()}")
    try:
        for space in (made.server, made.client):
            run("ip", "netns", "add", space)
            run("ip", "-n", space, "link", "set", "lo", "up")
        made.make_bridge()
        yield made
    finally:
        for space in (made.server, made.client):
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)
