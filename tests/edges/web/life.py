"""Guests' life behind the web: an echo for a console, a picture for a screen."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.guest import Start
from provisioner.core.snapshot import Frozen, Snapshot
from provisioner.hypervisor.png import from_ppm
from provisioner.plan.steps import DeleteVolume, Plan, UndefineDomain
from provisioner.service.guest_life import Kept, Removal, Unlocked
from provisioner.service.ports import Channel, Display, VolumeFacts
from provisioner.service.rebuilds import Loss
from provisioner.service.requests import Address, Creation, Guest, Rebuild
from provisioner.service.snapshots import Restored
from tests.life import Echo

PICTURE = from_ppm(
    b"P6\n64 40\n255\n" + b"".join(bytes((x * 4, y * 6, 128)) for y in range(40) for x in range(64))
)


@dataclass
class FakeLife:
    """`guests` is the use case beside it. `screenless` have no screen, `busy` consoles are open elsewhere."""

    guests: Any
    calls: list[str] = field(default_factory=list)
    lines: list[Echo] = field(default_factory=list)
    screenless: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)

    async def _note(self, verb: str, name: str) -> None:
        await self.guests.show(name)
        self.calls.append(f"{verb} {name}")

    async def suspend(self, name: str) -> None:
        await self._note("suspend", name)

    async def resume(self, name: str) -> None:
        await self._note("resume", name)

    async def reset(self, name: str) -> None:
        await self._note("reset", name)

    async def console(self, name: str, *, force: bool = False) -> Channel:
        await self._note("console", name)
        if name in self.busy and not force:
            raise Conflict(f"the console of guest {name} is open somewhere else", remedy="--force")
        return self._line(b"")

    async def said(self, name: str, size: int = 4096) -> bytes:
        return b"what it said before\r\n"[-size:]

    async def serial(self, name: str, size: int = 4096) -> Channel:
        await self._note("serial", name)
        return self._line(b"what it said before\r\n"[-size:])

    async def screenshot(self, name: str) -> bytes:
        await self._note("screenshot", name)
        self._has_screen(name)
        return PICTURE

    async def display(self, name: str) -> Unlocked:
        self._has_screen(name)
        return Unlocked(Display("vnc://127.0.0.1:5900", "127.0.0.1", 5900, locked=True))

    async def unlock_display(self, name: str, minutes: int) -> Unlocked:
        found = await self.display(name)
        return replace(found, password="s3cret-8", expires=datetime(2026, 1, 1, tzinfo=UTC))

    async def screen(self, name: str) -> Channel:
        self._has_screen(name)
        return self._line(b"RFB 003.008\n")

    async def removal(self, name: str) -> Removal:
        await self.guests.show(name)
        mine = VolumeFacts("default", f"{name}-i1", f"/p/{name}-i1", 2**30, 2**20, "/p/base")
        base = VolumeFacts("default", "base", "/p/base", 2**30, 2**29)
        plan = Plan(name, "", (UndefineDomain(name, "u"), DeleteVolume("default", mine.name)))
        return Removal(plan, (mine,), (Kept(base, ("web2-i2",)),), "/nvram/VARS.fd", True)

    async def delete(self, name: str) -> object:
        return await self.guests.delete(name)

    async def addressed(self, found: Sequence[Guest]) -> list[Guest]:
        return [replace(guest, address=Address("192.0.2.7", "lease"), host="") for guest in found]

    def _line(self, first: bytes) -> Echo:
        self.lines.append(Echo(first))
        return self.lines[-1]

    def _has_screen(self, name: str) -> None:
        if name in self.screenless:
            raise Conflict(f"guest {name} has no screen: it was made without graphics")


@dataclass
class FakeRebuilds:
    guests: Any

    async def rebuild(self, name: str, wish: Rebuild) -> Creation:
        guest = await self.guests.show(name)
        self.guests.calls.append(f"rebuild {name} {wish.profile or '-'} {wish.wipe}")
        return Creation(guest.install, guest, Plan(name, "i2", ()))

    async def rebuild_each(
        self, names: Sequence[str], wish: Rebuild, *, at_once: int
    ) -> AsyncGenerator[tuple[str, Creation | Exception]]:
        for name in names:
            try:
                yield name, await self.rebuild(name, wish)
            except NotFound as error:
                yield name, error

    async def look_each(
        self, names: Sequence[str], wish: Rebuild
    ) -> AsyncGenerator[tuple[str, Loss | Exception]]:
        for name in names:
            gone = VolumeFacts("default", f"{name}-i1", f"/p/{name}-i1", 2**30, 2**20)
            guest = await self.guests.show(name)
            yield name, Loss(guest, wish.profile or "p", (gone,), (), True, Plan(name, "i2", ()))


@dataclass
class FakeStarts:
    guests: Any

    async def start_each(
        self, names: Sequence[str], *, at_once: int
    ) -> AsyncGenerator[tuple[str, str | Exception]]:
        for name in names:
            try:
                await self.guests.start(name)
                yield name, name
            except NotFound as error:
                yield name, error


@dataclass
class FakeSnapshots:
    guests: Any
    kept: dict[str, Snapshot] = field(default_factory=dict)

    async def every(self) -> list[Snapshot]:
        return list(self.kept.values())

    async def of_lab(self, lab: str) -> list[str]:
        return [f"{lab}1"]

    async def take_each(
        self, names: Sequence[str], *, force: bool
    ) -> AsyncGenerator[tuple[str, Snapshot | Exception]]:
        for name in names:
            disk = Frozen("vda", "default", f"{name}-i1", f"/p/{name}-i1", "qcow2", 2**30)
            self.kept[name] = Snapshot(name, "i1", datetime(2026, 1, 1, tzinfo=UTC), (disk,))
            yield name, self.kept[name]

    async def reset_each(
        self, names: Sequence[str], *, wait: float, at_once: int
    ) -> AsyncGenerator[tuple[str, Restored | Exception]]:
        for name in names:
            if name not in self.kept:
                yield name, NotFound(f"guest {name} has no snapshot")
            else:
                answered = f"after {wait:g} s, {at_once} at once"
                yield name, Restored(self.kept[name], 0.25, answered, 1.5)

    async def drop(self, name: str) -> object:
        await self.guests.show(name)
        return self.kept.pop(name)


@dataclass
class FakeClones:
    guests: Any

    async def clone(self, source: str, name: str, *, linked: bool, start: Start = "off") -> Guest:
        made: Guest = replace(
            await self.guests.show(source), name=name, state="shut off", address=None, ssh=None
        )
        self.guests.guests[name] = made
        self.guests.calls.append(f"clone {source} {name} {'linked' if linked else 'full'}")
        return made

    async def clone_each(
        self, source: str, names: Sequence[str], *, linked: bool, start: Start
    ) -> AsyncGenerator[tuple[str, Guest | Exception]]:
        for name in names:
            try:
                yield name, await self.clone(source, name, linked=linked)
            except NotFound as error:
                yield name, error
