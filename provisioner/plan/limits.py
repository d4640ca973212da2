"""What a host can give a guest, from its domain capabilities: each question by itself.

Where libvirt does not tell (its list is empty), nothing is refused.
"""

from provisioner.core.errors import Invalid
from provisioner.core.host import HostFacts


def check_bus(bus: str, host: HostFacts) -> None:
    """Raises Invalid where `host` has no such bus for disks."""
    if host.disk_buses and bus not in host.disk_buses:
        instead = "sata" if bus == "ide" and "sata" in host.disk_buses else "virtio"
        raise Invalid(
            f"{host.uri} has no disk bus {bus!r} for {host.machine} machines; "
            f"it has {', '.join(host.disk_buses)}",
            remedy=f"use bus={instead}, or leave the bus out" if instead in host.disk_buses else "",
        )


def check_disk_device(device: str, host: HostFacts) -> None:
    """Raises Invalid where `host` has no such kind of disk: disk, cdrom, floppy, lun."""
    if host.disk_devices and device not in host.disk_devices:
        raise Invalid(
            f"{host.uri} has no disk device {device!r}; it has {', '.join(host.disk_devices)}",
            remedy="use device=disk or device=cdrom",
        )


def check_secure_boot(host: HostFacts) -> None:
    """Raises Invalid where `host` has no firmware with Secure Boot."""
    if not host.secure_boot:
        raise Invalid(
            f"{host.uri} has no UEFI firmware with Secure Boot for {host.machine} machines",
            remedy="install OVMF with Secure Boot (package ovmf or edk2-ovmf) there, or use --boot uefi",
        )


def check_graphics(kind: str, host: HostFacts) -> None:
    """Raises Invalid where `host` has no such graphics; "none" is always to be had."""
    if kind != "none" and host.graphics and kind not in host.graphics:
        raise Invalid(
            f"{host.uri} has no graphics {kind!r}; it has {', '.join(host.graphics)}",
            remedy="use --graphics vnc" if "vnc" in host.graphics else "use --graphics none",
        )
