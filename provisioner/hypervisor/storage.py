"""libvirt's storage: its pools, the volumes of guests' plans, and patience with what is busy."""

import contextlib
import os
import random
import time
from collections.abc import Callable
from typing import TypeVar

import libvirt

from provisioner.core.errors import Conflict, Invalid
from provisioner.core.host import Pool
from provisioner.core.storage import VolumeFormat, VolumeSpec
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.xml import attribute, child_text, parse, render
from provisioner.plan.steps import CreateVolume, DeleteVolume

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds that a busy pool is waited for: an upload into it may be under way."""
_BUSY = ("asynchronous jobs", "still being allocated", "still in use", "in use by")


def pools(connection: libvirt.virConnect, *, local: bool) -> list[Pool]:
    """All pools, by name. On a `local` host the free space is asked of the file system itself."""
    found = []
    for pool in connection.listAllStoragePools():
        with contextlib.suppress(libvirt.libvirtError):  # it went away while the list was read
            found.append(read_pool(pool, local))
    return sorted(found, key=lambda pool: pool.name)


def volumes(connection: libvirt.virConnect, pool: str) -> list[str]:
    """The names of a pool's volumes."""
    return sorted(active_pool(connection, pool).listVolumes())


def create_volume(
    connection: libvirt.virConnect, step: CreateVolume, base: str = "", base_format: VolumeFormat = "qcow2"
) -> None:
    """Makes an empty sparse volume, with `base` an overlay on that; one that is there is taken as made."""
    form: VolumeFormat = "raw" if step.format == "raw" else "qcow2"
    spec = VolumeSpec(step.pool, step.name, step.capacity, form, base, base_format)
    make_volume(active_pool(connection, step.pool), spec)


def make_volume(pool: libvirt.virStoragePool, spec: VolumeSpec) -> libvirt.virStorageVol:
    """The volume, made empty where it is not there yet."""
    xml = volume_xml(pool, spec)

    def make() -> libvirt.virStorageVol:
        found = find_volume(pool, spec.name)
        if found is not None:
            return found
        try:
            return pool.createXML(xml)
        except libvirt.libvirtError as error:
            if not is_code(error, "STORAGE_VOL_EXIST"):
                raise
            return pool.storageVolLookupByName(spec.name)  # another caller was faster with the same

    return patiently(make)


def volume_xml(pool: libvirt.virStoragePool, spec: VolumeSpec) -> str:
    """Files are sparse; a logical volume that is not whole from the start is a snapshot that overflows."""
    whole = spec.format == "raw" and parse(pool.XMLDesc()).get("type") == "logical"
    return render(
        "volume",
        name=spec.name,
        capacity=spec.capacity,
        allocation=spec.capacity if whole else 0,
        format=spec.format,
        backing_path=spec.backing_path,
        backing_format=spec.backing_format,
    )


def delete_volume(connection: libvirt.virConnect, step: DeleteVolume) -> None:
    """Deletes a volume; one that is gone, alone or with its pool, is no error."""
    try:
        pool = connection.storagePoolLookupByName(step.pool)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_STORAGE_POOL"):
            return
        raise
    _check_active(pool)

    def delete() -> None:
        volume = find_volume(pool, step.name)
        if volume is None:
            return
        try:
            volume.delete()
        except libvirt.libvirtError:
            pool.refresh()  # the file may have been removed behind libvirt's back
            if find_volume(pool, step.name) is not None:
                raise

    patiently(delete)


def ensure_pool(connection: libvirt.virConnect, name: str, path: str) -> None:
    """Makes, builds and starts a directory pool; one of that name that is there already is only started."""
    if not path.startswith("/") or not path.isprintable():
        raise Invalid(f"pool {name}: {path!r} is not an absolute path")
    try:
        pool = connection.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if not is_code(error, "NO_STORAGE_POOL"):
            raise
        pool = connection.storagePoolDefineXML(render("pool", kind="dir", name=name, path=path))
        pool.build()
    if not pool.isActive():
        pool.create()
    if not pool.autostart():
        pool.setAutostart(1)


def remove_pool(connection: libvirt.virConnect, name: str, path: str) -> None:
    """Forgets a pool whose directory is `path`; its files stay. One that is gone is no error."""
    try:
        pool = connection.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_STORAGE_POOL"):
            return
        raise
    there = child_text(parse(pool.XMLDesc()), "target/path")
    if there != path:
        raise Conflict(f"pool {name} is at {there}, not at {path}; it is left alone")
    if pool.isActive():
        pool.destroy()
    pool.undefine()


def check_room(connection: libvirt.virConnect, name: str, size: int, what: str, *, local: bool) -> None:
    """Raises Conflict where a pool has not so many bytes left."""
    left = read_pool(active_pool(connection, name), local).available
    if size > left:
        raise Conflict(
            f"{what} takes {size / 1024**3:,.1f} GiB, more than the {left / 1024**3:,.1f} GiB that "
            f"pool {name} has left",
            remedy="make room, or choose another pool: provisioner pool list",
        )


def active_pool(connection: libvirt.virConnect, name: str) -> libvirt.virStoragePool:
    pool = connection.storagePoolLookupByName(name)
    _check_active(pool)
    return pool


def _check_active(pool: libvirt.virStoragePool) -> None:
    if not pool.isActive():
        name = pool.name()
        raise Conflict(f"storage pool {name} is not active", remedy=f"provisioner pool start {name}")


def find_volume(pool: libvirt.virStoragePool, name: str) -> libvirt.virStorageVol | None:
    try:
        return pool.storageVolLookupByName(name)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_STORAGE_VOL"):
            return None
        raise


def look_again(pool: libvirt.virStoragePool) -> None:
    """Has libvirt read a pool's storage; one that stays busy is left as it is known."""
    try:
        patiently(pool.refresh, seconds=2.0)
    except libvirt.libvirtError as error:
        if not _is_busy(error):
            raise


def patiently(act: Callable[[], T], *, seconds: float = PATIENCE) -> T:
    """Repeats what a busy pool or volume refuses. libvirt has no code of its own for "busy"."""
    end, delay = time.monotonic() + seconds, 0.1
    while True:
        try:
            return act()
        except libvirt.libvirtError as error:
            if not _is_busy(error) or time.monotonic() > end:
                raise
        time.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - callers must not wake together
        delay = min(delay * 2, 2.0)


def _is_busy(error: libvirt.libvirtError) -> bool:
    words = error.get_error_message() or ""
    return any(mark in words for mark in _BUSY)


def read_pool(pool: libvirt.virStoragePool, local: bool) -> Pool:
    _state, capacity, allocation, available = map(int, pool.info())
    root = parse(pool.XMLDesc())
    path = child_text(root, "target/path")
    parts = [attribute(root, "source/host", "name"), attribute(root, "source/dir", "path")]
    source = ":".join(filter(None, parts)) or child_text(root, "source/name")
    if local and pool.isActive() and not path.startswith("/dev/"):
        with contextlib.suppress(OSError):
            free = os.statvfs(path)
            available = free.f_bavail * free.f_frsize
    return Pool(
        name=pool.name(),
        active=bool(pool.isActive()),
        capacity=capacity,
        allocation=allocation,
        available=available,
        path=path,
        autostart=bool(pool.autostart()) if pool.isPersistent() else False,
        kind=root.get("type", ""),
        source=source or attribute(root, "source/device", "path"),
    )
