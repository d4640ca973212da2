"""What a rebuild makes of a guest: its spec, its row, and the disks that are made anew."""

from dataclasses import replace

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, GuestSpec
from provisioner.plan.naming import volume_name
from provisioner.plan.plan import data_volumes
from provisioner.service.ports import GuestRow
from provisioner.service.requests import Rebuild


def respecified(spec: GuestSpec, wish: Rebuild) -> GuestSpec:
    """The guest as it will be installed. Raises Invalid for what no installer would be there to do."""
    if spec.method != "import":
        if wish.profile in ("", spec.profile):
            return spec
        return replace(spec, profile=wish.profile, tree=spec.tree if spec.iso else "")
    what = f"guest {spec.name} was made from a disk image: no installer runs"
    if wish.profile:
        raise Invalid(f"{what} that could follow profile {wish.profile}", remedy="leave --profile out")
    if wish.wipe == "none":
        raise Invalid(
            f"{what}, so nothing would change with its disks kept",
            remedy="leave --keep-disks out, and its disk is made from the image again",
        )
    return spec


def emptied(row: GuestRow, wish: Rebuild) -> GuestRow:
    """The row of the new install `row.install`, its new volumes named and the old ones to be removed.

    A volume that was there before the guest is never emptied by us; nor is one that the wish keeps.
    """
    spec, held = row.spec, row.holdings
    keep = spec.method != "import" and (wish.wipe == "none" or bool(spec.disk.volume))
    volume = row.volume if keep or spec.disk.volume else volume_name(spec.name, row.install)
    data = held.data
    former: tuple[str, ...] = ()
    if wish.wipe == "all" and any(data):
        former, data = data, data_volumes(spec, row.install)
    kept = {(disk.pool, name) for disk, name in zip(spec.disks[1:], data, strict=True)}
    if keep:
        kept.add((spec.disk.pool, volume))
    left = (pair for pair in held.owned if pair not in kept)
    leftover = tuple(dict.fromkeys((*held.leftover, *left)))
    holdings = replace(held, data=data, former=former, leftover=leftover, keep=keep)
    return replace(row, volume=volume, old_volume=row.volume, holdings=holdings)


def disks_made(row: GuestRow) -> tuple[Disk, ...]:
    """The disks of a guest that its install makes anew: they need room."""
    spec = row.spec
    if not row.old_volume:
        return spec.disks
    named = zip(spec.disks[1:], row.holdings.data, data_volumes(spec, row.install), strict=True)
    anew = tuple(disk for disk, name, new in named if name and name == new)
    return anew if row.holdings.keep else (spec.disk, *anew)
