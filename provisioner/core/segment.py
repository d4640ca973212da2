"""What was seen of a network segment: its links, who answers DHCP there, what a firewall says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Protocol = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True)
class Link:
    """One interface of this machine. `kind` as the kernel names it ("" for a card), `parent` of a macvlan.

    `alias` is what somebody wrote on it; ours begin with `urn:provisioner:`.
    """

    name: str
    kind: str = ""
    master: str = ""
    parent: str = ""
    mac: str = ""
    alias: str = ""
    stp: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What one DHCP server answered to a PXE question. "" where it said nothing of the kind.

    `server` is its own address, `address` the one it lends, `file` the boot file, `boot_server` where from.
    """

    server: str
    address: str = ""
    file: str = ""
    boot_server: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """An address with its prefix for so many seconds, from `server`."""

    address: str
    server: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Door:
    """A port that guests must reach, and what for."""

    protocol: Protocol
    port: int
    purpose: str

    def __str__(self) -> str:
        return f"{self.purpose} ({self.protocol} {self.port})"


@dataclass(frozen=True, slots=True)
class Firewall:
    """The rules in force, as their own tools print them; "" where a tool is missing or shows none.

    `nft` is JSON, `iptables` the output of -S. `zone` is firewalld's for the interface, `zone_rules` the
    output of --list-all for it.
    """

    nft: str = ""
    iptables: str = ""
    zone: str = ""
    zone_rules: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A door that a firewall surely keeps closed. `command` opens it."""

    door: Door
    by: str
    command: str


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """What this machine uses already: interface to its addresses, and route to its interface."""

    addresses: Mapping[str, tuple[str, ...]]
    routes: Mapping[str, str]
    bridges: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
