"""Which process holds a port: read from /proc, so that a taken port is said with its owner's name."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provisioner.core.errors import Conflict, Denied, Invalid

if TYPE_CHECKING:
    from provisioner.config import Settings

Protocol = Literal["udp", "tcp"]
_PROC = Path("/proc")
_ANY = ("0.0.0.0", "::")  # noqa: S104 - read, not bound
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
class Door:
    """A socket that `serve` opens; `device` where it is bound to one, `setting` the option that moves it."""

    protocol: Protocol
    address: str
    port: int
    setting: str
    device: str = ""


def holders(protocol: Protocol, port: int, proc: Path = _PROC) -> list[Owner]:
    """Who listens on a port, by address; the same process on two addresses counts twice."""
    found = dict(_sockets(protocol, port, proc))
    if not found:
        return []
    by_inode = _by_inode(frozenset(found), proc)
    return [Owner(address, *by_inode.get(inode, ("", 0))) for inode, address in found.items()]


def rivals(door: Door) -> list[Owner]:
    """Who has the door's port on its own address or on all; for ProxyDHCP everybody on that port."""
    found = holders(door.protocol, door.port)
    return [each for each in found if door.device or each.address in (door.address, *_ANY)]


def check_free(settings: "Settings") -> None:
    """Tries every door of the service. Raises Conflict with the holder's name, Denied without rights."""
    for door in doors(settings):
        if is_free(door):
            continue
        who = next((str(holder) for holder in rivals(door)), "another process")
        where = door.device or door.address
        raise Conflict(
            f"{door.protocol.upper()} port {door.port} on {where} is in use by {who}",
            remedy=f"stop it, or choose another port with {door.setting}",
        )


def is_free(door: Door) -> bool:
    """Whether the door can be opened beside what is open already. Raises Denied without rights."""
    kind = socket.SOCK_DGRAM if door.protocol == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in door.address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        # ProxyDHCP lives beside other DHCP servers, TCP beside its own old connections; 69 and 4011 do not.
        if door.device or kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if door.device:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, door.device.encode())
            probe.bind((door.address, door.port))
        except PermissionError:
            raise Denied(
                f"opening {door.protocol.upper()} port {door.port} needs root",
                remedy="run it with sudo, or give it CAP_NET_BIND_SERVICE and CAP_NET_RAW; as an ordinary "
                "user: provisioner serve --libvirt-uri qemu:///session",
            ) from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise Invalid(
                f"port {door.port} cannot be opened on {door.address}: {error.strerror}",
                remedy=f"look at the address and at {door.setting}",
            ) from None
    return True


def doors(settings: "Settings") -> Iterator[Door]:
    """What `serve` opens now; interfaces that come later bring more."""
    from provisioner.netboot.interfaces import addresses

    for name, address in addresses(settings.interfaces).items():
        if settings.netboot:
            yield Door("udp", "255.255.255.255", settings.dhcp_port, "--dhcp-port", device=name)
            yield Door("udp", address, settings.proxy_port, "--proxy-port")
            yield Door("udp", address, settings.tftp_port, "--tftp-port")
        yield Door("tcp", address, settings.http_port, "--http-port")
    yield Door("tcp", settings.api_address, settings.api_port, "--api-port")


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


def _by_inode(inodes: frozenset[str], proc: Path) -> dict[str, tuple[str, int]]:
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, tuple[str, int]] = {}
    for process in proc.iterdir():
        if process.name.isdigit():
            for link in _open_files(process):
                if link in wanted:
                    found.setdefault(wanted[link], (_name(process), int(process.name)))
    return found


def _open_files(process: Path) -> Iterator[str]:
    """What the process's descriptors point to; nothing where it ended or belongs to another user."""
    with contextlib.suppress(OSError):
        for link in (process / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                yield str(link.readlink())


def _name(process: Path) -> str:
    """The command's name; for a program in Python its own, not the interpreter's."""
    try:
        name = (process / "comm").read_text().strip()
        words = (process / "cmdline").read_text().rstrip("\0").split("\0")
    except OSError:
        return "a process that just ended"
    if not name.startswith("python"):
        return name
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1].partition(".")[0]
    return next((Path(word).name for word in words[1:] if not word.startswith("-")), name)
