"""How what is ours is told from what is not: the mark on a domain, the name of a volume."""

LOG_PORT = "org.fedoraproject.anaconda.log.0"
"""The virtio port that Anaconda, and our mini installer, send their log to where the machine has it."""
NAMESPACE = "urn:provisioner:guest:1"
"""Marks a domain as ours in its metadata. Guests out there carry it: it never changes."""


def volume_name(guest: str, install: str, number: int = 1) -> str:
    """Libvirt keeps no metadata of a volume: its name says whose it is. `number` counts the guest's disks."""
    return f"{guest}-{install}" if number == 1 else f"{guest}-{install}-{number}"
