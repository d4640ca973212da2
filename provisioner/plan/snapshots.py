"""A guest's disks frozen as bases under overlays of its own, and those overlays made anew.

The overlay `<guest>-<install>-r<turn>` stands where the frozen volume stood in the domain. To go back is to
put an empty overlay in its place: nothing is copied, whatever the size.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provisioner.core.errors import Conflict
from provisioner.core.snapshot import Frozen, Snapshot
from provisioner.plan.cloning import Blueprint, Move, moved_xml
from provisioner.plan.naming import volume_name
from provisioner.plan.steps import DefineDomain, HostStep, KeepNvram, LinkVolume, RestoreNvram


@dataclass(frozen=True, slots=True)
class Moving:
    """The steps in order, and what stands in the place of what afterwards."""

    steps: tuple[HostStep, ...]
    moves: tuple[Move, ...]


def check_snapshot(guest: str, found: Blueprint) -> None:
    """Raises Conflict naming what stands against a snapshot, and what to do instead."""
    instead = f"provisioner rebuild {guest} installs it anew instead"
    if found.tpm:
        raise Conflict(f"guest {guest} has a TPM, whose state no snapshot keeps", remedy=instead)
    if not found.disks:
        raise Conflict(f"guest {guest} has no disk of its own: there is nothing to keep", remedy=instead)
    for disk in found.disks:
        what = f"guest {guest}: its disk {disk.target} ({disk.path})"
        if disk.path.startswith("/dev/"):
            raise Conflict(
                f"{what} is a block device, which takes no overlay",
                remedy=f"put it on a pool of files (a directory, NFS); or {instead}",
            )
        if not disk.name:
            raise Conflict(
                f"{what} is in no active storage pool",
                remedy="make a pool of its folder: virsh pool-create-as NAME dir --target FOLDER",
            )
        if disk.format not in ("qcow2", "raw"):
            raise Conflict(
                f"{what} is {disk.format or 'of no known format'}, which takes no overlay",
                remedy=f"convert it: qemu-img convert -O qcow2 OLD NEW; or {instead}",
            )
        if disk.holds != disk.format:  # its guest may have written the header of an image onto a raw disk
            raise Conflict(
                f"{what} holds {disk.holds or 'nothing known'}, not {disk.format} as its domain says",
                remedy=f"where that is right, make its domain say so: virsh edit {guest}",
            )


def frozen(found: Blueprint) -> tuple[Frozen, ...]:
    """What the disks hold now. An overlay that nothing was written to is as good as what it stands on."""
    held = []
    for disk in found.disks:
        below = disk.base or disk
        held.append(Frozen(disk.target, below.pool, below.name, below.path, below.format, disk.capacity))
    return tuple(held)


def nvram_name(guest: str, install: str, turn: int) -> str:
    return f"{volume_name(guest, install)}-r{turn}-nvram"


def plan_snapshot(snapshot: Snapshot, uuid: str, found: Blueprint) -> Moving:
    """The steps that freeze what the guest, which is off, has on its disks."""
    fresh = {disk.target for disk in found.disks if disk.base}
    moved = _moved(snapshot, uuid, found, [disk for disk in snapshot.disks if disk.target not in fresh])
    pool = snapshot.disks[0].pool
    nvram = (KeepNvram(snapshot.guest, uuid, pool, snapshot.nvram),) if snapshot.nvram else ()
    return Moving((*nvram, *moved.steps), moved.moves)


def plan_reset(snapshot: Snapshot, uuid: str, found: Blueprint) -> Moving:
    """The steps that give the guest, which is off, what was frozen."""
    moved = _moved(snapshot, uuid, found, snapshot.disks)
    pool = snapshot.disks[0].pool
    nvram = (RestoreNvram(snapshot.guest, uuid, pool, snapshot.nvram),) if snapshot.nvram else ()
    return Moving((*moved.steps[:-1], *nvram, *moved.steps[-1:]), moved.moves)


def _moved(snapshot: Snapshot, uuid: str, found: Blueprint, disks: Sequence[Frozen]) -> Moving:
    """The overlays first, the definition that names them last."""
    if not disks:
        return Moving((), ())
    names = {disk.target: _overlay(snapshot, disk) for disk in disks}
    links = tuple(
        LinkVolume(disk.pool, names[disk.target], disk.base, disk.path, disk.format, disk.capacity)
        for disk in disks
    )
    xml = moved_xml(found.xml, names)
    define = DefineDomain(snapshot.guest, uuid, xml, replaces=True, known=True)
    mine = {names[disk.target] for disk in disks}
    return Moving((*links, define), tuple(move for move in overlays(snapshot) if move[1][1] in mine))


def overlays(snapshot: Snapshot) -> tuple[Move, ...]:
    """The volume that each disk had, and the overlay of this turn that it has instead, or would."""
    pairs = zip(snapshot.was, snapshot.disks, strict=True)
    return tuple((was, (disk.pool, _overlay(snapshot, disk))) for was, disk in pairs)


def volumes(guest: str, found: Blueprint, disks: Iterable[Frozen]) -> tuple[tuple[str, str], ...]:
    """What stands now where these were frozen. Raises Conflict for a disk that is gone."""
    now = {disk.target: (disk.pool, disk.name) for disk in found.disks}
    for disk in disks:
        if disk.target not in now:
            raise Conflict(
                f"guest {guest}: its disk {disk.target}, which its snapshot holds, is gone",
                remedy=f"take a new one: provisioner lab snapshot {guest}",
            )
    return tuple(now[disk.target] for disk in disks)


def _overlay(snapshot: Snapshot, disk: Frozen) -> str:
    tail = "" if disk is snapshot.disks[0] else f"-{disk.target}"
    return f"{volume_name(snapshot.guest, snapshot.install)}-r{snapshot.turn}{tail}"
