"""Volumes that were made for an install and belong to no guest any more, removed now and then.

A volume is ours where its name tells a guest and an install that this store knows. What a domain uses is
left alone, whoever it belongs to.
"""

from collections.abc import Callable, Iterable

from provisioner.core.errors import NotFound, ProvisionerError
from provisioner.core.storage import Volume, owner
from provisioner.plan.steps import DeleteVolume
from provisioner.service.ports import GuestRow, Hosts, Store


async def sweep(
    store: Store, hosts: Hosts, uris: Iterable[str], busy: Callable[[str], bool] = lambda install: False
) -> list[str]:
    """Returns what was removed, a sentence each. A host that does not answer is left for the next time."""
    told: list[str] = []
    for uri in uris:
        try:
            orphans = await _orphans(store, hosts, uri, busy)
            used = await hosts(uri).volume_users([volume.path for volume in orphans]) if orphans else {}
            for volume in orphans:
                if volume.path not in used:
                    await hosts(uri).apply(DeleteVolume(volume.pool, volume.name))
                    told.append(f"volume {volume.name} in pool {volume.pool} belonged to nobody: removed")
        except ProvisionerError:
            continue
    return told


async def _orphans(store: Store, hosts: Hosts, uri: str, busy: Callable[[str], bool]) -> list[Volume]:
    """Read in this order: a guest that is made meanwhile is known before its volumes are looked at."""
    volumes = await hosts(uri).all_volumes()
    held = {pair for row in await store.guests() for pair in _held(row)}
    found = []
    for volume in volumes:
        told = owner(volume.name)
        if told is None or (volume.pool, volume.name) in held or busy(told[1]):
            continue
        if await _ours(store, *told):
            found.append(volume)
    return found


async def _ours(store: Store, guest: str, install: str) -> bool:
    """Whether this very store began that install, of that guest."""
    try:
        found = await store.install(install)
    except NotFound:
        return False
    return found.id == install and found.guest == guest


def _held(row: GuestRow) -> set[tuple[str, str]]:
    spec, held = row.spec, row.holdings
    system = {(spec.disk.pool, name) for name in (row.volume, row.old_volume) if name}
    return system | {*held.owned, *held.temporary, *held.leftover}
