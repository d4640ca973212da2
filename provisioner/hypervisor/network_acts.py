"""What is done to libvirt's networks by name. Ours carry our metadata; the others are not removed unasked."""

import contextlib
from collections.abc import Callable
from typing import Any, cast

import libvirt

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.host import Network
from provisioner.hypervisor import network as reading
from provisioner.hypervisor.errors import is_code


def find(connection: libvirt.virConnect, name: str) -> libvirt.virNetwork:
    """Raises NotFound."""
    try:
        return connection.networkLookupByName(name)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_NETWORK"):
            known = ", ".join(sorted(n.name() for n in connection.listAllNetworks())) or "none"
            raise NotFound(f"no libvirt network {name!r}; known are {known}") from None
        raise


def show(connection: libvirt.virConnect, name: str) -> Network:
    """One network. Raises NotFound."""
    return reading.read(find(connection, name))


def xml(connection: libvirt.virConnect, name: str) -> str:
    """Its XML as libvirt keeps it: what is only true while it runs is left out where it can be."""
    network = find(connection, name)
    if network.isPersistent():
        with contextlib.suppress(libvirt.libvirtError):  # the test driver knows no flag
            return str(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE))
    return str(network.XMLDesc())


def create(connection: libvirt.virConnect, text: str, *, autostart: bool) -> Network:
    """Defines and starts a network; one that cannot be started is not left behind. Raises Conflict."""
    network = connection.networkDefineXML(text)
    try:
        network.create()
        if autostart:
            network.setAutostart(1)
    except libvirt.libvirtError as error:
        with contextlib.suppress(libvirt.libvirtError):
            if network.isActive():
                network.destroy()
        network.undefine()
        raise Conflict(
            f"network {network.name()} cannot be started: {error.get_error_message()}",
            remedy="see which network or interface uses its addresses or bridge already",
        ) from error
    return reading.read(network)


def start(connection: libvirt.virConnect, name: str) -> None:
    """One that is active already is left alone. Raises NotFound, Conflict."""
    network = find(connection, name)
    if network.isActive():
        return
    try:
        network.create()
    except libvirt.libvirtError as error:
        if not network.isActive():
            raise Conflict(
                f"network {name} cannot be started: {error.get_error_message()}",
                remedy="see which network or interface uses its addresses or bridge already",
            ) from error


def stop(connection: libvirt.virConnect, name: str, *, force: bool) -> None:
    """One that is not active is left alone. Raises Conflict while running guests are plugged into it."""
    network = find(connection, name)
    if network.isActive():
        _refuse_used(network, "stopping it", force)
        network.destroy()


def autostart(connection: libvirt.virConnect, name: str, *, on: bool) -> None:
    """Raises Conflict for a transient network."""
    network = find(connection, name)
    if not network.isPersistent():
        raise Conflict(f"network {name} is transient: it is gone when it stops, so nothing can start it")
    network.setAutostart(int(on))


def delete(connection: libvirt.virConnect, name: str, *, foreign: bool, force: bool) -> None:
    """Stops and removes. Raises Conflict for one that is not ours unless `foreign`, or that is in use."""
    network = find(connection, name)
    if not foreign and not reading.read(network).ours:
        raise Conflict(
            f"network {name} is not ours", remedy=f"if it shall go all the same: add --foreign ({name})"
        )
    if network.isActive():
        _refuse_used(network, "removing it", force)
        network.destroy()
    if network.isPersistent():
        network.undefine()


def redefine(connection: libvirt.virConnect, name: str, text: str, *, force: bool) -> None:
    """Gives a network another XML and starts it anew where it runs: its DHCP server reads it only then.

    Raises Conflict while running guests are plugged in: they would lose their link.
    """
    network = find(connection, name)
    before = xml(connection, name)
    active = bool(network.isActive())
    if active:
        _refuse_used(network, "starting it anew", force)
    if not network.isPersistent():
        _again(
            lambda: connection.networkCreateXML(text), lambda: connection.networkCreateXML(before), network
        )
        return
    network = connection.networkDefineXML(text)
    if active:

        def back() -> None:
            connection.networkDefineXML(before)
            network.create()

        _again(network.create, back, network)


def _again(begin: Callable[[], object], back: Callable[[], object], network: libvirt.virNetwork) -> None:
    """Stops a network and begins it anew; where it cannot begin, as it was before."""
    network.destroy()
    try:
        begin()
    except libvirt.libvirtError:
        back()
        raise


def ports(network: libvirt.virNetwork) -> int:
    """How many running guests' cards are plugged in; 0 where the driver cannot tell."""
    with contextlib.suppress(libvirt.libvirtError, AttributeError):
        return len(network.listAllPorts())
    return 0


def leases(connection: libvirt.virConnect, name: str) -> list[str]:
    """`MAC address name` of everything that its DHCP server lent an address to."""
    network = find(connection, name)
    found: list[str] = []
    with contextlib.suppress(libvirt.libvirtError):
        found = [_lease(lent) for lent in cast("list[dict[str, Any]]", network.DHCPLeases())]
    return sorted(found)


def _lease(lent: dict[str, Any]) -> str:
    return " ".join(str(lent[key]) for key in ("mac", "ipaddr", "hostname") if lent.get(key))


def _refuse_used(network: libvirt.virNetwork, doing: str, force: bool) -> None:
    count = ports(network)
    if count and not force:
        guests = "a running guest is" if count == 1 else f"{count} cards of running guests are"
        raise Conflict(
            f"{guests} plugged into network {network.name()}; {doing} cuts their link until they are "
            "restarted",
            remedy="shut them down first, or say --force",
        )
