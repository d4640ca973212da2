"""Pools made, started and taken away. Files go only where that was asked for, and never a guest's."""

import contextlib
from functools import partial

import libvirt

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.host import Pool
from provisioner.core.storage import PoolSpec
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.storage import active_pool, patiently, pools, read_pool
from provisioner.hypervisor.volumes import users
from provisioner.hypervisor.xml import parse, render


def show(connection: libvirt.virConnect, name: str, *, local: bool) -> Pool:
    """Raises NotFound naming the known ones."""
    return read_pool(find_pool(connection, name), local)


def create(connection: libvirt.virConnect, spec: PoolSpec, *, local: bool) -> Pool:
    """Makes and starts a pool. Raises Conflict where its name is taken; what fails leaves nothing.

    The directory of a dir or netfs pool is made; a logical pool stands on a volume group that exists.
    """
    if any(pool.name == spec.name for pool in pools(connection, local=False)):
        raise Conflict(f"a pool called {spec.name} is there already", remedy="choose another name")
    path = f"/dev/{spec.source}" if spec.kind == "logical" else spec.path
    xml = render("pool", kind=spec.kind, name=spec.name, path=path, source=spec.source, host=spec.host)
    pool = connection.storagePoolDefineXML(xml)
    try:
        if spec.kind != "logical":
            pool.build()
        pool.create()
        if spec.autostart:
            pool.setAutostart(1)
        return read_pool(pool, local)
    except BaseException:
        with contextlib.suppress(libvirt.libvirtError):
            if pool.isActive():
                pool.destroy()
        pool.undefine()
        raise


def start(connection: libvirt.virConnect, name: str, *, local: bool) -> Pool:
    """Starts a pool, now; one that is active is no error."""
    pool = find_pool(connection, name)
    if not pool.isActive():
        pool.create()
    return read_pool(pool, local)


def refresh(connection: libvirt.virConnect, name: str, *, local: bool) -> Pool:
    """Reads what is in a pool's storage again. Raises Conflict where it is not active."""
    find_pool(connection, name)
    pool = active_pool(connection, name)
    patiently(pool.refresh)
    return read_pool(pool, local)


def delete(connection: libvirt.virConnect, name: str, *, files: bool) -> list[str]:
    """Forgets a pool; with `files` its volumes are deleted before. Returns the volumes that are deleted.

    Raises Conflict where a domain uses one of them; nothing is deleted then.
    """
    pool = find_pool(connection, name)
    if not pool.isActive():
        if files:
            raise Conflict(
                f"storage pool {name} is not active, so its volumes cannot be deleted",
                remedy=f"provisioner pool start {name}",
            )
        pool.undefine()
        return []
    volumes = sorted(pool.listAllVolumes(), key=lambda volume: volume.name())
    used = users(connection, [volume.path() for volume in volumes])
    if used:
        path, names = next(iter(sorted(used.items())))
        raise Conflict(
            f"pool {name} holds {path}, a disk of {', '.join(names)}",
            remedy="delete that guest first, or move its disk",
        )
    deleted = []
    if files:
        for volume in volumes:
            patiently(partial(volume.delete))
            deleted.append(volume.name())
    patiently(pool.destroy)
    if files and parse(pool.XMLDesc()).get("type") == "dir":
        with contextlib.suppress(libvirt.libvirtError):  # other things are in the directory
            pool.delete()
    with contextlib.suppress(libvirt.libvirtError):
        if pool.isPersistent():
            pool.undefine()
    return deleted


def find_pool(connection: libvirt.virConnect, name: str) -> libvirt.virStoragePool:
    """Raises NotFound naming the known ones."""
    try:
        return connection.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if not is_code(error, "NO_STORAGE_POOL"):
            raise
    known = ", ".join(pool.name for pool in pools(connection, local=False)) or "none"
    raise NotFound(f"no storage pool is called {name!r}; known are: {known}")
