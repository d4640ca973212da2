"""UEFI variable stores, copied by libvirt's own storage, so that no file of the host is touched from here.

Doing a step twice leaves the same as doing it once.
"""

import contextlib
import os
import posixpath
import uuid as uuid_module
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import libvirt

from provisioner.hypervisor import guest, storage
from provisioner.hypervisor.xml import Element, attribute, child_text, parse, render
from provisioner.plan.steps import CopyNvram, KeepNvram, RestoreNvram

_SYSTEM = "/var/lib/libvirt/qemu/nvram"
_STORED = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE


def copy(connection: libvirt.virConnect, step: CopyNvram) -> None:
    """Gives a clone the store of its source.

    A source that was never started has none: then the copy gets a fresh one at its first start.
    """
    target, (folder, source) = _of(connection, step.name, step.uuid), posixpath.split(step.source)
    if not target or posixpath.dirname(target) != folder:
        return
    with _folder_pool(connection, folder) as pool:
        _copied(pool, source, pool, posixpath.basename(target))


def keep(connection: libvirt.virConnect, step: KeepNvram) -> None:
    """Keeps a domain's store as a volume of a pool; one that was never started has none to keep."""
    path = _of(connection, step.name, step.uuid)
    if path:
        with _folder_pool(connection, posixpath.dirname(path)) as pool:
            _copied(pool, posixpath.basename(path), storage.active_pool(connection, step.pool), step.volume)


def restore(connection: libvirt.virConnect, step: RestoreNvram) -> None:
    """Puts what was kept in the place of a domain's store; where nothing was kept, nothing is done."""
    path = _of(connection, step.name, step.uuid)
    if path:
        with _folder_pool(connection, posixpath.dirname(path)) as pool:
            _copied(storage.active_pool(connection, step.pool), step.volume, pool, posixpath.basename(path))


def place(connection: libvirt.virConnect, root: Element) -> str:
    """Where a domain's variable store is. libvirt that chooses the firmware names it only while it runs."""
    path = child_text(root, "os/nvram")
    if path or root.find("os[@firmware='efi']") is None:
        return path
    folder = Path(_SYSTEM)
    if urlsplit(connection.getURI()).path == "/session":
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "libvirt/qemu/nvram"
    return f"{folder}/{child_text(root, 'name')}_VARS.fd"


def _of(connection: libvirt.virConnect, name: str, uuid: str) -> str:
    return place(connection, parse(guest.ours(connection, name, uuid).XMLDesc(_STORED)))


def _copied(
    from_pool: libvirt.virStoragePool, name: str, to_pool: libvirt.virStoragePool, copy_name: str
) -> None:
    source = storage.find_volume(from_pool, name)
    if source is None:
        return
    if (old := storage.find_volume(to_pool, copy_name)) is not None:
        old.delete()
    form = attribute(parse(source.XMLDesc()), "target/format", "type") or "raw"
    xml = render("volume", name=copy_name, capacity=source.info()[1], allocation=0, format=form)
    storage.patiently(lambda: to_pool.createXMLFrom(xml, source))


@contextlib.contextmanager
def _folder_pool(connection: libvirt.virConnect, folder: str) -> Iterator[libvirt.virStoragePool]:
    """The pool of a folder; where there is none, one that is forgotten afterwards."""
    for pool in connection.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE):
        if child_text(parse(pool.XMLDesc()), "target/path").rstrip("/") == folder:
            pool.refresh()
            yield pool
            return
    name = f"provisioner-nvram-{uuid_module.uuid4().hex[:12]}"
    pool = connection.storagePoolCreateXML(render("pool", kind="dir", name=name, path=folder))
    try:
        yield pool
    finally:
        pool.destroy()
