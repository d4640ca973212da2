"""A clone of a guest that is switched off: its steps, and the domain XML that libvirt is given for it.

A linked clone freezes the source's disk: it becomes the base of two overlays, one for the clone and one for
the source, so that either may run and neither writes below the other. Further clones stand on the same base
until the source is written to again. A full clone is a copy.
"""

import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from provisioner.core.errors import Conflict
from provisioner.plan.naming import NAMESPACE, volume_name
from provisioner.plan.steps import CopyNvram, CopyVolume, DefineDomain, HostStep, LinkVolume

_ARGUMENT = "{0}commandline/{0}arg".format("{http://libvirt.org/schemas/domain/qemu/1.0}")
_MAC = re.compile(r"(,mac=)[0-9a-f:]{17}")
_FORWARD = re.compile(r"(hostfwd=tcp:127\.0\.0\.1:)[0-9]+(-:22)")
_TAG = f"metadata/{{{NAMESPACE}}}guest"


@dataclass(frozen=True, slots=True)
class DiskVolume:
    """A disk of a domain and the volume behind it. Bytes; `path` is on the host.

    `pool` and `name` are "" where no pool of the host has it. `format` is what the domain says, `holds` what
    libvirt found in it. `base` is the volume that it stands on while nothing was written above that.
    """

    target: str
    path: str
    pool: str = ""
    name: str = ""
    format: str = ""
    capacity: int = 0
    allocation: int = 0
    holds: str = ""
    base: "DiskVolume | None" = None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a domain is made of: its stored XML, secrets included, and the disks that are its own.

    `nvram` is the path of its variable store, "" where it has none; `tpm` whether it has an emulated TPM.
    """

    xml: str
    active: bool
    disks: tuple[DiskVolume, ...]
    nvram: str = ""
    tpm: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """What a clone has of its own. `macs` one for each network card, in their order, the one that QEMU's
    command line names first; `forward` is the port that leads to that one's ssh.
    """

    name: str
    uuid: str
    macs: tuple[str, ...]
    install: str
    serial: str
    log: str
    forward: int = 0


Move = tuple[tuple[str, str], tuple[str, str]]
"""A volume that a disk had, and the one that it has instead, as (pool, name)."""


@dataclass(frozen=True, slots=True)
class Clone:
    """The steps in order. Volumes as (pool, name): `own` are those of the clone in the order of the disks,
    `moved` those of the source that became a base, each with the overlay that the source has instead.
    """

    steps: tuple[HostStep, ...]
    own: tuple[tuple[str, str], ...]
    moved: tuple[Move, ...]

    @property
    def stages(self) -> tuple[tuple[HostStep, ...], ...]:
        """The steps one after the other; those that need nothing of each other, at one time.

        A source is moved once its overlay is there, and a copy takes as long as it takes: nobody should find
        a domain without its disk meanwhile. An overlay is there as soon as a domain is.
        """
        if self.moved or any(isinstance(step, CopyVolume) for step in self.steps):
            return tuple((step,) for step in self.steps)
        last = tuple(step for step in self.steps if isinstance(step, CopyNvram))
        first = tuple(step for step in self.steps if step not in last)
        return (first, last) if last else (first,)


def plan_clone(source: str, uuid: str, found: Blueprint, new: Identity, *, linked: bool) -> Clone:
    """The steps from `found`, the domain of guest `source`, to a clone that is switched off.

    Raises Conflict where a disk is in no pool or, for a linked clone, cannot be a base.
    """
    check_disks(source, found, linked=linked)
    steps: list[HostStep] = []
    mine: dict[str, str] = {}
    moved = []
    theirs: dict[str, str] = {}
    for number, disk in enumerate(found.disks):
        tail = f"-{disk.target}" if number else ""
        mine[disk.target] = name = volume_name(new.name, new.install) + tail
        if not linked:
            steps.append(CopyVolume(disk.pool, name, disk.name, disk.format))
            continue
        if disk.base:  # frozen by an earlier clone, and the source was not switched on since
            steps.append(_link(disk.base, name, disk.capacity))
            continue
        theirs[disk.target] = kept = volume_name(source, new.install) + tail
        moved.append(((disk.pool, disk.name), (disk.pool, kept)))
        steps += [_link(disk, each, disk.capacity) for each in (name, kept)]
    if theirs:
        steps.append(DefineDomain(source, uuid, moved_xml(found.xml, theirs), replaces=True, known=True))
    xml = clone_xml(found.xml, new, mine, linked=linked)
    steps.append(DefineDomain(new.name, new.uuid, xml, known=True))
    if found.nvram:
        steps.append(CopyNvram(new.name, new.uuid, found.nvram))
    own = tuple((disk.pool, mine[disk.target]) for disk in found.disks)
    return Clone(tuple(steps), own, tuple(moved))


def _link(base: DiskVolume, name: str, capacity: int) -> LinkVolume:
    return LinkVolume(base.pool, name, base.name, base.path, base.format, capacity)


def check_disks(source: str, found: Blueprint, *, linked: bool) -> None:
    """Raises Conflict naming the disk that stands against a clone."""
    for disk in found.disks:
        if not disk.name:
            raise Conflict(
                f"guest {source}: its disk {disk.target} ({disk.path}) is in no active storage pool",
                remedy="make a pool of its folder: virsh pool-create-as NAME dir --target FOLDER",
            )
        if disk.holds != disk.format:  # its guest may have written the header of an image onto a raw disk
            raise Conflict(
                f"guest {source}: its disk {disk.target} ({disk.path}) "
                f"holds {disk.holds or 'nothing known'}, not {disk.format} as its domain says",
                remedy=f"where that is right, make its domain say so: virsh edit {source}",
            )
        if linked and (disk.format not in ("qcow2", "raw") or disk.path.startswith("/dev/")):
            raise Conflict(
                f"guest {source}: its disk {disk.target} ({disk.path}) cannot be the base of a linked clone",
                remedy=f"make a full one: provisioner guest clone {source} NEW --full",
            )


def moved_xml(xml: str, names: Mapping[str, str]) -> str:
    """The same domain on other qcow2 volumes beside the old ones; `names` by the disks' targets."""
    root = _parse(xml)
    _move_disks(root, names, linked=True)
    return _text(root)


def clone_xml(xml: str, new: Identity, names: Mapping[str, str], *, linked: bool) -> str:
    """The domain with another identity, on volumes `names` (by the disks' targets) beside the old ones."""
    root = _parse(xml)
    _set(root, "name", new.name)
    _set(root, "uuid", new.uuid)
    _set(root, f"{_TAG}/{{{NAMESPACE}}}install", new.install)
    for entry in root.iterfind("sysinfo[@type='smbios']/system/entry"):
        entry.text = {"serial": new.serial, "uuid": new.uuid}.get(entry.get("name", ""), entry.text)
    own = _own_card(root, new)
    for mac, address in zip(root.iterfind("devices/interface/mac"), new.macs[own:], strict=True):
        mac.set("address", address)
    for log in root.iterfind("devices/*/log"):
        log.set("file", new.log)
    for devices in root.iterfind("devices"):
        for channel in devices.findall("channel[@type='file']"):
            devices.remove(channel)  # its installer has none to talk to any more
    nvram = root.find("os/nvram")
    if nvram is not None and nvram.text:
        nvram.text = os.path.join(os.path.dirname(nvram.text), f"{new.name}_VARS.fd")  # noqa: PTH118, PTH120
    _forget(root)
    _move_disks(root, names, linked=linked)
    return _text(root)


def interfaces(xml: str) -> int:
    """How many network cards a domain has."""
    root = _parse(xml)
    return len(root.findall("devices/interface/mac")) + _own_card(root, None)


def _own_card(root: ElementTree.Element, new: Identity | None) -> int:
    """Gives a card on QEMU's command line the identity too; how many there are, which is one at most."""
    found = 0
    for arg in root.iterfind(_ARGUMENT):
        told = arg.get("value", "")
        found += bool(_MAC.search(told))
        if new is not None and new.macs:
            told = _MAC.sub(rf"\g<1>{new.macs[0]}", told)
            arg.set("value", _FORWARD.sub(rf"\g<1>{new.forward}\g<2>", told))
    return found


def _forget(root: ElementTree.Element) -> None:
    """Drops what libvirt gives each domain by itself, and would give twice otherwise."""
    for parent, child in (("genid", ""), ("devices/channel[@type='unix']", "source")):
        for element in root.findall(parent):
            if not child:
                element.text = None
            elif (found := element.find(child)) is not None and "/domain-" in found.get("path", ""):
                element.remove(found)
    for interface in root.iterfind("devices/interface"):
        for port in interface.findall("virtualport/parameters[@interfaceid]"):
            port.attrib.pop("interfaceid")


def _move_disks(root: ElementTree.Element, names: Mapping[str, str], *, linked: bool) -> None:
    for disk in root.iterfind("devices/disk"):
        target, source, driver = disk.find("target"), disk.find("source"), disk.find("driver")
        name = names.get(target.get("dev", "")) if target is not None else None
        if name is None or source is None:
            continue
        for attribute in ("file", "dev"):
            if path := source.get(attribute):
                source.set(attribute, os.path.join(os.path.dirname(path), name))  # noqa: PTH118, PTH120
        if "volume" in source.attrib:
            source.set("volume", name)
        if linked and driver is not None:
            driver.set("type", "qcow2")
        for chain in disk.findall("backingStore"):
            disk.remove(chain)


def _set(root: ElementTree.Element, path: str, text: str) -> None:
    element = root.find(path)
    if element is not None:
        element.text = text


def _parse(xml: str) -> ElementTree.Element:
    ElementTree.register_namespace("guest", NAMESPACE)
    ElementTree.register_namespace("qemu", "http://libvirt.org/schemas/domain/qemu/1.0")
    return ElementTree.fromstring(xml)  # noqa: S314 - the daemon that runs our guests wrote it


def _text(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode")
