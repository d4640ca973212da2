"""Events, and what they do to installs and tokens, in one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, func, insert, or_, select, update

from provisioner.core.install import FINAL, LIFE, Event, Install, Kind, advance
from provisioner.store import rows
from provisioner.store.base import Session
from provisioner.store.sessions import Sessions
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
        query = select(events.c.at).where(events.c.install == install).order_by(events.c.at.desc())
        if kinds:
            query = query.where(events.c.kind.in_([str(kind) for kind in kinds]))
        row = await self._row(query)
        return row["at"] if row else None


# Made once: most of what a small statement costs is putting it together.
_INSERT = insert(events)
_BY_ID = select(installs).where(installs.c.id == bindparam("of")).with_for_update()
_BY_MACHINE = (
    select(installs)
    .where(installs.c.mac == bindparam("of"))
    .order_by(installs.c.stage.in_([str(stage) for stage in FINAL]), installs.c.number.desc())
    .limit(1)
    .with_for_update()
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
    before: dict[str, Install] = {install.id: install for install in known}
    now: dict[str, Install] = dict(before)
    values: list[rows.Values] = []
    alive: dict[str, datetime] = {}
    for event in happened:
        subject = await _subject(session, event, now)
        value = rows.event_values(event)
        if subject is not None:
            before.setdefault(subject.id, subject)
            value |= {"install": subject.id, "machine": event.machine or subject.mac}
            now[subject.id] = advance(subject, event)
            if event.kind in LIFE and not now[subject.id].over:
                alive[subject.id] = max(event.at, alive.get(subject.id, event.at))
        values.append(value)
    await session.execute(_INSERT, values)
    changed = [now[key] for key in now if now[key] != before[key]]
    for install in changed:
        await session.execute(_MOVE, {"moved": install.id, **rows.install_values(install)})
        if install.over:
            await _end_tokens(session, install)
    for key, at in alive.items():
        await push_expiry(session, key, at + life)
    return changed


async def _subject(session: Session, event: Event, seen: dict[str, Install]) -> Install | None:
    """The install that an event is about, as this transaction has moved it so far."""
    if event.install in seen:
        return seen[event.install]
    if not (event.install or event.machine):
        return None
    query, of = (_BY_ID, event.install) if event.install else (_BY_MACHINE, event.machine)
    row = (await session.execute(query, {"of": of})).mappings().first()
    if row is None:
        return None
    return seen.get(row["id"]) or rows.install(row)


async def _end_tokens(session: Session, install: Install) -> None:
    """What an end leaves: nothing but a report token, for the first boot that comes after it."""
    await session.execute(_END, {"of": install.id, "last": install.changed + REPORT_AFTER_END})


async def push_expiry(session: Session, install: str, expires: datetime) -> None:
    later = (tokens.c.install == install, tokens.c.revoked.is_(False), tokens.c.expires < expires)
    await session.execute(update(tokens).where(*later).values(expires=expires))
