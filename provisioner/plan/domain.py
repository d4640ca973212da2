"""A guest as libvirt XML, from `templates/libvirt/domain.xml.j2`."""

from dataclasses import dataclass
from typing import Literal

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, GuestSpec
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.cpu import cpu
from provisioner.resources import markup

NAMESPACE = "urn:provisioner:guest:1"
"""Marks a domain as ours in its metadata. Guests out there carry it: it never changes."""

# Milliseconds that SeaBIOS waits at "no bootable device" before it starts over. A guest whose network was
# not ready tries again by itself.
_REBOOT_TIMEOUT = 5000


@dataclass(frozen=True, slots=True)
class BootOrder:
    """The place of each device in the firmware's order; the lower is tried first."""

    disk: int
    nic: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where the domain finds its disk.

    A pool with a path gives the path itself: the AppArmor helper of older libvirt cannot follow a pool's
    name to a file, and such a guest is denied its own disk.
    """

    type: Literal["file", "block", "volume"]
    format: str
    path: str
    pool: str
    volume: str


def source(disk: Disk, volume: str, host: HostFacts) -> Source:
    """The disk's volume as seen by `host`; by pool and name where the pool has no path or is not known."""
    folder = next((pool.path for pool in host.pools if pool.name == disk.pool), "").rstrip("/")
    if not folder:
        return Source("volume", disk.format, "", disk.pool, volume)
    kind: Literal["file", "block"] = "block" if folder.startswith("/dev/") else "file"
    return Source(kind, disk.format, f"{folder}/{volume}", disk.pool, volume)


def domain_xml(
    spec: GuestSpec,
    host: HostFacts,
    tree: Tree,
    order: BootOrder,
    *,
    install: str,
    serial: str,
    volume: str,
    log: str,
) -> str:
    """The whole domain. `serial` is the SMBIOS serial, `log` the file that keeps the serial console.

    Raises Invalid where a text cannot stand in XML.
    """
    given = {
        "install id": install,
        "profile": spec.profile,
        "serial": serial,
        "serial log": log,
        "volume": volume,
        "pool": spec.disk.pool,
        "network": spec.nic.source,
    }
    for what, text in given.items():
        if not text or not text.isprintable():
            raise Invalid(f"guest {spec.name}: the {what} {text!r} is empty or holds control characters")
    return (
        markup()
        .get_template("libvirt/domain.xml.j2")
        .render(
            namespace=NAMESPACE,
            virt_type=host.virt_type,
            arch=host.arch,
            machine=host.machine,
            emulator=host.emulator,
            cpu=cpu(host, tree),
            name=spec.name,
            uuid=spec.uuid,
            install=install,
            profile=spec.profile,
            serial=serial,
            memory=spec.memory,
            vcpus=spec.vcpus,
            boot=spec.boot,
            reboot_timeout=_REBOOT_TIMEOUT,
            disk=source(spec.disk, volume, host),
            nic=spec.nic,
            mac=spec.mac,
            rom=spec.rom,
            order=order,
            log=log,
        )
    )
