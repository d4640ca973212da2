"""Machines and guests, and the installs they begin with."""

from dataclasses import asdict

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.install import FINAL, Install
from provisioner.core.machine import Machine
from provisioner.service.ports import GuestRow, JournalRow
from provisioner.store import rows
from provisioner.store.sessions import Sessions, changed
from provisioner.store.tables import guests, installs, journal, machines


class Machinery(Sessions):
    async def add_install(
        self, install: Install, guest: GuestRow | None, intent: JournalRow | None = None
    ) -> None:
        async def work(session: AsyncSession) -> None:
            if guest is not None:
                await _add_machine(session, rows.guest_machine(guest))
                await session.execute(insert(guests).values(rows.guest_values(guest)))
            await session.execute(insert(installs).values(rows.install_values(install)))
            if intent is not None:
                await session.execute(insert(journal).values({**asdict(intent), "closed": False}))

        try:
            await self._write(work)
        except IntegrityError as error:
            raise Conflict(f"the name, MAC or UUID of {install.guest} is taken") from error

    async def add_rebuild(self, install: Install, guest: GuestRow) -> None:
        async def work(session: AsyncSession) -> None:
            mine = installs.c.guest == guest.spec.name
            running = installs.c.stage.not_in([str(stage) for stage in FINAL])
            if other := await session.scalar(select(installs.c.id).where(mine, running).with_for_update()):
                raise Conflict(f"install {other} of guest {guest.spec.name} is still running")
            await _replace(session, guest)
            await session.execute(insert(installs).values(rows.install_values(install)))

        await self._write(work)

    async def guest(self, name: str) -> GuestRow:
        row = await self._row(select(guests).where(guests.c.name == name))
        if row is None:
            raise NotFound(f"no guest of ours is called {name!r}", remedy="provisioner guest list")
        return rows.guest(row)

    async def guests(self) -> list[GuestRow]:
        return [rows.guest(row) for row in await self._rows(select(guests).order_by(guests.c.name))]

    async def put_guest(self, guest: GuestRow) -> None:
        async def work(session: AsyncSession) -> None:
            await _replace(session, guest)

        await self._write(work)

    async def remove_guest(self, name: str) -> None:
        await self._change(delete(machines).where(machines.c.name == name, machines.c.guest.is_(True)))

    async def add_machine(self, machine: Machine) -> None:
        async def work(session: AsyncSession) -> None:
            await _add_machine(session, machine)

        try:
            await self._write(work)
        except IntegrityError as error:
            raise Conflict(f"the name or MAC of {machine.name} is taken") from error

    async def machines(self) -> list[Machine]:
        return [rows.machine(row) for row in await self._rows(select(machines).order_by(machines.c.name))]

    async def machine(self, *, mac: str = "", uuid: str = "", name: str = "") -> Machine | None:
        asked = ((machines.c.mac, mac), (machines.c.uuid, uuid), (machines.c.name, name))
        for column, value in asked:
            if value and (row := await self._row(select(machines).where(column == value))):
                return rows.machine(row)
        return None

    async def remove_machine(self, name: str) -> None:
        if not await self._change(delete(machines).where(machines.c.name == name)):
            raise NotFound(f"no machine is called {name!r}", remedy="provisioner machine list")


async def _add_machine(session: AsyncSession, machine: Machine) -> None:
    same = or_(machines.c.name == machine.name, machines.c.mac == machine.mac)
    if machine.guest:
        same = or_(same, (machines.c.uuid == machine.uuid) & machines.c.guest.is_(True))
    if row := (await session.execute(select(machines).where(same).limit(1))).mappings().first():
        raise Conflict(_taken(rows.machine(row), machine), remedy="choose another, or remove that one first")
    await session.execute(insert(machines).values(rows.plain_values(machine)))


def _taken(other: Machine, wanted: Machine) -> str:
    what = "guest" if other.guest else "machine"
    if other.name == wanted.name:
        return f"the name {wanted.name} is taken by a {what}"
    taken = f"MAC {wanted.mac}" if other.mac == wanted.mac else f"UUID {wanted.uuid}"
    return f"{taken} belongs to {what} {other.name}"


async def _replace(session: AsyncSession, guest: GuestRow) -> None:
    mine = update(guests).where(guests.c.name == guest.spec.name)
    if not await changed(session, mine.values(rows.guest_values(guest))):
        raise NotFound(f"no guest of ours is called {guest.spec.name!r}", remedy="provisioner guest list")
