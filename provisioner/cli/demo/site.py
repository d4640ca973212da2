"""Where the demo lives: its state directory, its subnet, its ports, and what it wrote down about itself."""

import fcntl
import hashlib
import json
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from provisioner.cli.endpoint import DEMO_DIR
from provisioner.core.errors import Conflict, Unavailable

_ROUTES = Path("/proc/net/route")
_SUBNETS = [IPv4Network(f"192.168.{third}.0/24") for third in range(90, 250)]


@dataclass(frozen=True, slots=True)
class Site:
    """The demo's state directory, the files in it that the demo itself knows, and its names at libvirt.

    A demo elsewhere than in the standard place has names of its own, so that it disturbs no other.
    """

    state_dir: Path

    @property
    def mark(self) -> str:
        """ "" for the standard place, else a few characters that follow from the path."""
        if self.state_dir == DEMO_DIR:
            return ""
        return hashlib.sha256(str(self.state_dir).encode()).hexdigest()[:6]

    @property
    def network(self) -> str:
        return self.name("provisioner-demo")

    @property
    def bridge(self) -> str:
        return f"prvdemo{self.mark or 0}"

    def name(self, stem: str) -> str:
        return f"{stem}-{self.mark}" if self.mark else stem

    @property
    def mini(self) -> Path:
        return self.state_dir / "trees" / "mini"

    @property
    def config(self) -> Path:
        return self.state_dir / "demo.toml"

    @property
    def log(self) -> Path:
        return self.state_dir / "service.log"

    @property
    def database(self) -> Path:
        return self.state_dir / "provisioner.db"

    @property
    def process(self) -> Path:
        return self.state_dir / "process.json"

    @property
    def keys(self) -> Path:
        return self.state_dir / "ssh"

    def key(self, uuid: str) -> Path:
        """A guest's private key, where `guest ssh` looks for it too."""
        return self.keys / uuid


@contextmanager
def only_one(site: Site) -> Iterator[None]:
    """Raises Conflict while another demo works on the same state directory."""
    site.state_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    handle = os.open(site.state_dir / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Conflict("another demo is running", remedy="let it end, or interrupt it with Ctrl-C") from None
    finally:
        os.close(handle)


def free_subnet(taken: Iterable[str] = (), routes: Path = _ROUTES) -> IPv4Interface:
    """The host's own address on the first private /24 that neither a route nor a libvirt network uses.

    `taken` are addresses with prefixes. Raises Unavailable where none is left.
    """
    used = [IPv4Interface(address).network for address in taken if ":" not in address]
    used += _routed(routes)
    for subnet in _SUBNETS:
        if not any(subnet.overlaps(other) for other in used):
            return IPv4Interface(f"{subnet[1]}/{subnet.prefixlen}")
    raise Unavailable("no subnet 192.168.90.0/24 to 192.168.249.0/24 is free", remedy="see: ip route")


def _routed(routes: Path) -> list[IPv4Network]:
    """The kernel's routes but the default ones; it prints them in the machine's byte order."""
    found = []
    for line in routes.read_text().splitlines()[1:]:
        fields = line.split()
        address, mask = (struct.pack("=I", int(fields[i], 16)) for i in (1, 7))
        if any(mask):
            found.append(IPv4Network((address, socket.inet_ntoa(mask))))
    return found


def free_ports(count: int) -> list[int]:
    """TCP ports that are free on every address, and free by UDP too."""
    held, ports = [], list[int]()
    try:
        while len(ports) < count:
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            held += [tcp, udp]
            tcp.bind(("", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("", port))
            except OSError:
                continue
            ports.append(port)
    finally:
        for each in held:
            each.close()
    return ports


def read_json(path: Path) -> dict[str, object]:
    """What was written down, {} where nothing was or it is damaged."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
