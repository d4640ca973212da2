"""A guest's disks and drives as libvirt's disk elements: buses, device names, places in the boot order."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Literal

from provisioner.core.guest import Bus, Disk, GuestSpec
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.given import FirstStage, Given

_PREFIXES: dict[Bus, str] = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}
# The bus of a CD drive that firmware boots from and the installer's kernel has a driver for. Our mini
# installer's kernel is a cloud kernel, which knows neither AHCI nor IDE behind q35's bridge.
_CD_BUS: dict[str, dict[str, Bus]] = {
    "q35": {"image": "scsi", "": "sata"},
    "pc": {"": "ide"},
}


@dataclass(frozen=True, slots=True)
class Drive:
    """`type`, `path`, `pool` and `volume` say where the content is, `boot` its place in the order, 0: none.

    A pool with a path gives the path itself: the AppArmor helper of older libvirt cannot follow a pool's
    name to a file, and such a guest is denied its own disk.
    """

    type: Literal["file", "block", "volume"]
    path: str
    pool: str
    volume: str
    format: str
    bus: Bus
    target: str
    device: Literal["disk", "cdrom"] = "disk"
    boot: int = 0
    readonly: bool = False
    cache: str = ""


def drives(
    spec: GuestSpec, host: HostFacts, tree: Tree, given: Given, seed: str, first: FirstStage | None
) -> tuple[Drive, ...]:
    """All of them in the order of the XML; the system disk is first."""
    letters: Counter[str] = Counter()
    cdroms = first.cdroms if first else ()
    second = any(cdrom.boot for cdrom in cdroms) or (first is not None and first.network)
    volumes = (given.volume, *given.data_volumes)
    found = []
    for number, (disk, volume) in enumerate(zip(spec.disks, volumes, strict=True)):
        order = 0 if number else 2 if second else 1
        found.append(_disk(disk, disk.volume or volume, host, _target(disk.bus, letters), order))
    if seed:
        target = _target("virtio", letters)
        found.append(Drive("file", seed, "", "", "raw", "virtio", target, readonly=True))
    table = _CD_BUS.get(host.machine, _CD_BUS["q35"])
    bus = table.get(tree.family, table[""])
    for cdrom in cdroms:
        kind: Literal["file", "block"] = "block" if cdrom.device else "file"
        target = _target(bus, letters)
        found.append(Drive(kind, cdrom.path, "", "", "raw", bus, target, "cdrom", cdrom.boot, readonly=True))
    return tuple(found)


def controllers(found: Iterable[Drive]) -> tuple[str, ...]:
    """The kinds of controllers that must be named: libvirt's own choice for SCSI is an old one."""
    return ("scsi",) if any(drive.bus == "scsi" for drive in found) else ()


def _disk(disk: Disk, volume: str, host: HostFacts, target: str, boot: int) -> Drive:
    """A volume as seen by `host`; by pool and name where the pool has no path or is not known."""
    folder = next((pool.path for pool in host.pools if pool.name == disk.pool), "").rstrip("/")
    if not folder:
        return Drive(
            "volume", "", disk.pool, volume, disk.format, disk.bus, target, boot=boot, cache=disk.cache
        )
    kind: Literal["file", "block"] = "block" if folder.startswith("/dev/") else "file"
    path = f"{folder}/{volume}"
    return Drive(kind, path, disk.pool, volume, disk.format, disk.bus, target, boot=boot, cache=disk.cache)


def _target(bus: Bus, letters: Counter[str]) -> str:
    prefix = _PREFIXES[bus]
    name = f"{prefix}{ascii_lowercase[letters[prefix]]}"
    letters[prefix] += 1
    return name
