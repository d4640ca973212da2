"""What clones are made from and of: a domain's blueprint, overlays, copies of volumes.

Doing a step twice leaves the same as doing it once.
"""

import contextlib
import posixpath
from collections.abc import Iterator

import libvirt

from provisioner.core.errors import Conflict, NotFound
from provisioner.hypervisor import guest, nvram, qcow2, storage
from provisioner.hypervisor.apart import alone
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.xml import Element, attribute, child_text, parse, render
from provisioner.plan.cloning import Blueprint, DiskVolume
from provisioner.plan.steps import CopyVolume, LinkVolume
from provisioner.service.ports import VolumeFacts

_CHUNK = 64 * 1024
_STORED = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE


def blueprint(connection: libvirt.virConnect, name: str, uuid: str) -> Blueprint:
    """The stored form of a guest of ours, with the volumes of its disks. It holds secrets."""
    domain = guest.ours(connection, name, uuid)
    xml = domain.XMLDesc(_STORED)
    root = parse(xml)
    return Blueprint(
        xml=xml,
        active=domain.ID() != -1,
        disks=tuple(_disks(connection, root)),
        nvram=nvram.place(connection, root),
        tpm=root.find("devices/tpm/backend[@type='emulator']") is not None,
    )


def running_disks(connection: libvirt.virConnect, name: str, uuid: str) -> tuple[str, ...]:
    """The disk paths that a guest of ours runs on just now, none where it is off."""
    domain = guest.ours(connection, name, uuid)
    if not domain.isActive():
        return ()
    return tuple(_path(connection, disk) for disk in _own_disks(parse(domain.XMLDesc())))


@alone
def link(connection: libvirt.virConnect, step: LinkVolume) -> None:
    """Makes the overlay. Raises Conflict where its name has another use.

    A raw volume that is filled with a qcow2 image of ours takes a tenth of the time of libvirt's qemu-img.
    """
    pool = storage.active_pool(connection, step.pool)
    image = qcow2.empty(step.capacity, backing=step.path, backing_format=step.format)
    xml = render("volume", name=step.name, capacity=len(image), allocation=0, format="raw")

    def create() -> None:
        try:
            _fill(connection, pool.createXML(xml), image)
        except libvirt.libvirtError as error:
            if not is_code(error, "STORAGE_VOL_EXIST"):
                raise
            if not _stands_on(pool, _there(pool, step.name), step.path):
                raise Conflict(
                    f"volume {step.name} in pool {step.pool} is no overlay of {step.base}"
                ) from None

    storage.patiently(create)


def _fill(connection: libvirt.virConnect, volume: libvirt.virStorageVol, image: bytes) -> None:
    stream = connection.newStream(0)
    try:
        volume.upload(stream, 0, len(image))
        for start in range(0, len(image), _CHUNK):
            stream.send(image[start : start + _CHUNK])
        stream.finish()
    except libvirt.libvirtError:
        with contextlib.suppress(libvirt.libvirtError):
            stream.abort()
        with contextlib.suppress(libvirt.libvirtError):
            volume.delete()
        raise


def _stands_on(pool: libvirt.virStoragePool, volume: libvirt.virStorageVol, path: str) -> bool:
    if child_text(parse(volume.XMLDesc()), "backingStore/path") == path:
        return True
    _refresh(pool)
    return child_text(parse(volume.XMLDesc()), "backingStore/path") == path


def copy(connection: libvirt.virConnect, step: CopyVolume) -> None:
    """Copies a volume with all that its backing files hold."""
    pool = storage.active_pool(connection, step.pool)
    source = _there(pool, step.source)
    facts = _facts(pool, step.source, step.format)
    xml = render(
        "volume", name=step.name, capacity=child_text(facts, "capacity"), allocation=0, format=step.format
    )

    def create() -> None:
        if storage.find_volume(pool, step.name) is None:
            pool.createXMLFrom(xml, source)

    storage.patiently(create)


def volumes(connection: libvirt.virConnect, pool_name: str) -> list[VolumeFacts]:
    """A pool's volumes with what they stand on; none where there is no such pool or it is not active."""
    try:
        pool = connection.storagePoolLookupByName(pool_name)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_STORAGE_POOL"):
            return []
        raise
    if not pool.isActive():
        return []
    _refresh(pool)
    found = []
    for volume in pool.listAllVolumes():
        with contextlib.suppress(libvirt.libvirtError):  # it went away while the list was read
            root = parse(volume.XMLDesc())
            found.append(
                VolumeFacts(
                    pool=pool_name,
                    name=volume.name(),
                    path=child_text(root, "target/path"),
                    capacity=int(child_text(root, "capacity", "0")),
                    allocation=int(child_text(root, "allocation", "0")),
                    backing=child_text(root, "backingStore/path"),
                )
            )
    return found


def _refresh(pool: libvirt.virStoragePool) -> None:
    """Overlays of a moment ago are looked into, and what was made behind libvirt's back is seen."""

    def refresh() -> None:
        pool.refresh()

    storage.patiently(refresh)


def _disks(connection: libvirt.virConnect, root: Element) -> Iterator[DiskVolume]:
    for disk in _own_disks(root):
        target, path = attribute(disk, "target", "dev"), _path(connection, disk)
        volume = _volume_at(connection, path)
        if volume is None:
            yield DiskVolume(target, path, format=attribute(disk, "driver", "type"))
            continue
        pool = volume.storagePoolLookupByVolume()
        form = attribute(disk, "driver", "type")
        root = _looked_into(pool, volume, form)
        yield DiskVolume(
            target,
            path,
            pool.name(),
            volume.name(),
            form,
            int(child_text(root, "capacity", "0")),
            int(child_text(root, "allocation", "0")),
            attribute(root, "target/format", "type"),
            _untouched(pool, root),
        )


def _own_disks(root: Element) -> list[Element]:
    """Disks that a guest writes to; CD-ROMs and read-only disks may be shared as they are."""
    disks = (disk for disk in root.iterfind("devices/disk") if disk.get("device", "disk") == "disk")
    return [disk for disk in disks if disk.find("readonly") is None and disk.find("source") is not None]


def _path(connection: libvirt.virConnect, disk: Element) -> str:
    source = disk.find("source")
    if source is None:
        return ""
    if "volume" in source.attrib:
        pool = connection.storagePoolLookupByName(source.get("pool", ""))
        return str(pool.storageVolLookupByName(source.get("volume", "")).path())
    return source.get("file") or source.get("dev") or ""


def _volume_at(connection: libvirt.virConnect, path: str) -> libvirt.virStorageVol | None:
    try:
        return connection.storageVolLookupByPath(path)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_STORAGE_VOL"):
            return None
        raise


def _looked_into(pool: libvirt.virStoragePool, volume: libvirt.virStorageVol, form: str) -> Element:
    """A volume's XML once libvirt knows what is in it: not yet so where it was filled just now."""
    root = parse(volume.XMLDesc())
    if attribute(root, "target/format", "type") == form:
        return root
    _refresh(pool)
    return parse(_there(pool, volume.name()).XMLDesc())


def _untouched(pool: libvirt.virStoragePool, root: Element) -> DiskVolume | None:
    """The volume of the same pool that an overlay stands on, while nothing was written to the overlay.

    The first write makes the file longer than it was made.
    """
    path, form = child_text(root, "backingStore/path"), attribute(root, "backingStore/format", "type")
    if not path or form not in ("qcow2", "raw"):
        return None
    made = qcow2.empty(int(child_text(root, "capacity", "0")), backing=path, backing_format=form)
    if int(child_text(root, "physical", "0")) != len(made):
        return None
    base = storage.find_volume(pool, posixpath.basename(path))
    if base is None or base.key() != path:  # in a pool of files a volume's key is its path
        return None
    return DiskVolume("", path, pool.name(), base.name(), form)


def _facts(pool: libvirt.virStoragePool, name: str, form: str) -> Element:
    """The same. Raises Conflict where it holds something else, which its guest may have written there."""
    root = _looked_into(pool, _there(pool, name), form)
    if (there := attribute(root, "target/format", "type")) != form:
        raise Conflict(f"volume {name} in pool {pool.name()} holds {there}, not {form} as its guest says")
    return root


def _there(pool: libvirt.virStoragePool, name: str) -> libvirt.virStorageVol:
    found = storage.find_volume(pool, name)
    if found is None:
        raise NotFound(f"no volume {name} in pool {pool.name()}")
    return found
