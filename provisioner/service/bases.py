"""Volumes that linked clones stand on: kept while one needs them, removed with the last."""

import re
from collections.abc import Iterable

from provisioner.core.errors import NotFound
from provisioner.plan.steps import DeleteVolume, Plan
from provisioner.service.ports import GuestRow, LifeHypervisor, Store, VolumeFacts

_OURS = re.compile(r"[a-z0-9.-]+?-(?P<install>[0-9a-z]+)(-r[0-9]+|-[0-9]+)?(-[vsh]d[a-z]+)?")
Key = tuple[str, str]
"""A volume's pool and name."""


class Bases:
    """A base is ours where its name says so: `<guest>-<install>`, of an install that the store knows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def under(
        self, plan: Plan, host: LifeHypervisor
    ) -> tuple[list[VolumeFacts], list[VolumeFacts], dict[Key, tuple[str, ...]]]:
        """What a removal takes (the bases that nobody needs after it last), and what stays with its users."""
        gone = [(step.pool, step.name) for step in plan.steps if isinstance(step, DeleteVolume)]
        known = await self._known({pool for pool, _ in gone}, host)
        going, taken, stays = list(gone), [], {}
        kept: list[VolumeFacts] = []
        for key in going:  # grows while it is walked: a base may stand on another
            volume = known.get(key)
            if volume is None:
                continue
            taken.append(volume)
            base = _at(known.values(), volume.backing)
            if base is None or _key(base) in going:
                continue
            users = _users(base, known.values(), without=going)
            if not users and await self._is_ours(base):
                going.append(_key(base))
            else:
                kept.append(base)
                stays[_key(base)] = users
        return taken, kept, stays

    async def sweep(self, candidates: Iterable[VolumeFacts], host: LifeHypervisor) -> None:
        """Removes those of our bases that nobody stands on any more, and what they alone stood on."""
        waiting = list(candidates)
        for volume in waiting:  # grows as well
            known = await self._known({volume.pool}, host)
            base = known.get(_key(volume))
            if base is None or _users(base, known.values()) or not await self._is_ours(base):
                continue
            await host.apply(DeleteVolume(base.pool, base.name))
            below = _at(known.values(), base.backing)
            if below is not None:
                waiting.append(below)

    async def _known(self, pools: Iterable[str], host: LifeHypervisor) -> dict[Key, VolumeFacts]:
        found = [volume for pool in pools for volume in await host.volume_facts(pool)]
        return {_key(volume): volume for volume in found}

    async def _is_ours(self, volume: VolumeFacts) -> bool:
        match = _OURS.fullmatch(volume.name)
        if match is None:
            return False
        try:
            install = await self._store.install(match["install"])
        except NotFound:
            return False
        rows = await self._store.guests()
        in_use = any(
            volume.name in (row.volume, row.old_volume) or _key(volume) in _held(row) for row in rows
        )
        return install.id == match["install"] and not in_use


def _held(row: GuestRow) -> set[Key]:
    return {*row.holdings.owned, *row.holdings.leftover}


def _key(volume: VolumeFacts) -> Key:
    return volume.pool, volume.name


def _at(volumes: Iterable[VolumeFacts], path: str) -> VolumeFacts | None:
    return next((volume for volume in volumes if path and volume.path == path), None)


def _users(base: VolumeFacts, volumes: Iterable[VolumeFacts], without: Iterable[Key] = ()) -> tuple[str, ...]:
    gone = set(without)
    return tuple(v.name for v in volumes if v.backing == base.path and _key(v) not in gone)
