"""Events, and what they do to installs and tokens, in one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, case, func, insert, or_, select, update

from provisioner.core.install import FINAL, LIFE, Event, Install, Kind, advance
from provisioner.store import rows
from provisioner.store.base import Session
from provisioner.store.sessions import Sessions
from provisioner.store.sightings import see
from provisioner.store.tables import events, installs, tokens

REPORT_AFTER_END = timedelta(minutes=15)


class Timeline(Sessions):
    async def record(self, happened: Sequence[Event]) -> list[Install]:
        if not happened:
            return []

        async def work(session: Session) -> list[Install]:
            return await record_in(session, happened, self._token_life)

        return await self._write(work)

    async def events(
        self, *, after: int = 0, install: str = "", limit: int = 1000, kinds: Collection[Kind] = ()
    ) -> list[Event]:
        query = select(events).where(events.c.id > after).order_by(events.c.id).limit(limit)
        if install:
            query = query.where(events.c.install == install)
        if kinds:
            query = query.where(events.c.kind.in_([str(kind) for kind in kinds]))
        return [rows.event(row) for row in await self._rows(query)]

    async def last_event_id(self) -> int:
        row = await self._row(select(func.max(events.c.id).label("last")))
        return (row and row["last"]) or 0

    async def last_seen(self, install: str, kinds: Collection[Kind] = ()) -> datetime | None:
        query = select(events.c.at).where(events.c.install == install).order_by(events.c.id.desc())
        if kinds:
            query = query.where(events.c.kind.in_([str(kind) for kind in kinds]))
        row = await self._row(query)
        return row["at"] if row else None


# Made once: most of what a small statement costs is putting it together. Installs are locked in one order, so
# that no two transactions wait for each other.
_INSERT = insert(events)
_BY_ID = select(installs).where(installs.c.id.in_(bindparam("of", expanding=True)))
_BY_ID = _BY_ID.order_by(installs.c.number).with_for_update()
_MACHINES = installs.c.mac.in_(bindparam("of", expanding=True))
_NEWEST = select(func.max(installs.c.number)).where(_MACHINES).group_by(installs.c.mac)
_BY_MACHINE = tuple(
    select(installs).where(installs.c.number.in_(newest)).order_by(installs.c.number).with_for_update()
    for newest in (_NEWEST.where(installs.c.stage.not_in([str(stage) for stage in FINAL])), _NEWEST)
)
"""That of each machine which is not over; the latest."""
_AT_ONCE = 200
"""Values of one statement."""
_LATER = bindparam("later", type_=tokens.c.expires.type)
_PUSH = update(tokens).values(expires=_LATER)
_PUSH = _PUSH.where(
    tokens.c.install == bindparam("of"), tokens.c.revoked.is_(False), tokens.c.expires < _LATER
)
_END = update(tokens).where(tokens.c.install == bindparam("of"))
_END = _END.values(
    revoked=or_(tokens.c.revoked, tokens.c.kind != "report"),
    expires=case((tokens.c.expires > bindparam("last"), bindparam("last")), else_=tokens.c.expires),
)
_MOVE = update(installs).where(installs.c.id == bindparam("moved"))


async def record_in(
    session: Session, happened: Sequence[Event], life: timedelta, known: Sequence[Install] = ()
) -> list[Install]:
    """`record` within a transaction that does more; `known` are installs that it has read already."""
    subjects = await _subjects(session, happened, known)
    before = {install.id: install for install in (*known, *subjects.values())}
    now = dict(before)
    values: list[rows.Values] = []
    alive: dict[str, datetime] = {}
    for event in happened:
        subject = subjects.get(event.install or event.machine)
        value = rows.event_values(event)
        if subject is not None:
            value |= {"install": subject.id, "machine": event.machine or subject.mac}
            now[subject.id] = advance(now[subject.id], event)
            if event.kind in LIFE and not now[subject.id].over:
                alive[subject.id] = max(event.at, alive.get(subject.id, event.at))
        values.append(value)
    await session.execute(_INSERT, values)
    await see(session, happened)
    changed = [now[key] for key in now if now[key] != before[key]]
    if changed:
        moves = [{"moved": install.id, **rows.install_values(install)} for install in changed]
        await session.execute(_MOVE, moves)
    for install in changed:
        if install.over:
            await _end_tokens(session, install)
    if alive:
        await session.execute(_PUSH, [{"of": key, "later": at + life} for key, at in alive.items()])
    return changed


async def _subjects(
    session: Session, happened: Sequence[Event], known: Sequence[Install]
) -> dict[str, Install]:
    """The installs that events are about: by the id that they name or else by their machine."""
    found = {install.id: install for install in known}
    named = {event.install for event in happened} - found.keys() - {""}
    found |= {install.id: install for install in await _locked(session, _BY_ID, named)}
    machines = {event.machine for event in happened if not event.install} - {""}
    for query in _BY_MACHINE:
        for install in await _locked(session, query, machines - found.keys()):
            found[install.mac] = install
    return found


async def _locked(session: Session, query: Select[Any], of: Collection[str]) -> list[Install]:
    asked, found = sorted(of), []
    for begin in range(0, len(asked), _AT_ONCE):
        done = await session.execute(query, {"of": asked[begin : begin + _AT_ONCE]})
        found += [rows.install(row) for row in done.mappings()]
    return found


async def _end_tokens(session: Session, install: Install) -> None:
    """What an end leaves: nothing but a report token, for the first boot that comes after it."""
    await session.execute(_END, {"of": install.id, "last": install.changed + REPORT_AFTER_END})


async def push_expiry(session: Session, install: str, expires: datetime) -> None:
    await session.execute(_PUSH, {"of": install, "later": expires})
