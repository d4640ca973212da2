"""Installs, and the journal of their creation."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, insert, or_, select, update

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.install import FINAL, Event, Install
from provisioner.service.ports import JournalRow
from provisioner.store import rows
from provisioner.store.base import Session
from provisioner.store.sessions import Sessions, changed, nouns
from provisioner.store.tables import installs, journal
from provisioner.store.timeline import record_in

JUST_ENDED = timedelta(minutes=15)
_OVER = [str(stage) for stage in FINAL]


_MADE = select(installs).where(installs.c.id == bindparam("of")).with_for_update()
_CALLED = select(installs).where(or_(installs.c.id == bindparam("of"), installs.c.guest == bindparam("of")))
_CALLED = _CALLED.order_by(installs.c.id != bindparam("of"), installs.c.number.desc()).limit(1)
_BOUND = select(installs.c.address).where(installs.c.id == bindparam("of")).with_for_update()
_BIND = update(installs).where(installs.c.id == bindparam("of")).values(address=bindparam("address"))
_CLOSE = update(journal).where(journal.c.install == bindparam("of")).values(closed=True)


class Runs(Sessions):
    async def install(self, ref: str) -> Install:
        row = await self._one(_CALLED, {"of": ref})
        if row is None:
            raise NotFound(f"no install and no guest is called {ref!r}", remedy="provisioner install list")
        return rows.install(row)

    async def installs(self, *, active: bool = False, limit: int = 200) -> list[Install]:
        query = select(installs).order_by(installs.c.number.desc())
        query = query.where(installs.c.stage.not_in(_OVER)) if active else query.limit(limit)
        return await nouns(rows.install, await self._rows(query))

    async def install_of(self, *, mac: str = "", uuid: str = "", address: str = "") -> Install | None:
        latest = select(installs).order_by(installs.c.number.desc())
        if mac and (found := await self._install(latest.where(installs.c.mac == mac))):
            return found
        if uuid and (found := await self._install(latest.where(installs.c.uuid == uuid))):
            return found
        if not address:
            return None
        recent = or_(installs.c.stage.not_in(_OVER), installs.c.changed >= self._clock() - JUST_ENDED)
        return await self._install(latest.where(installs.c.address == address, recent))

    async def _install(self, query: Select[Any]) -> Install | None:
        row = await self._row(query)
        return rows.install(row) if row else None

    async def bind(self, install: str, address: str) -> str:
        async def work(session: Session) -> str:
            bound = await session.scalar(_BOUND, {"of": install})
            if bound is None:
                raise NotFound(f"no install is called {install!r}")
            if bound:
                return str(bound)
            await session.execute(_BIND, {"of": install, "address": address})
            return address

        return await self._write(work)

    async def bump_resets(self, install: str) -> None:
        change = update(installs).where(installs.c.id == install).values(resets=installs.c.resets + 1)
        await self._change(change)

    async def journal(self, row: JournalRow) -> None:
        async def work(session: Session) -> None:
            mine = (journal.c.install == row.install, journal.c.number == row.number)
            values = {"step": row.step, "state": row.state, "closed": False}
            if not await changed(session, update(journal).where(*mine).values(values)):
                keys = {"install": row.install, "number": row.number}
                await session.execute(insert(journal).values(keys | values))

        await self._write(work)

    async def open_journal(self) -> list[JournalRow]:
        query = select(journal).where(journal.c.closed.is_(False))
        query = query.order_by(journal.c.install, journal.c.number)
        found = await self._rows(query)
        return [JournalRow(row["install"], row["number"], row["step"], row["state"]) for row in found]

    async def complete(self, install: str, events: Sequence[Event]) -> Install:
        async def work(session: Session) -> Install:
            row = (await session.execute(_MADE, {"of": install})).mappings().first()
            if row is None:
                raise NotFound(f"no install is called {install!r}")
            now = rows.install(row)
            if now.over:
                raise Conflict(f"install {install} was ended while its guest was being made")
            changed = await record_in(session, events, self._token_life, [now]) if events else []
            await session.execute(_CLOSE, {"of": install})
            return next(iter(changed), now)

        return await self._write(work)

    async def close_journal(self, install: str) -> None:
        await self._change(update(journal).where(journal.c.install == install).values(closed=True))
