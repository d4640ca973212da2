"""The words for a place to plug a card in: a network's name, `bridge=…` or `type=direct,source=…`."""

from urllib.parse import urlsplit

from provisioner.core.errors import NotFound
from provisioner.core.guest import Nic
from provisioner.core.host import HostFacts
from provisioner.plan.verdict import Place, place


def nic(word: str) -> Nic:
    """`default`, `network=default`, `bridge=br0` or `type=direct,source=eth0`. Raises Invalid."""
    return Nic.parse(word) if "=" in word else Nic.parse(f"network={word}")


def find(word: str, facts: HostFacts) -> Place:
    """Raises Invalid, NotFound."""
    spot = place(nic(word), facts)
    if not spot.bridge and not spot.parents and spot.network is None:
        known = ", ".join(sorted(n.name for n in facts.networks)) or "none"
        raise NotFound(f"no libvirt network {spot.word!r} on {facts.uri}; known are {known}")
    devices = (*facts.bridges, *facts.interfaces)
    if spot.network is None and devices and spot.device not in devices:
        what = "bridge" if spot.bridge else "device"
        known = ", ".join(sorted(facts.bridges if spot.bridge else devices)) or "none"
        raise NotFound(f"no {what} {spot.device!r} on {facts.uri}; known are {known}")
    return spot


def is_here(uri: str) -> bool:
    """Whether a libvirt URI is of this machine, so that its bridges are those seen here."""
    parts = urlsplit(uri)
    return not parts.hostname and parts.scheme != "test"
