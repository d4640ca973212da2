"""libvirt's storage: pools and the volumes in them."""

import contextlib
import os
import random
import time
from collections.abc import Callable
from typing import TypeVar

import libvirt

from provisioner.core.errors import Conflict, Invalid
from provisioner.core.host import Pool
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.xml import child_text, parse, render
from provisioner.plan.steps import CreateVolume, DeleteVolume

T = TypeVar("T")

_PATIENCE = 30.0
"""Seconds that a busy pool is waited for: an upload into it may be under way."""


def pools(connection: libvirt.virConnect, *, local: bool) -> list[Pool]:
    """All pools, by name. On a `local` host the free space is asked of the file system itself."""
    found = []
    for pool in connection.listAllStoragePools():
        with contextlib.suppress(libvirt.libvirtError):  # it went away while the list was read
            found.append(_read(pool, local))
    return sorted(found, key=lambda pool: pool.name)


def volumes(connection: libvirt.virConnect, pool: str) -> list[str]:
    """The names of a pool's volumes."""
    return sorted(_pool(connection, pool).listVolumes())


def create_volume(connection: libvirt.virConnect, step: CreateVolume) -> None:
    """Makes an empty sparse volume; one of that name that is there already is taken as made."""
    pool = _pool(connection, step.pool)
    xml = render("volume", name=step.name, capacity=step.capacity, format=step.format)

    def create() -> None:
        if _volume(pool, step.name) is not None:
            return
        try:
            pool.createXML(xml)
        except libvirt.libvirtError as error:
            if not is_code(error, "STORAGE_VOL_EXIST"):  # another caller was faster with the same step
                raise

    _patiently(create)


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
        volume = _volume(pool, step.name)
        if volume is None:
            return
        try:
            volume.delete()
        except libvirt.libvirtError:
            pool.refresh()  # the file may have been removed behind libvirt's back
            if _volume(pool, step.name) is not None:
                raise

    _patiently(delete)


def ensure_pool(connection: libvirt.virConnect, name: str, path: str) -> None:
    """Makes, builds and starts a directory pool; one of that name that is there already is only started."""
    if not path.startswith("/") or not path.isprintable():
        raise Invalid(f"pool {name}: {path!r} is not an absolute path")
    try:
        pool = connection.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if not is_code(error, "NO_STORAGE_POOL"):
            raise
        pool = connection.storagePoolDefineXML(render("pool", name=name, path=path))
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


def _pool(connection: libvirt.virConnect, name: str) -> libvirt.virStoragePool:
    pool = connection.storagePoolLookupByName(name)
    _check_active(pool)
    return pool


def _check_active(pool: libvirt.virStoragePool) -> None:
    if not pool.isActive():
        name = pool.name()
        raise Conflict(f"storage pool {name} is not active", remedy=f"virsh pool-start {name}")


def _volume(pool: libvirt.virStoragePool, name: str) -> libvirt.virStorageVol | None:
    try:
        return pool.storageVolLookupByName(name)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_STORAGE_VOL"):
            return None
        raise


def _patiently(act: Callable[[], None]) -> None:
    """Repeats what a busy pool or volume refuses. libvirt has no code of its own for "busy"."""
    end, delay = time.monotonic() + _PATIENCE, 0.1
    while True:
        try:
            return act()
        except libvirt.libvirtError as error:
            words = error.get_error_message() or ""
            busy = "asynchronous jobs" in words or "still being allocated" in words or "in use by" in words
            if not busy or time.monotonic() > end:
                raise
        time.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - callers must not wake together
        delay = min(delay * 2, 2.0)


def _read(pool: libvirt.virStoragePool, local: bool) -> Pool:
    _state, capacity, allocation, available = map(int, pool.info())
    path = child_text(parse(pool.XMLDesc()), "target/path")
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
    )
