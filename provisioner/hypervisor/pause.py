"""Guests of ours stopped in the middle of what they do, and let go on."""

import libvirt

from provisioner.core.errors import Conflict
from provisioner.hypervisor import guest


def suspend(connection: libvirt.virConnect, name: str, uuid: str) -> None:
    """Stops a guest's processors; it keeps its memory. One that is stopped already stays so."""
    domain = guest.running(connection, name, uuid)
    if _state(domain) != libvirt.VIR_DOMAIN_PAUSED:
        domain.suspend()


def resume(connection: libvirt.virConnect, name: str, uuid: str) -> None:
    """Lets it go on. Raises Conflict where its system put itself to sleep; one that runs is no error."""
    domain = guest.running(connection, name, uuid)
    state = _state(domain)
    if state == libvirt.VIR_DOMAIN_PMSUSPENDED:
        raise Conflict(
            f"guest {name} put itself to sleep; nobody suspended it",
            remedy=f"wake it: virsh dompmwakeup {name}",
        )
    if state == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()


def _state(domain: libvirt.virDomain) -> int:
    return int(domain.state()[0])
