"""Volumes: looked at, made, cloned, resized, deleted; and which domains use them."""

import contextlib
from collections.abc import Collection, Iterator
from functools import partial

import libvirt

from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.storage import Volume, VolumeSpec, check_capacity, check_volume_name
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.storage import (
    active_pool,
    check_room,
    find_volume,
    look_again,
    make_volume,
    patiently,
    volume_xml,
)
from provisioner.hypervisor.xml import Element, attribute, child_text, parse


def listed(connection: libvirt.virConnect, pool: str, *, fresh: bool = False) -> list[Volume]:
    """The volumes of a pool, by name. `fresh` looks at the storage itself first."""
    found = active_pool(connection, pool)
    if fresh:
        look_again(found)
    return list(_volumes(found))


def everywhere(connection: libvirt.virConnect) -> list[Volume]:
    """The volumes of every active pool, for whoever looks for what belongs to nobody."""
    found = []
    for pool in connection.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE):
        with contextlib.suppress(libvirt.libvirtError):  # it went away while the list was read
            found += list(_volumes(pool))
    return found


def show(connection: libvirt.virConnect, pool: str, name: str) -> Volume:
    """Raises NotFound."""
    return read(pool, the_volume(connection, pool, name))


def create(connection: libvirt.virConnect, spec: VolumeSpec) -> Volume:
    """Makes a volume, or takes one of that name as made. An overlay's base must be a volume that is known."""
    if spec.backing_path:
        _check_known(connection, spec.backing_path, f"volume {spec.name}")
    return read(spec.pool, make_volume(active_pool(connection, spec.pool), spec))


def create_new(connection: libvirt.virConnect, spec: VolumeSpec, *, local: bool) -> Volume:
    """The same where nothing of that name is there. Raises Conflict, also where the pool has no room."""
    if find_volume(active_pool(connection, spec.pool), spec.name) is not None:
        raise Conflict(
            f"pool {spec.pool} has a volume {spec.name} already",
            remedy=f"choose another name, or: provisioner volume delete {spec.pool} {spec.name}",
        )
    if not spec.backing_path:
        check_room(connection, spec.pool, spec.capacity, f"volume {spec.name}", local=local)
    return create(connection, spec)


def clone(
    connection: libvirt.virConnect, pool: str, source: str, name: str, source_pool: str = "", *, local: bool
) -> Volume:
    """A full copy under another name; one of that name that is there already is taken as made."""
    check_volume_name(name)
    into = active_pool(connection, pool)
    volume = the_volume(connection, source_pool or pool, source)
    found = read(source_pool or pool, volume)
    if found.backing:
        _check_known(connection, found.backing, f"volume {source}")
    form = "qcow2" if found.format == "qcow2" else "raw"
    xml = volume_xml(into, VolumeSpec(pool, name, found.capacity, "qcow2" if form == "qcow2" else "raw"))

    def make() -> libvirt.virStorageVol:
        there = find_volume(into, name)
        if there is not None:
            return there
        check_room(connection, pool, found.allocation, f"volume {name}", local=local)
        try:
            return into.createXMLFrom(xml, volume)
        except libvirt.libvirtError as error:
            if not is_code(error, "STORAGE_VOL_EXIST"):
                raise
            return into.storageVolLookupByName(name)

    return read(pool, patiently(make))


def resize(connection: libvirt.virConnect, pool: str, name: str, capacity: int, *, local: bool) -> Volume:
    """Makes a volume larger; one that has the size already stays. Raises Invalid for a smaller size."""
    check_capacity(capacity, f"volume {name}")
    volume = the_volume(connection, pool, name)
    before = read(pool, volume)
    if capacity < before.capacity:
        raise Invalid(
            f"volume {name} has {before.capacity} bytes; making it {capacity} would cut its content off",
            remedy="make a new volume and copy what is wanted",
        )
    if capacity > before.capacity:
        check_unused(connection, before, "resized", running=True)
        check_room(connection, pool, capacity - before.capacity, f"what volume {name} grows by", local=local)
        patiently(partial(volume.resize, capacity))
    return read(pool, volume)


def delete(connection: libvirt.virConnect, pool: str, name: str) -> None:
    """Raises NotFound, and Conflict where a domain or an overlay needs it."""
    volume = the_volume(connection, pool, name)
    check_unused(connection, read(pool, volume), "deleted")
    patiently(partial(volume.delete))


def check_unused(connection: libvirt.virConnect, volume: Volume, done: str, *, running: bool = False) -> None:
    """Raises Conflict naming who uses a volume; `running` asks for domains that run only."""
    names = users(connection, [volume.path], running=running).get(volume.path)
    if names:
        raise Conflict(
            f"volume {volume.name} is a disk of {', '.join(names)} and is not {done}",
            remedy="shut that guest down first"
            if running
            else "delete that guest, or detach the disk, first",
        )


def users(
    connection: libvirt.virConnect, paths: Collection[str], *, running: bool = False
) -> dict[str, list[str]]:
    """Which domains and which overlays use the files or devices of these paths."""
    wanted, found = set(paths), dict[str, list[str]]()
    flags = libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE if running else 0
    for domain in connection.listAllDomains(flags):
        with contextlib.suppress(libvirt.libvirtError):  # it went away while the list was read
            texts = [domain.XMLDesc()]
            if domain.isActive() and domain.isPersistent():
                texts.append(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
            for path in {path for text in texts for path in _sources(parse(text))} & wanted:
                found.setdefault(path, []).append(domain.name())
    for volume in everywhere(connection):
        if volume.backing in wanted and volume.path not in wanted:
            found.setdefault(volume.backing, []).append(f"the overlay {volume.name}")
    return found


def the_volume(connection: libvirt.virConnect, pool: str, name: str) -> libvirt.virStorageVol:
    """Raises NotFound; a pool is read anew before that, for files come without libvirt's knowing."""
    there = active_pool(connection, pool)
    found = find_volume(there, name)
    if found is None:
        look_again(there)
        found = find_volume(there, name)
    if found is None:
        raise NotFound(
            f"pool {pool} has no volume {name!r}",
            remedy=f"provisioner volume list {pool}   shows what it has",
        )
    return found


def read(pool: str, volume: libvirt.virStorageVol) -> Volume:
    """What libvirt knows of a volume, its backing file as it was when the pool was read."""
    root = parse(volume.XMLDesc())
    return Volume(
        pool=pool,
        name=child_text(root, "name"),
        path=child_text(root, "target/path"),
        format=attribute(root, "target/format", "type"),
        capacity=int(child_text(root, "capacity", "0")),
        allocation=int(child_text(root, "allocation", "0")),
        backing=child_text(root, "backingStore/path"),
    )


def _volumes(pool: libvirt.virStoragePool) -> Iterator[Volume]:
    name = pool.name()
    for volume in sorted(pool.listAllVolumes(), key=lambda volume: volume.name()):
        with contextlib.suppress(libvirt.libvirtError):
            yield read(name, volume)


def _check_known(connection: libvirt.virConnect, path: str, what: str) -> None:
    """A base that is no volume would be any file of the host."""
    try:
        connection.storageVolLookupByPath(path)
    except libvirt.libvirtError as error:
        if not is_code(error, "NO_STORAGE_VOL"):
            raise
        raise Invalid(
            f"{what} is to stand on {path}, which is no volume of an active pool",
            remedy="use a volume as the base: provisioner volume list POOL",
        ) from None


def _sources(domain: Element) -> Iterator[str]:
    """Every file, device and kernel that a domain's XML names, backing chains included."""
    for source in domain.iter("source"):
        yield from filter(None, (source.get("file"), source.get("dev")))
    for name in ("kernel", "initrd", "loader", "nvram"):
        if text := child_text(domain, f"os/{name}"):
            yield text
