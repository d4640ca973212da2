"""Guests' definitions beside what they were when they were last right: what somebody changed behind us."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from provisioner.core.lab import Difference
from provisioner.core.profile import Profile
from provisioner.plan.definition import differences, masked, on_disks_of
from provisioner.service.ports import GuestRow, LifeHosts, Seal, Store

_SHORT = 32


@dataclass(frozen=True, slots=True)
class Drift:
    """What is other in a guest's definition. `since`: its profile is another than it was installed by."""

    behind: tuple[Difference, ...] = ()
    since: bool = False


class Seals:
    """`profiles` are the digests of profiles as `profile_digests` makes them."""

    def __init__(self, store: Store, hosts: LifeHosts) -> None:
        self._store = store
        self._hosts = hosts

    async def drift(
        self, texts: Mapping[str, str], rows: Sequence[GuestRow], profiles: Mapping[str, str]
    ) -> dict[str, Drift]:
        """By guest; `texts` are definitions by UUID. One is looked into only where it is another text.

        One that was never sealed, or was installed anew since, is taken for right; one on which our own hand
        was is sealed anew.
        """
        known = {seal.guest: seal for seal in await self._store.seals()}
        found, anew = {}, []
        for row in rows:
            name, text = row.spec.name, texts.get(row.spec.uuid)
            seal = known.get(name)
            if text is None or seal is None:
                found[name] = Drift()
                continue
            now = _sealed(row, text, profiles)
            moved = now.state != seal.state
            behind: tuple[Difference, ...] = ()
            same = _install(now) == _install(seal)
            if now.digest != seal.digest and same:
                whole = await self._store.seal(name)
                behind = differences(whole.xml, now.xml, moved=moved) if whole else ()
            if not behind and (moved or now.digest != seal.digest):
                anew.append(_of_same_install(now, seal))
            since = same and bool(row.spec.profile) and now.profile != seal.profile
            found[name] = Drift(behind, since)
        await self._store.put_seals(anew)
        return found

    async def put(self, rows: Collection[GuestRow], profiles: Mapping[str, str]) -> None:
        """Takes the present definitions of guests for right, host by host."""
        before = {seal.guest: seal for seal in await self._store.seals()}
        for uri in dict.fromkeys(row.uri for row in rows):
            mine = [row for row in rows if row.uri == uri]
            texts = await self._texts(uri, mine)
            there = [row for row in mine if row.spec.uuid in texts]
            made = [_sealed(row, texts[row.spec.uuid], profiles) for row in there]
            await self._store.put_seals([_of_same_install(seal, before.get(seal.guest)) for seal in made])

    async def right(self, row: GuestRow) -> str:
        """The definition that a guest should have, masked: the sealed one, or else the present one."""
        seal, now = await self._store.seal(row.spec.name), await self.present(row)
        if seal is None or not now or seal.state.partition("/")[0] != row.install:
            return now
        return seal.xml if seal.state == _state(row) else on_disks_of(now, seal.xml)

    async def present(self, row: GuestRow) -> str:
        """The definition that it has, masked, "" where its domain is gone."""
        texts = await self._texts(row.uri, [row])
        return masked(texts.get(row.spec.uuid, ""))

    async def _texts(self, uri: str, rows: Sequence[GuestRow]) -> dict[str, str]:
        uuids = {row.spec.uuid for row in rows}
        return {one.uuid: one.xml for one in await self._hosts(uri).definitions(uuids) if one.xml}


def _sealed(row: GuestRow, text: str, profiles: Mapping[str, str]) -> Seal:
    xml = masked(text)
    return Seal(row.spec.name, _state(row), _digest(xml), xml, profiles.get(row.spec.profile, ""))


def _state(row: GuestRow) -> str:
    """What a rebuild changes, and what a clone or a snapshot of the guest does: its install, its volumes."""
    return f"{row.install}/{_digest('/'.join((row.volume, *row.holdings.data)))[:_SHORT]}"


def _install(seal: Seal) -> str:
    return seal.state.partition("/")[0]


def _of_same_install(new: Seal, old: Seal | None) -> Seal:
    """The profile that a guest was installed by stays that, whatever becomes of its definition."""
    return replace(new, profile=old.profile) if old and _install(old) == _install(new) else new


def profile_digests(profiles: Iterable[Profile]) -> dict[str, str]:
    """By name."""
    return {
        profile.name: _digest(json.dumps(asdict(profile), sort_keys=True, default=str))
        for profile in profiles
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
