"""A small internet in a namespace: a resolver, HTTPS servers, an authority that vouches for their names."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.networks import namespace, run
from tests.lab.waiting import inside, wait_for_port

_ETC = Path("/etc/netns")
"""`ip netns exec NAME` puts what is in a folder of that name over /etc."""
_NGINX = """user root; worker_processes 1; pid {place}/nginx.pid; error_log {place}/error.log;
events {{ worker_connections 64; }}
http {{ access_log {place}/access.log combined;
{servers}
}}
"""
_SERVER = """server {{ listen {address}:443 ssl; server_name {name}; root {root};
ssl_certificate {place}/{name}.pem; ssl_certificate_key {place}/{name}.key; }}
"""


@dataclass(frozen=True, slots=True)
class World:
    """`authority` is the certificate that a client has to trust; `asked()` the paths, host by host."""

    netns: str
    authority: Path
    log: Path

    def asked(self) -> list[str]:
        """The paths of all requests, in order."""
        return [line.split('"')[1].split()[1] for line in self.log.read_text().splitlines()]


def missing() -> str:
    """The programs that are not here, "" where all are."""
    return ", ".join(name for name in ("ip", "dnsmasq", "nginx", "openssl") if not shutil.which(name))


@contextmanager
def world(netns: str, hosts: Mapping[str, Path]) -> Iterator[World]:
    """Each name is a server of its own that hands out its folder by HTTPS; there are no others."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="world-")))
        stack.enter_context(apart(netns))
        addresses = {name: f"198.51.100.{number}" for number, name in enumerate(hosts, 10)}
        for address in addresses.values():
            run("ip", "-n", netns, "address", "add", f"{address}/32", "dev", "lo")
        servers = "".join(
            _SERVER.format(address=addresses[name], name=name, root=root, place=place)
            for name, root in hosts.items()
        )
        _vouch(place, list(hosts))
        (place / "nginx.conf").write_text(_NGINX.format(place=place, servers=servers))
        names = [f"--address=/{name}/{address}" for name, address in addresses.items()]
        dnsmasq = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"]
        dnsmasq += ["--listen-address=127.0.0.1", "--bind-interfaces", "--user=root", "--pid-file", *names]
        nginx = ["nginx", "-c", f"{place}/nginx.conf", "-e", f"{place}/error.log", "-g", "daemon off;"]
        for command, port in ((dnsmasq, 53), (nginx, 443)):
            stack.enter_context(_running(inside(netns, *command), netns, port))
        yield World(netns, place / "authority.pem", place / "access.log")


@contextmanager
def apart(netns: str) -> Iterator[None]:
    """A namespace without any way out, whose resolver is its own host."""
    etc = _ETC / netns
    with namespace(netns):
        etc.mkdir(parents=True, exist_ok=True)
        try:
            (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
            yield
        finally:
            shutil.rmtree(etc)


@contextmanager
def _running(command: list[str], netns: str, port: int) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            wait_for_port(process, "127.0.0.1", port, netns)
            yield
        finally:
            process.terminate()


def _vouch(place: Path, names: list[str]) -> None:
    """An authority, and a certificate by it for each name."""
    whole = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    authority = [
        "-keyout",
        f"{place}/authority.key",
        "-out",
        f"{place}/authority.pem",
        "-subj",
        "/CN=authority",
    ]
    run(*whole, *authority, "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for name in names:
        by = ["-CA", f"{place}/authority.pem", "-CAkey", f"{place}/authority.key", "-subj", f"/CN={name}"]
        own = ["-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=critical,CA:FALSE"]
        run(*whole, *by, *own, "-keyout", f"{place}/{name}.key", "-out", f"{place}/{name}.pem")
