"""What a user asks of a network, and what is done to a segment so that guests can netboot there."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from provisioner.core.errors import Invalid
from provisioner.core.machine import check_name, normalise_mac

Mode = Literal["nat", "route", "isolated", "bridge", "macvtap"]
MODES: tuple[Mode, ...] = get_args(Mode)
RepairKind = Literal["proxy", "options", "bootp", "addresses", "macvlan"]
"""What can be done to a segment.

`proxy`: our ProxyDHCP, TFTP and HTTP answer there beside its own DHCP server. `options` and `bootp`: the
libvirt network itself names our boot files too, for each architecture or one for all. `addresses`: a DHCP
server of ours lends a stated range there. `macvlan`: an interface of this host on a macvtap's parent.
"""
REPAIRS: tuple[RepairKind, ...] = get_args(RepairKind)

_DEVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,14}")


def check_device(text: str, what: str = "device") -> str:
    """A name that Linux takes for an interface. Raises Invalid."""
    if not _DEVICE.fullmatch(text):
        raise Invalid(f"{what} {text!r} is no interface name: 15 letters, digits, dots, dashes at most")
    return text


def address(text: str, what: str) -> ipaddress.IPv4Address:
    """Raises Invalid."""
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise Invalid(f"{what} {text!r} is not an IPv4 address") from None


def interface(text: str, what: str) -> ipaddress.IPv4Interface:
    """An address with its prefix, as 192.168.90.5/24. Raises Invalid."""
    try:
        if "/" in text:
            return ipaddress.IPv4Interface(text)
    except ValueError:
        pass
    raise Invalid(f"{what} {text!r} is not an IPv4 address with its prefix, like 192.168.90.5/24")


@dataclass(frozen=True, slots=True)
class Range:
    """Addresses that a DHCP server lends, both ends included."""

    first: ipaddress.IPv4Address
    last: ipaddress.IPv4Address

    @classmethod
    def parse(cls, text: str) -> "Range":
        """`192.168.90.50,192.168.90.99`; also with a dash. Raises Invalid."""
        parts = [part.strip() for part in text.replace("-", ",").split(",")]
        if len(parts) != 2:
            raise Invalid(f"DHCP range {text!r}: write its first and last address, as FIRST,LAST")
        first, last = (address(part, "DHCP range:") for part in parts)
        if last < first:
            raise Invalid(f"DHCP range {text!r} ends before it begins")
        return cls(first, last)

    def inside(self, network: ipaddress.IPv4Network, own: ipaddress.IPv4Address) -> "Range":
        """The range, where it lies in `network` and leaves out the server's `own` address. Raises Invalid."""
        for end in (self.first, self.last):
            if end not in network or end in (network.network_address, network.broadcast_address):
                raise Invalid(f"DHCP range {self}: {end} is no host's address in {network}")
        if self.first <= own <= self.last:
            raise Invalid(f"DHCP range {self} holds {own}, which is the server's own address")
        return self

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Reservation:
    """One machine's address, and the name it is told, where there is one."""

    mac: str
    address: ipaddress.IPv4Address
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> "Reservation":
        """`52:54:00:12:34:56,192.168.90.10,web1`; the name may be left out. Raises Invalid."""
        parts = [part.strip() for part in text.split(",")]
        if len(parts) not in (2, 3):
            raise Invalid(f"DHCP host {text!r}: write MAC,ADDRESS or MAC,ADDRESS,NAME")
        name = check_name(parts[2], "DHCP host name") if len(parts) == 3 else ""
        return cls(normalise_mac(parts[0]), address(parts[1], "DHCP host address"), name)


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A network to be made. `subnet` is the guests' own, None for those that share the host's.

    `device` is the bridge's name ("" lets libvirt choose), `parents` the host's devices of a macvtap pool.
    `given` is the range that is lent; None with `dhcp` on is all that is free.
    """

    name: str
    mode: Mode
    subnet: ipaddress.IPv4Interface | None = None
    device: str = ""
    parents: tuple[str, ...] = ()
    dhcp: bool = True
    given: Range | None = None
    reserved: tuple[Reservation, ...] = ()
    autostart: bool = False

    def __post_init__(self) -> None:
        check_name(self.name, "network name")
        for name in (self.device, *self.parents):
            if name:
                check_device(name, f"network {self.name}: device")
        if self.mode in ("bridge", "macvtap"):
            self._shares()
        else:
            self._owns()

    def _shares(self) -> None:
        if self.subnet or self.given or self.reserved:
            raise Invalid(
                f"network {self.name}: in mode {self.mode} addresses come from the host's own segment",
                remedy="leave out --subnet, --dhcp-range and --dhcp-host",
            )
        if self.mode == "bridge" and (not self.device or self.parents):
            raise Invalid(f"network {self.name}: mode bridge needs the host's bridge: --bridge NAME")
        if self.mode == "macvtap" and (not self.parents or self.device):
            raise Invalid(f"network {self.name}: mode macvtap needs a device of the host: --parent NAME")

    def _owns(self) -> None:
        if self.subnet is None:
            raise Invalid(
                f"network {self.name}: mode {self.mode} needs the guests' subnet",
                remedy="say it, like --subnet 192.168.90.0/24",
            )
        if len(self.parents) > 1 or (self.parents and self.mode == "isolated"):
            raise Invalid(f"network {self.name}: mode {self.mode} takes {_parents(self.mode)}")
        if self.subnet.network.prefixlen > 29 or self.subnet.network.prefixlen < 8:
            raise Invalid(
                f"network {self.name}: a subnet of /{self.subnet.network.prefixlen} is out of range; "
                "/8 to /29"
            )
        if not self.dhcp and (self.given or self.reserved):
            raise Invalid(f"network {self.name}: --no-dhcp and a DHCP range or host exclude each other")
        network, own = self.own.network, self.own.ip
        if self.given:
            self.given.inside(network, own)
        self._check_reserved(network, own)

    def _check_reserved(self, network: ipaddress.IPv4Network, own: ipaddress.IPv4Address) -> None:
        seen: set[object] = {own}
        for host in self.reserved:
            if host.address not in network:
                raise Invalid(f"network {self.name}: DHCP host {host.address} is outside {network}")
            if host.address in seen or host.mac in seen:
                raise Invalid(f"network {self.name}: DHCP host {host.mac} {host.address} is there twice")
            seen |= {host.address, host.mac}

    @property
    def own(self) -> ipaddress.IPv4Interface:
        """The host's own address: the one that was given, the first of a bare subnet."""
        if self.subnet is None:
            raise Invalid(f"network {self.name} has no subnet of its own")
        if self.subnet.ip == self.subnet.network.network_address:
            return ipaddress.IPv4Interface((self.subnet.ip + 1, self.subnet.network.prefixlen))
        return self.subnet

    @property
    def range(self) -> Range | None:
        """What is lent: the given range, else all addresses above (or below) the host's own."""
        if self.given or not self.dhcp or self.subnet is None:
            return self.given
        network, own = self.own.network, self.own.ip
        last = network.broadcast_address - 1
        if own == last:
            return Range(network.network_address + 1, own - 1)
        return Range(own + 1, last)


def subnet(text: str) -> ipaddress.IPv4Interface:
    """`192.168.90.0/24`, or with the host's own address in it: `192.168.90.254/24`. Raises Invalid."""
    try:
        if "/" in text:
            return ipaddress.IPv4Interface(text)
    except ValueError:
        pass
    raise Invalid(f"subnet {text!r} is not an IPv4 network with its prefix, like 192.168.90.0/24")


def _parents(mode: Mode) -> str:
    return "no --parent" if mode == "isolated" else "one --parent at most"


@dataclass(frozen=True, slots=True)
class Repair:
    """What we did to a segment, kept so that it outlives a restart and can be taken back.

    `device` is where it works: the bridge, or the macvtap's parent. `network` is the libvirt network whose
    XML was changed, `uri` its host ("" for the configured one). `given` is the lent range of `addresses`;
    `address` the macvlan's own with its prefix, "" where the segment's DHCP server gives it.
    """

    kind: RepairKind
    device: str
    network: str = ""
    uri: str = ""
    given: str = ""
    address: str = ""
    mac: str = ""

    @property
    def interface(self) -> str:
        """The interface that is served because of it."""
        return macvlan_name(self.device) if self.kind == "macvlan" else self.device


def macvlan_name(parent: str) -> str:
    """`pv-eth0`; the name of a long parent is shortened, with a few digits of its hash for the difference."""
    name = f"pv-{parent}"
    if len(name) <= 15:
        return name
    import hashlib

    return f"{name[:10]}-{hashlib.sha256(parent.encode()).hexdigest()[:4]}"


def interfaces(repairs: Iterable[Repair]) -> tuple[str, ...]:
    """The interfaces that are served because of repairs."""
    return tuple(sorted({repair.interface for repair in repairs}))
