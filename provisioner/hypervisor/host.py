"""What a host can do: its emulator, machine types and firmware, from libvirt's capabilities."""

from dataclasses import dataclass
from typing import Literal

import libvirt

from provisioner.core.errors import Unavailable
from provisioner.core.host import HostFacts
from provisioner.hypervisor import devices
from provisioner.hypervisor.census import Census
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.surroundings import Lookout
from provisioner.hypervisor.xml import Element, attribute, child_text, parse

VirtType = Literal["kvm", "qemu"]

_ARCH = "x86_64"
_MACHINES = ("q35", "pc")
"""Machine types by preference."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What does not change while a connection lasts, for one kind of virtualisation."""

    virt_type: VirtType
    emulator: str
    machine: str
    firmwares: tuple[str, ...]
    max_vcpus: int
    disk_devices: tuple[str, ...] = ()
    disk_buses: tuple[str, ...] = ()
    secure_boot: bool = False
    graphics: tuple[str, ...] = ()
    secure_guests: bool | None = None


def capabilities(connection: libvirt.virConnect, virt_type: VirtType) -> Capabilities:
    """Raises Unavailable where the host has no QEMU for x86-64."""
    for machine in _MACHINES:
        try:
            root = parse(connection.getDomainCapabilities(None, _ARCH, machine, virt_type))
        except libvirt.libvirtError as error:
            if is_code(error, "NO_SUPPORT"):  # a driver without QEMU behind it, as test:///
                vcpus = connection.getMaxVcpus("")
                return Capabilities(virt_type, "", machine, ("bios", "efi"), vcpus, secure_boot=True)
            continue
        firmwares = _values(root, "os", "firmware")
        return Capabilities(
            virt_type=virt_type,
            emulator=child_text(root, "path"),
            machine=machine,
            firmwares=tuple(sorted({"bios", *firmwares})),
            max_vcpus=int(attribute(root, "vcpu", "max") or 1),
            disk_devices=_values(root, "devices/disk", "diskDevice"),
            disk_buses=_values(root, "devices/disk", "bus"),
            secure_boot="efi" in firmwares and "yes" in _values(root, "os/loader", "secure"),
            graphics=_values(root, "devices/graphics", "type"),
            secure_guests=_secure_guests(root),
        )
    raise Unavailable(
        f"libvirt at {connection.getURI()} has no QEMU for {_ARCH} guests",
        remedy="install it: apt install qemu-system-x86, or dnf install qemu-kvm",
    )


def offers_kvm(connection: libvirt.virConnect) -> bool:
    """Whether libvirt believes in KVM. It may be wrong: only a kernel that boots is a proof."""
    try:
        connection.getDomainCapabilities(None, _ARCH, None, "kvm")
    except libvirt.libvirtError:
        return False
    return True


def facts(
    connection: libvirt.virConnect,
    uri: str,
    reason: str,
    static: Capabilities,
    lookout: Lookout,
    census: Census,
) -> HostFacts:
    """Everything that a plan may rely on, as it is now."""
    around = lookout.look(connection)
    return HostFacts(
        uri=uri,
        virt_type=static.virt_type,
        emulator=static.emulator,
        machine=static.machine,
        arch=_ARCH,
        firmwares=static.firmwares,
        max_vcpus=static.max_vcpus,
        memory=around.memory,
        networks=around.networks,
        pools=around.pools,
        bridges=around.bridges,
        interfaces=around.interfaces,
        domains=tuple(census.glance(connection)),
        virt_reason=reason,
        warnings=(around.trouble,) if around.trouble else (),
        session=devices.is_own(uri),
        disk_devices=static.disk_devices,
        disk_buses=static.disk_buses,
        secure_boot=static.secure_boot,
        graphics=static.graphics,
    )


def _values(root: Element, path: str, name: str) -> tuple[str, ...]:
    """What an enum of the capabilities lists, in libvirt's order."""
    return tuple(value.text or "" for value in root.iterfind(f"{path}/enum[@name='{name}']/value"))


def _secure_guests(root: Element) -> bool | None:
    """Whether guests' memory can be encrypted, None where libvirt is too old to tell."""
    told = [root.find(f"features/{name}") for name in ("sev", "s390-pv", "launchSecurity", "tdx")]
    found = [element.get("supported") == "yes" for element in told if element is not None]
    return any(found) if found else None
