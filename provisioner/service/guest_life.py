"""Guests that live: paused, watched, typed into, counted up before they are removed."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.plan.steps import DeleteVolume, Plan
from provisioner.service.addresses import find_address
from provisioner.service.bases import Bases
from provisioner.service.guests import Guests
from provisioner.service.ports import (
    Channel,
    Clock,
    Display,
    GuestRow,
    LifeHosts,
    LifeHypervisor,
    Store,
    VolumeFacts,
)
from provisioner.service.requests import Guest

TAIL = 4096
_PASSWORD_LETTERS = 8  # VNC knows no more
_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Kept:
    """A volume that a removal leaves, with the volumes that still stand on it; none: it is not ours."""

    volume: VolumeFacts
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a guest takes away and what it leaves. `nvram` is "" where there is none."""

    plan: Plan
    volumes: tuple[VolumeFacts, ...]
    stays: tuple[Kept, ...]
    nvram: str
    tpm: bool

    @property
    def bases(self) -> tuple[VolumeFacts, ...]:
        """What the guest's own volumes stand on, whether it goes or stays."""
        own = {(step.pool, step.name) for step in self.plan.steps if isinstance(step, DeleteVolume)}
        below = (volume for volume in self.volumes if (volume.pool, volume.name) not in own)
        return (*below, *(kept.volume for kept in self.stays))


@dataclass(frozen=True, slots=True)
class Unlocked:
    """A screen, and the password that opens it until `expires`; "" and None where none was asked for."""

    display: Display
    password: str = ""
    expires: datetime | None = None


async def _nobody(name: str) -> None:
    return None


class GuestLife:
    """`neighbour` gives the address that the host's neighbour table has for a MAC; `release` is told of a
    guest whose console is about to be asked for.
    """

    def __init__(
        self,
        store: Store,
        hosts: LifeHosts,
        guests: Guests,
        clock: Clock,
        *,
        neighbour: Callable[[str], str | None] = lambda mac: None,
        release: Callable[[str], Awaitable[None]] = _nobody,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._guests = guests
        self._clock = clock
        self._neighbour = neighbour
        self._release = release
        self._bases = Bases(store)

    async def suspend(self, name: str) -> None:
        host, uuid = await self._found(name)
        await host.suspend(name, uuid)

    async def resume(self, name: str) -> None:
        host, uuid = await self._found(name)
        await host.resume(name, uuid)

    async def reset(self, name: str) -> None:
        """Presses the reset button."""
        host, uuid = await self._found(name)
        await host.reset(uuid)

    async def console(self, name: str, *, force: bool = False) -> Channel:
        """The serial console; one holds it at a time, `force` takes it from whoever has it."""
        host, uuid = await self._found(name)
        await self._release(name)
        return await host.console(name, uuid, force=force)

    async def said(self, name: str, size: int = TAIL) -> bytes:
        """The last that the guest wrote to its serial line; b"" where nobody kept it."""
        host, uuid = await self._found(name)
        return await host.serial_tail(name, uuid, size)

    async def serial(self, name: str, size: int = TAIL) -> Channel:
        """The serial line for reading: it leaves the console to others where this host keeps its text."""
        host, uuid = await self._found(name)
        await self._release(name)
        return await host.serial_text(name, uuid, size)

    async def screenshot(self, name: str) -> bytes:
        """The screen as PNG."""
        host, uuid = await self._found(name)
        return await host.screenshot(name, uuid)

    async def display(self, name: str) -> Unlocked:
        host, uuid = await self._found(name)
        return Unlocked(await host.display(name, uuid))

    async def unlock_display(self, name: str, minutes: int) -> Unlocked:
        """Opens the screen with a new password for so many minutes."""
        if not 1 <= minutes <= _MINUTES:
            raise Invalid(f"{minutes} minutes is out of range: a screen's password lives 1 to {_MINUTES}")
        host, uuid = await self._found(name)
        password = secrets.token_urlsafe(_PASSWORD_LETTERS)[:_PASSWORD_LETTERS]
        expires = (self._clock() + timedelta(minutes=minutes)).replace(microsecond=0)
        return Unlocked(await host.unlock_display(name, uuid, password, expires), password, expires)

    async def screen(self, name: str) -> Channel:
        """The screen's VNC, for whoever was let in here."""
        host, uuid = await self._found(name)
        return await host.screen(name, uuid)

    async def removal(self, name: str) -> Removal:
        """What `delete` takes away, bases that nobody else stands on included."""
        plan = await self._guests.removal(name)
        row = await self._store.guest(name)
        host = self._hosts(row.uri)
        nvram, tpm = "", False
        with suppress(Conflict, NotFound):  # a domain that is gone has neither
            found = await host.blueprint(name, row.spec.uuid)
            nvram, tpm = found.nvram, found.tpm
        taken, kept, users = await self._bases.under(plan, host)
        stays = tuple(Kept(volume, users[volume.pool, volume.name]) for volume in kept)
        return Removal(plan, tuple(taken), stays, nvram, tpm)

    async def delete(self, name: str) -> Removal:
        """Removes a guest, and then the bases that nobody stands on any more."""
        removal = await self.removal(name)
        host = self._hosts((await self._store.guest(name)).uri)
        await self._guests.delete(name)
        await self._bases.sweep(removal.bases, host)
        return removal

    async def addressed(self, found: Sequence[Guest]) -> list[Guest]:
        """The same guests with their hosts, and their addresses as `show` knows them."""
        rows = {row.spec.name: row for row in await self._store.guests()}
        return await asyncio.gather(*(self._addressed(guest, rows.get(guest.name)) for guest in found))

    async def _addressed(self, guest: Guest, row: GuestRow | None) -> Guest:
        if row is None or guest.install is None or not guest.ours:
            return guest
        host = self._hosts(row.uri)
        address = await find_address(self._store, host, self._neighbour, guest.install, row.spec.nic)
        return replace(guest, address=address, host=row.uri)

    async def _found(self, name: str) -> tuple[LifeHypervisor, str]:
        """A guest's host and UUID. Raises NotFound, or Conflict where a domain of that name is not ours."""
        try:
            row = await self._store.guest(name)
        except NotFound:
            await self._guests.show(name)  # says whose it is
            raise
        return self._hosts(row.uri), row.spec.uuid
