"""libvirt's networks: what they are, whom they lent addresses to, and the ones that we make ourselves."""

import contextlib
import ipaddress
from typing import Any, cast

import libvirt

from provisioner.core.errors import Conflict, Invalid
from provisioner.core.host import Network
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.xml import Element, attribute, parse, render
from provisioner.plan.network import NAMESPACE

_DNSMASQ = "{http://libvirt.org/schemas/network/dnsmasq/1.0}"
_MODES = ("nat", "route", "open", "isolated")


def networks(connection: libvirt.virConnect) -> list[Network]:
    """All networks, by name."""
    found = []
    for network in connection.listAllNetworks():
        with contextlib.suppress(libvirt.libvirtError):  # it went away while the list was read
            found.append(read(network))
    return sorted(found, key=lambda network: network.name)


def lease(connection: libvirt.virConnect, mac: str) -> str | None:
    """The newest address that any network's DHCP server lent to `mac`."""
    leases: list[dict[str, Any]] = []
    for network in connection.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE):
        with contextlib.suppress(libvirt.libvirtError):  # a network without DHCP, or gone
            leases += cast("list[dict[str, Any]]", network.DHCPLeases(mac))
    newest = max(leases, key=lambda lent: int(lent["expirytime"]), default=None)
    return None if newest is None else str(newest["ipaddr"])


def ensure_network(
    connection: libvirt.virConnect, name: str, bridge: str, cidr: str, mode: str, bootp: str
) -> None:
    """Makes and starts a network. `cidr` is the host's own address on it, as 192.168.90.1/24.

    One of that name that is there already is started and otherwise left alone; where it is ours, it must
    be the same. Raises Conflict, Invalid.
    """
    if mode not in _MODES:
        raise Invalid(f"network {name}: mode {mode!r} is not known; use {', '.join(_MODES)}")
    context = _addresses(name, cidr)
    try:
        network = connection.networkLookupByName(name)
    except libvirt.libvirtError as error:
        if not is_code(error, "NO_NETWORK"):
            raise
        xml = render(
            "network",
            namespace=NAMESPACE,
            name=name,
            bridge=bridge,
            mode=mode,
            bootp=bootp,
            parents=(),
            hosts=(),
            **context,
        )
        network = connection.networkDefineXML(xml)
    else:
        wanted = (bridge, mode, bootp, str(ipaddress.ip_interface(cidr)))
        there = read(network)
        if _ours(network) and wanted != (there.bridge, there.mode, there.bootp, *there.addresses):
            raise Conflict(
                f"network {name} exists with other settings (bridge {there.bridge}, {there.mode})",
                remedy=f"remove it: virsh net-destroy {name}; virsh net-undefine {name}",
            )
    if not network.isActive():
        try:
            network.create()
        except libvirt.libvirtError as error:
            if not network.isActive():  # somebody else started it between the two
                raise Conflict(
                    f"network {name} cannot be started: {error.get_error_message()}",
                    remedy=f"see which network or interface uses {cidr} or {bridge} already",
                ) from error


def remove_network(connection: libvirt.virConnect, name: str) -> None:
    """Removes a network that we made; one that is gone is no error, one that is not ours a Conflict."""
    try:
        network = connection.networkLookupByName(name)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_NETWORK"):
            return
        raise
    if not _ours(network):
        raise Conflict(f"network {name} is not ours; foreign networks are never removed")
    if network.isActive():
        network.destroy()
    if network.isPersistent():
        network.undefine()


def start_network(connection: libvirt.virConnect, name: str) -> None:
    """Starts a network that exists, now and at every boot of the host."""
    network = connection.networkLookupByName(name)
    if not network.isActive():
        network.create()
    if not network.autostart():
        network.setAutostart(1)


def read(network: libvirt.virNetwork) -> Network:
    """A network as a noun."""
    root = parse(network.XMLDesc())
    forward = root.find("forward")
    addresses = tuple(_address(ip) for ip in root.findall("ip") if ip.get("address"))
    return Network(
        name=network.name(),
        mode="isolated" if forward is None else forward.get("mode", "nat"),
        active=bool(network.isActive()),
        autostart=bool(network.autostart()) if network.isPersistent() else False,
        bridge=attribute(root, "bridge", "name"),
        parents=tuple(i.get("dev", "") for i in root.findall("forward/interface")),
        addresses=addresses,
        dhcp=root.find("ip/dhcp") is not None,
        bootp=_bootp(root),
        uuid=network.UUIDString(),
        persistent=bool(network.isPersistent()),
        ours=root.find(f"metadata/{{{NAMESPACE}}}network") is not None,
        ranges=tuple(f"{r.get('start')}-{r.get('end')}" for r in root.findall("ip/dhcp/range")),
        reserved=tuple(_reserved(host) for host in root.findall("ip/dhcp/host")),
    )


def _reserved(host: Element) -> str:
    return " ".join(filter(None, (host.get("mac"), host.get("ip"), host.get("name"))))


def _address(ip: Element) -> str:
    address = ip.get("address", "")
    mask = ip.get("netmask") or ip.get("prefix") or ("64" if ":" in address else "24")
    return str(ipaddress.ip_interface(f"{address}/{mask}"))


def _bootp(root: Element) -> str:
    """The boot file of the network's XML, or of a raw dnsmasq option in it."""
    named = attribute(root, "ip/dhcp/bootp", "file")
    options = (o.get("value", "") for o in root.findall(f"{_DNSMASQ}options/{_DNSMASQ}option"))
    return named or next((o.removeprefix("dhcp-boot=") for o in options if o.startswith("dhcp-boot=")), "")


def _ours(network: libvirt.virNetwork) -> bool:
    return parse(network.XMLDesc()).find(f"metadata/{{{NAMESPACE}}}network") is not None


def _addresses(name: str, cidr: str) -> dict[str, str]:
    try:
        own = ipaddress.IPv4Interface(cidr)
    except ValueError:
        raise Invalid(
            f"network {name}: {cidr!r} is not an IPv4 address with a prefix like 192.168.90.1/24"
        ) from None
    if own.network.prefixlen > 29 or own.ip == own.network.network_address:
        raise Invalid(f"network {name}: {cidr} leaves no room for guests beside the host's own address")
    last = own.network.broadcast_address - 1
    first = own.ip + 1 if own.ip < last else own.network.network_address + 1
    return {
        "address": str(own.ip),
        "netmask": str(own.netmask),
        "first": str(first),
        "last": str(last if own.ip < last else last - 1),
    }
