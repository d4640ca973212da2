"""The address of ours that a guest will see, known before it asks: for URLs in arguments and seeds."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from provisioner.core import urls
from provisioner.core.errors import Conflict
from provisioner.core.guest import Nic
from provisioner.core.host import HostFacts


def root_of(nic: Nic, host: HostFacts, served: Mapping[str, str], port: int, address: str = "") -> str:
    """The root of every URL for the guest behind this card. Raises Conflict where none of ours is there.

    `address` is the one that guests on other hosts and behind macvtaps reach us by, "" where that is not set.
    """
    if urlsplit(host.uri).hostname:
        return urls.base(_far(host, served, address), port)
    if nic.kind == "user":
        return urls.base(_inside(served), port)
    network = (
        next((n for n in host.networks if n.name == nic.source), None) if nic.kind == "network" else None
    )
    devices = (network.bridge, *network.parents) if network else (nic.source,)
    for device in devices:
        if device in served:
            return urls.base(served[device], port)
    if nic.kind == "direct" or (network and not network.bridge):
        return urls.base(_far(host, served, address), port)
    where = next(filter(None, devices), nic.source)
    raise Conflict(
        f"guests on {where} cannot fetch anything from here: HTTP answers on {', '.join(served) or 'no'} "
        "interface only",
        remedy=f"provisioner network check {nic.source} --repair, or add {where} to the setting interfaces",
    )


def _inside(served: Mapping[str, str]) -> str:
    """How QEMU's user network leads to us: the loopback has an address there, others keep theirs."""
    if "127.0.0.1" in served.values():
        return urls.SLIRP
    if served:
        return next(iter(served.values()))
    raise Conflict(
        "guests on QEMU's user network cannot fetch anything from here: HTTP answers on no interface",
        remedy="add lo to the setting interfaces (PROVISIONER_INTERFACES='[\"lo\"]')",
    )


def _far(host: HostFacts, served: Mapping[str, str], address: str) -> str:
    """An address of ours that is no libvirt network's own: only the guests of this machine reach that."""
    inner = {network.bridge for network in host.networks if network.mode in ("nat", "isolated")}
    outer = [
        known for device, known in served.items() if device not in inner and not device.startswith("virbr")
    ]
    if address or outer:
        return address or outer[0]
    raise Conflict(
        f"no address is known by which guests of {host.uri} there reach this service",
        remedy="set guest_address to one of this machine that they reach (PROVISIONER_GUEST_ADDRESS)",
    )
