"""What is in a volume, sent and fetched through libvirt's own connection: no file system is shared.

Zeros are sent as holes into volumes that are new, so a mostly empty disk costs what is in it.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import libvirt

from provisioner.core.errors import Conflict, Invalid
from provisioner.core.storage import Volume, VolumeFormat, VolumeSpec
from provisioner.hypervisor import volumes
from provisioner.hypervisor.apart import alone
from provisioner.hypervisor.holes import BLOCK, ZEROS, extents, last_data, runs
from provisioner.hypervisor.storage import (
    active_pool,
    check_room,
    find_volume,
    look_again,
    make_volume,
    patiently,
)

Count = Callable[[int], None]
"""Called with the bytes that are through, in the thread."""

_PIECE = 255 * 1024
"""What fits one message of libvirt's protocol whole."""
_WINDOW = 16 * 1024 * 1024
"""What is fetched at a time: libvirt's client keeps what its daemon sends, however slowly it is read."""


@alone
def receive(
    connection: libvirt.virConnect,
    pool: str,
    name: str,
    size: int,
    pieces: Iterable[bytes],
    form: VolumeFormat,
    *,
    local: bool,
    overwrite: bool = False,
    count: Count | None = None,
) -> Volume:
    """Fills a volume of `size` bytes, new unless `overwrite`, with what comes.

    A new one that is not filled whole is taken away again. Raises Conflict where the name is taken, the pool
    is full, or a domain uses the volume that is to be overwritten.
    """
    there = active_pool(connection, pool)
    volume = find_volume(there, name)
    new = volume is None
    if volume is None:
        check_room(connection, pool, size, f"volume {name}", local=local)
        volume = make_volume(there, VolumeSpec(pool, name, size, form))
    elif not overwrite:
        raise Conflict(
            f"pool {pool} has a volume {name} already", remedy="choose another name, or ask for --overwrite"
        )
    else:
        _check_target(connection, volumes.read(pool, volume), size)
    try:
        parts = runs(pieces, dense=_written(volume, form)) if new else pieces
        sent = _send(connection, volume, parts, sparse=new, count=count)
        if sent != size:
            raise Invalid(f"volume {name}: {sent} bytes came of the {size} that were announced")
    except BaseException:
        if new:
            with contextlib.suppress(libvirt.libvirtError):
                patiently(volume.delete)
        raise
    look_again(there)  # what came may be of a format that libvirt finds by itself
    return volumes.show(connection, pool, name)


@alone
def upload(
    connection: libvirt.virConnect,
    pool: str,
    name: str,
    path: Path,
    form: VolumeFormat,
    capacity: int,
    *,
    local: bool,
    count: Count | None = None,
) -> Volume:
    """A file of this machine, which is of the format `form`, as a volume of at least `capacity` bytes.

    A volume that holds it already stays.

    One that holds only the beginning, because an upload was cut off, is made anew.
    """
    there = active_pool(connection, pool)
    with path.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        found = find_volume(there, name)
        if found is not None and volumes.users(connection, [found.path()]):
            return volumes.read(pool, found)  # a guest has it: what is in it by now is the guest's
        if found is not None and not _holds(connection, found, opened.fileno(), size):
            volumes.delete(connection, pool, name)
            found = None
        if found is None:
            check_room(connection, pool, max(size, capacity), f"volume {name}", local=local)
            volume = make_volume(there, VolumeSpec(pool, name, max(size, capacity, 1), form))
            try:
                parts = extents(opened.fileno(), size, dense=_written(volume, form))
                _send(connection, volume, parts, sparse=True, count=count)
            except BaseException:
                with contextlib.suppress(libvirt.libvirtError):
                    patiently(volume.delete)
                raise
    made = volumes.show(connection, pool, name)
    return volumes.resize(connection, pool, name, max(capacity, made.capacity), local=local)


def size_of(connection: libvirt.virConnect, pool: str, name: str) -> int:
    """The bytes that fetching a volume gives: its file's length, or its device's."""
    volume = volumes.the_volume(connection, pool, name)
    return _length(volume)


@alone
def fetch(
    connection: libvirt.virConnect, pool: str, name: str, size: int, put: Callable[[bytes], None]
) -> None:
    """Gives every one of the `size` bytes to `put`, zeros included; what `put` raises ends it."""
    volume = volumes.the_volume(connection, pool, name)
    for at in range(0, size, _WINDOW):
        for piece in _receive(connection, volume, at, min(_WINDOW, size - at)):
            put(piece)


def _send(
    connection: libvirt.virConnect,
    volume: libvirt.virStorageVol,
    parts: Iterable[bytes | int],
    *,
    sparse: bool,
    count: Count | None,
) -> int:
    """Sends bytes, and holes as their length. Returns how many bytes that made."""
    stream = connection.newStream()
    flags = libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM if sparse else 0
    volume.upload(stream, 0, 0, flags)
    total = 0
    try:
        for part in parts:
            if isinstance(part, int):
                stream.sendHole(part)
                total += part
            else:
                at = 0
                while at < len(part):
                    at += stream.send(part[at : at + _PIECE])
                total += len(part)
            if count is not None:
                count(total)
    except BaseException:
        with contextlib.suppress(libvirt.libvirtError):
            stream.abort()
        raise
    stream.finish()
    return total


def _receive(
    connection: libvirt.virConnect, volume: libvirt.virStorageVol, offset: int, length: int
) -> Iterator[bytes]:
    stream = connection.newStream()
    volume.download(stream, offset, length, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
    left, finished = length, False
    try:
        while left:
            found = stream.recvFlags(min(_PIECE, left), libvirt.VIR_STREAM_RECV_STOP_AT_HOLE)
            if found == -3:
                hole = min(stream.recvHole(), left)
                left -= hole
                while hole:
                    yield ZEROS[: min(hole, BLOCK)]
                    hole -= min(hole, BLOCK)
            elif isinstance(found, int) or not found:
                raise Conflict(f"volume {volume.name()} became shorter while it was read")
            else:
                left -= len(found)
                yield found
        finished = True
    finally:
        with contextlib.suppress(libvirt.libvirtError):
            stream.abort() if not finished else _finish(stream)


def _finish(stream: libvirt.virStream) -> None:
    """A stream may be finished only once its end was read."""
    if stream.recvFlags(1, 0) in (b"", 0):
        stream.finish()
    else:
        stream.abort()


def _written(volume: libvirt.virStorageVol, form: VolumeFormat) -> int:
    """How many bytes libvirt wrote into a new volume, which a hole would leave there."""
    return _length(volume) if form == "qcow2" else 0


def _holds(connection: libvirt.virConnect, volume: libvirt.virStorageVol, descriptor: int, size: int) -> bool:
    """Whether a volume holds all of a file. It is sent in order: where its end is there, all of it is."""
    if _length(volume) < size:
        return False
    last = last_data(descriptor, size)
    length = min(BLOCK, size - last)
    there = b"".join(_receive(connection, volume, last, length))
    return there == os.pread(descriptor, length, last)


def _length(volume: libvirt.virStorageVol) -> int:
    """libvirt gives the file's length as the "allocation" where it is asked for the physical size."""
    return int(volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)[2])


def _check_target(connection: libvirt.virConnect, volume: Volume, size: int) -> None:
    volumes.check_unused(connection, volume, "overwritten")
    if volume.format != "raw":
        raise Conflict(
            f"volume {volume.name} is {volume.format}; only a raw one can be overwritten in place",
            remedy=f"delete it first: provisioner volume delete {volume.pool} {volume.name}",
        )
    if size > volume.capacity:
        raise Conflict(f"volume {volume.name} has {volume.capacity} bytes, and {size} are to be written")
