"""Machines and guests, and the installs they begin with."""

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.install import FINAL, Install
from provisioner.core.machine import Machine
from provisioner.service.ports import GuestRow, Opening
from provisioner.service.ports.store import NOTHING
from provisioner.store import rows
from provisioner.store.base import Session
from provisioner.store.opening import open_with
from provisioner.store.sessions import Sessions, changed, nouns
from provisioner.store.tables import guests, installs, machines

# Made once: most of what a small statement costs is putting it together.
_MACHINE, _GUEST = insert(machines), insert(guests)
_GUEST_OF = select(guests).where(guests.c.name == bindparam("of"))
_OVER = [str(stage) for stage in FINAL]
_HELD = select(machines.c.name).where(machines.c.name == bindparam("a_name")).with_for_update()
_SAME = (
    select(machines)
    .where(
        or_(
            machines.c.name == bindparam("a_name"),
            machines.c.mac == bindparam("a_mac"),
            (machines.c.uuid == bindparam("a_uuid")) & machines.c.guest.is_(True),
        )
    )
    .limit(1)
)
_ASKED = select(machines).where(
    or_(
        machines.c.mac == bindparam("a_mac"),
        machines.c.uuid == bindparam("a_uuid"),
        machines.c.name == bindparam("a_name"),
    )
)


class Machinery(Sessions):
    async def add_install(self, install: Install, guest: GuestRow | None, opening: Opening = NOTHING) -> None:
        async def work(session: Session) -> None:
            if guest is not None:
                await _add_machine(session, rows.guest_machine(guest))
                await session.execute(_GUEST, rows.guest_values(guest))
            await open_with(session, install, opening)

        try:
            await self._write(work)
        except IntegrityError as error:
            raise Conflict(f"the name, MAC or UUID of {install.guest} is taken") from error

    async def add_rebuild(self, install: Install, guest: GuestRow, opening: Opening = NOTHING) -> None:
        async def work(session: Session) -> None:
            mine = installs.c.guest == guest.spec.name
            running = installs.c.stage.not_in(_OVER)
            if other := await session.scalar(select(installs.c.id).where(mine, running).with_for_update()):
                raise Conflict(f"install {other} of guest {guest.spec.name} is still running")
            await _replace(session, guest)
            machine = update(machines).where(machines.c.name == guest.spec.name)
            await session.execute(machine.values(profile=guest.spec.profile))
            await open_with(session, install, opening)

        await self._write(work)

    async def add_run(
        self, install: Install, machine: Machine, *, was: str = "", opening: Opening = NOTHING
    ) -> None:
        async def work(session: Session) -> None:
            if was:
                await session.execute(_HELD, {"a_name": was})
            mine = installs.c.mac == machine.mac
            if other := await session.scalar(
                select(installs.c.id).where(mine, installs.c.stage.not_in(_OVER))
            ):
                raise Conflict(f"install {other} of {was or machine.name} is still running")
            if not was:
                await _add_machine(session, machine)
            else:
                values = {"name": machine.name, "profile": machine.profile}
                known = update(machines).where(machines.c.name == was, machines.c.guest.is_(False))
                if not await changed(session, known.values(values)):
                    raise NotFound(f"no machine is called {was!r}", remedy="provisioner machine list")
            await open_with(session, install, opening)

        try:
            await self._write(work)
        except IntegrityError as error:
            raise Conflict(f"the name {machine.name} is taken", remedy="choose another") from error

    async def guest(self, name: str) -> GuestRow:
        row = await self._one(_GUEST_OF, {"of": name})
        if row is None:
            raise NotFound(f"no guest of ours is called {name!r}", remedy="provisioner guest list")
        return rows.guest(row)

    async def guests(self) -> list[GuestRow]:
        return [rows.guest(row) for row in await self._rows(select(guests).order_by(guests.c.name))]

    async def put_guest(self, guest: GuestRow) -> None:
        async def work(session: Session) -> None:
            await _replace(session, guest)

        await self._write(work)

    async def remove_guest(self, name: str) -> None:
        await self._change(delete(machines).where(machines.c.name == name, machines.c.guest.is_(True)))

    async def add_machine(self, machine: Machine) -> None:
        async def work(session: Session) -> None:
            await _add_machine(session, machine)

        try:
            await self._write(work)
        except IntegrityError as error:
            raise Conflict(f"the name or MAC of {machine.name} is taken") from error

    async def machines(self) -> list[Machine]:
        return await nouns(rows.machine, await self._rows(select(machines).order_by(machines.c.name)))

    async def machine(self, *, mac: str = "", uuid: str = "", name: str = "") -> Machine | None:
        asked = {"a_mac": mac or None, "a_uuid": uuid or None, "a_name": name or None}

        async def work(session: Session) -> list[Machine]:
            return [rows.machine(row) for row in (await session.execute(_ASKED, asked)).mappings()]

        found = await self._read(work)
        for field, value in (("mac", mac), ("uuid", uuid), ("name", name)):  # the first that is asked decides
            for machine in found:
                if value and getattr(machine, field) == value:
                    return machine
        return None

    async def remove_machine(self, name: str) -> None:
        if not await self._change(delete(machines).where(machines.c.name == name)):
            raise NotFound(f"no machine is called {name!r}", remedy="provisioner machine list")


async def _add_machine(session: Session, machine: Machine) -> None:
    keys = {"a_name": machine.name, "a_mac": machine.mac, "a_uuid": machine.uuid if machine.guest else None}
    if row := (await session.execute(_SAME, keys)).mappings().first():
        raise Conflict(_taken(rows.machine(row), machine), remedy="choose another, or remove that one first")
    await session.execute(_MACHINE, rows.plain_values(machine))


def _taken(other: Machine, wanted: Machine) -> str:
    what = "guest" if other.guest else "machine"
    if other.name == wanted.name:
        return f"the name {wanted.name} is taken by a {what}"
    taken = f"MAC {wanted.mac}" if other.mac == wanted.mac else f"UUID {wanted.uuid}"
    return f"{taken} belongs to {what} {other.name}"


async def _replace(session: Session, guest: GuestRow) -> None:
    mine = update(guests).where(guests.c.name == guest.spec.name)
    if not await changed(session, mine.values(rows.guest_values(guest))):
        raise NotFound(f"no guest of ours is called {guest.spec.name!r}", remedy="provisioner guest list")
