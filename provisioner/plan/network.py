"""A network to be made: whether its addresses are free, and its XML from `templates/libvirt/`."""

import ipaddress
from collections.abc import Iterable

from provisioner.core.errors import Conflict
from provisioner.core.host import Network
from provisioner.core.network import NetworkSpec
from provisioner.core.segment import HostAddresses
from provisioner.resources import markup

NAMESPACE = "urn:provisioner:network:1"
"""Marks a network as ours in its metadata. It never changes."""


def check_free(spec: NetworkSpec, networks: Iterable[Network], host: HostAddresses | None) -> None:
    """Raises Conflict that names what uses the network's name, bridge or addresses already.

    `host` is None for another machine, whose addresses cannot be seen from here.
    """
    networks = list(networks)
    if any(network.name == spec.name for network in networks):
        raise Conflict(
            f"a network called {spec.name} exists already",
            remedy=f"choose another name, or: provisioner network delete {spec.name}",
        )
    if spec.mode == "bridge":
        if host and spec.device not in host.bridges:
            raise Conflict(
                f"network {spec.name}: this host has no bridge {spec.device}; "
                f"it has {', '.join(host.bridges) or 'none'}",
                remedy=f"make it first: ip link add {spec.device} type bridge",
            )
        return
    for parent in spec.parents:
        if host and parent not in host.devices:
            raise Conflict(f"network {spec.name}: this host has no device {parent}")
    if spec.subnet:
        _check_bridge(spec, networks, host)
        _check_addresses(spec, networks, host)


def _check_bridge(spec: NetworkSpec, networks: list[Network], host: HostAddresses | None) -> None:
    if not spec.device:
        return
    for network in networks:
        if network.bridge == spec.device:
            raise Conflict(f"network {spec.name}: bridge {spec.device} is that of network {network.name}")
    if host and spec.device in (*host.bridges, *host.devices):
        raise Conflict(
            f"network {spec.name}: this host has an interface called {spec.device} already",
            remedy="leave out --bridge, and libvirt chooses a free name; one that is there: --mode bridge",
        )


def _check_addresses(spec: NetworkSpec, networks: list[Network], host: HostAddresses | None) -> None:
    wanted = spec.own.network
    taken = _used(networks, host)
    for used, whose in taken:
        if used.overlaps(wanted):
            raise Conflict(
                f"network {spec.name}: {wanted} overlaps {used}, which {whose}",
                remedy=f"choose another --subnet, such as {_free(wanted, [net for net, _ in taken])}",
            )


def _used(networks: list[Network], host: HostAddresses | None) -> list[tuple[ipaddress.IPv4Network, str]]:
    """Every IPv4 network in use, with a clause that says by whom. A default route is none."""
    found = [(text, f"libvirt network {n.name} uses") for n in networks for text in n.addresses]
    for interface, addresses in (host.addresses if host else {}).items():
        found += [(text, f"is on this host's {interface}") for text in addresses]
    for route, interface in (host.routes if host else {}).items():
        found.append((route, f"this host reaches through {interface}"))
    nets = []
    for text, whose in found:
        try:
            net = ipaddress.IPv4Network(text, strict=False)
        except ValueError:
            continue  # IPv6, or no network
        if net.prefixlen:
            nets.append((net, whose))
    return nets


def _free(like: ipaddress.IPv4Network, used: list[ipaddress.IPv4Network]) -> str:
    """A private network of the same size that overlaps none, "" where there is none near."""
    for third in range(90, 255):
        network = ipaddress.IPv4Network((f"192.168.{third}.0", max(24, like.prefixlen)))
        if not any(network.overlaps(other) for other in used):
            return str(network)
    return "one of your own"


def network_xml(spec: NetworkSpec) -> str:
    """The whole network."""
    given = spec.range
    owns = spec.subnet is not None
    return (
        markup()
        .get_template("libvirt/network.xml.j2")
        .render(
            namespace=NAMESPACE,
            name=spec.name,
            mode="bridge" if spec.mode == "macvtap" else spec.mode,
            bridge=spec.device,
            parents=spec.parents,
            address=str(spec.own.ip) if owns else "",
            netmask=str(spec.own.netmask) if owns else "",
            first=str(given.first) if given else "",
            last=str(given.last) if given else "",
            hosts=spec.reserved,
            bootp="",
        )
    )
