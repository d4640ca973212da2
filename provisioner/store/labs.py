"""Labs: what applies of each made or took over, and guests' definitions as they were last right."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select

from provisioner.core.lab import Ref
from provisioner.service.ports import LabThing, Seal
from provisioner.store.base import Session
from provisioner.store.rows import Row, Values
from provisioner.store.sessions import Sessions
from provisioner.store.tables import guests, lab_things, seals

_THING, _SEAL = insert(lab_things), insert(seals)
_FORGET = delete(lab_things).where(
    lab_things.c.lab == bindparam("of"),
    lab_things.c.kind == bindparam("a_kind"),
    lab_things.c.name == bindparam("a_name"),
    lab_things.c.host == bindparam("a_host"),
)
_BREAK = delete(seals).where(seals.c.guest == bindparam("of"))
_TOLD = (seals.c.guest, seals.c.state, seals.c.digest, seals.c.profile)


class Labs(Sessions):
    async def lab_things(self, lab: str = "") -> list[LabThing]:
        query = select(lab_things).order_by(lab_things.c.lab, lab_things.c.kind, lab_things.c.name)
        return [
            _thing(row) for row in await self._rows(query.where(lab_things.c.lab == lab) if lab else query)
        ]

    async def put_lab_things(self, things: Sequence[LabThing]) -> None:
        async def work(session: Session) -> None:
            for lab in dict.fromkeys(thing.lab for thing in things):
                await session.execute(_FORGET, [_key(lab, t.ref) for t in things if t.lab == lab])
            await session.execute(_THING, [_values(thing) for thing in things])

        if things:
            await self._write(work)

    async def remove_lab_things(self, lab: str, refs: Sequence[Ref]) -> None:
        async def work(session: Session) -> None:
            await session.execute(_FORGET, [_key(lab, ref) for ref in refs])

        if refs:
            await self._write(work)

    async def seals(self) -> list[Seal]:
        return [Seal(**row) for row in await self._rows(select(*_TOLD).order_by(seals.c.guest))]

    async def seal(self, guest: str) -> Seal | None:
        row = await self._row(select(seals).where(seals.c.guest == guest))
        return None if row is None else Seal(**row)

    async def put_seals(self, seals: Sequence[Seal]) -> None:
        async def work(session: Session) -> None:
            there = set((await session.execute(select(guests.c.name))).scalars())
            mine = [seal for seal in seals if seal.guest in there]
            if mine:
                await session.execute(_BREAK, [{"of": seal.guest} for seal in mine])
                await session.execute(_SEAL, [_seal_values(seal) for seal in mine])

        if seals:
            await self._write(work)


def _key(lab: str, ref: Ref) -> Values:
    return {"of": lab, "a_kind": ref.kind, "a_name": ref.name, "a_host": ref.host}


def _thing(row: Row) -> LabThing:
    ref = Ref(row["kind"], row["name"], row["host"])
    return LabThing(row["lab"], ref, row["wanted"], row["placed"], row["made"], row["begun"])


def _values(thing: LabThing) -> Values:
    ref = thing.ref
    return {
        "lab": thing.lab,
        "kind": ref.kind,
        "name": ref.name,
        "host": ref.host,
        "placed": thing.on,
        "wanted": dict(thing.wanted),
        "made": thing.made,
        "begun": thing.begun,
    }


def _seal_values(seal: Seal) -> Values:
    return {
        "guest": seal.guest,
        "state": seal.state,
        "digest": seal.digest,
        "profile": seal.profile,
        "xml": seal.xml,
    }
