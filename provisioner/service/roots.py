"""The address of ours that a guest will see, known before it asks: for URLs in arguments and seeds."""

from collections.abc import Mapping

from provisioner.core import urls
from provisioner.core.errors import Conflict
from provisioner.core.guest import Nic
from provisioner.core.host import HostFacts

_SLIRP = "10.0.2.2"
"""The host itself, as a guest on QEMU's user network sees it."""


def root_of(nic: Nic, host: HostFacts, served: Mapping[str, str], port: int) -> str:
    """The root of every URL for the guest behind this card. Raises Conflict where none of ours is there."""
    if nic.kind == "user":
        return urls.base(_SLIRP, port)
    network = (
        next((n for n in host.networks if n.name == nic.source), None) if nic.kind == "network" else None
    )
    devices = (network.bridge, *network.parents) if network else (nic.source,)
    for device in devices:
        if device in served:
            return urls.base(served[device], port)
    if nic.kind == "direct" or (network and not network.bridge) or len(served) == 1:
        # A macvtap's segment, or another machine's bridge: one of our addresses may be reached from there.
        for address in served.values():
            return urls.base(address, port)
    where = next(filter(None, devices), nic.source)
    raise Conflict(
        f"guests on {where} cannot fetch anything from here: HTTP answers on {', '.join(served) or 'no'} "
        "interface only",
        remedy=f"provisioner network check {nic.source} --repair, or add {where} to the setting interfaces",
    )
