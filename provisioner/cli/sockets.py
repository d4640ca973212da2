"""Which process holds a port: read from /proc, so that a taken port is said with its owner's name."""

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provisioner.core.errors import Conflict, Denied

if TYPE_CHECKING:
    from provisioner.config import Settings

Protocol = Literal["udp", "tcp"]
_PROC = Path("/proc")
_LISTENING = {"tcp": "0A", "udp": "07"}  # TCP_LISTEN, and TCP_CLOSE as unconnected UDP sockets show it


@dataclass(frozen=True, slots=True)
class Owner:
    """`process` and `pid` are "" and 0 where the kernel does not let us see them."""

    address: str
    process: str = ""
    pid: int = 0

    def __str__(self) -> str:
        return f"{self.process} (pid {self.pid})" if self.pid else "a process of another user"


@dataclass(frozen=True, slots=True)
class _Door:
    protocol: Protocol
    address: str
    port: int
    setting: str


def owners(protocol: Protocol, port: int, proc: Path = _PROC) -> list[Owner]:
    """Who listens on a port, by address; the same process on two addresses counts twice."""
    found = dict(_sockets(protocol, port, proc))
    if not found:
        return []
    holders = _holders(frozenset(found), proc)
    return [Owner(address, *holders.get(inode, ("", 0))) for inode, address in found.items()]


def check_free(settings: "Settings") -> None:
    """Tries every door the service will open. Raises Conflict with the owner's name, Denied without rights."""
    for door in _doors(settings):
        try:
            _try(door)
        except PermissionError:
            raise Denied(
                f"port {door.port} ({door.protocol}) is not for ordinary users",
                remedy="run it as root: sudo provisioner serve",
            ) from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            who = next((str(owner) for owner in owners(door.protocol, door.port)), "another process")
            raise Conflict(
                f"{door.protocol.upper()} port {door.port} on {door.address} is in use by {who}",
                remedy=f"stop it, or choose another port with {door.setting}",
            ) from None


def _doors(settings: "Settings") -> Iterator[_Door]:
    from provisioner.netboot.interfaces import addresses

    yield _Door("tcp", settings.api_address, settings.api_port, "--api-port")
    yield _Door("udp", "255.255.255.255", settings.dhcp_port, "--dhcp-port")
    for address in addresses(settings.interfaces).values():
        yield _Door("udp", address, settings.proxy_port, "--proxy-port")
        yield _Door("udp", address, settings.tftp_port, "--tftp-port")
        yield _Door("tcp", address, settings.http_port, "--http-port")


def _try(door: _Door) -> None:
    kind = socket.SOCK_DGRAM if door.protocol == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in door.address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        # ProxyDHCP lives beside other DHCP servers, TCP beside its own old connections; 69 and 4011 do not share.
        if kind == socket.SOCK_STREAM or door.address == "255.255.255.255":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((door.address, door.port))


def _sockets(protocol: Protocol, port: int, proc: Path) -> Iterator[tuple[str, str]]:
    """(inode, address) of every socket that listens on a port."""
    for table in (protocol, f"{protocol}6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            address, _, number = fields[1].partition(":")
            if int(number, 16) == port and fields[3] == _LISTENING[protocol]:
                yield fields[9], _address(address)


def _address(text: str) -> str:
    """The kernel prints each 32-bit word in the machine's byte order."""
    words = [bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, len(text), 8)]
    raw = b"".join(words)
    return str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw))


def _holders(inodes: frozenset[str], proc: Path) -> dict[str, tuple[str, int]]:
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, tuple[str, int]] = {}
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            links = [os.readlink(link) for link in (process / "fd").iterdir()]
            name = (process / "comm").read_text().strip()
        except OSError:
            continue  # it ended meanwhile, or belongs to another user
        for link in links:
            if link in wanted:
                found.setdefault(wanted[link], (name, int(process.name)))
    return found
