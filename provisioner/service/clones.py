"""Guests made from guests: linked clones on a shared base, or full copies.

A clone is a guest of ours whose install is over from the beginning: it is `installed`, with one event that
says what it is a clone of. The intent is journaled with its row before anything is made. After a failure or
a kill, what carries the id of its install is removed.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError
from provisioner.core.guest import GuestSpec, Start, with_macs
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.machine import check_name
from provisioner.plan.cloning import Blueprint, Clone, Identity, Move, interfaces, plan_clone
from provisioner.plan.steps import DeleteVolume, StartDomain, UndefineDomain
from provisioner.service.each import attempt, each
from provisioner.service.guests import Guests
from provisioner.service.ports import (
    Clock,
    GuestRow,
    Holdings,
    JournalRow,
    LifeHosts,
    LifeHypervisor,
    Opening,
    Store,
    VolumeFacts,
)
from provisioner.service.requests import Guest, Ids
from provisioner.service.specs import free_forward
from provisioner.service.tokens import Tokens

Result = TypeVar("Result")
_INTENT = "clone"
"""How the journal's row of a clone begins."""


@dataclass(frozen=True, slots=True)
class _Original:
    row: GuestRow
    host: LifeHypervisor
    found: Blueprint


class Clones:
    """`guests` knows what is being made just now; a clone counts among that."""

    def __init__(
        self,
        store: Store,
        hosts: LifeHosts,
        guests: Guests,
        tokens: Tokens,
        clock: Clock,
        ids: Ids,
        log_dir: Path,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._guests = guests
        self._tokens = tokens
        self._clock = clock
        self._ids = ids
        self._log_dir = log_dir
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Waits for what is under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def clone(self, source: str, name: str, *, linked: bool = True, start: Start = "off") -> Guest:
        """A guest like `source`, which must be off, with a name, UUID, MAC and disk of its own."""
        async with self._guests.lock(source):
            return await self._copied(await self._original(source), name, linked=linked, start=start)

    async def clone_each(
        self,
        source: str,
        names: Sequence[str],
        *,
        linked: bool = True,
        start: Start = "off",
        at_once: int = 0,
    ) -> AsyncGenerator[tuple[str, Guest | Exception]]:
        """The same several times: what stands against one holds up no other. Gives each as it is done."""
        async with self._guests.lock(source):
            original, left = await self._original(source), list(names)
            # One that moves the source onto an overlay of its own must be alone.
            while left and linked and any(disk.base is None for disk in original.found.disks):
                name = left.pop(0)
                yield name, await attempt(self._copied(original, name, linked=linked, start=start))
                original = await self._original(source)
            copied = partial(self._copied, original, linked=linked, start=start)
            async with aclosing(each(left, copied, at_once=at_once)) as making:
                async for made in making:
                    yield made

    async def _original(self, source: str) -> _Original:
        """What is to be cloned. Raises NotFound, and Conflict where it is on or being installed."""
        row = await self._row(source)
        host = self._hosts(row.uri)
        found, last = await asyncio.gather(
            host.blueprint(source, row.spec.uuid), self._store.install(row.install)
        )
        if not last.over:
            raise Conflict(
                f"guest {source} is being installed: there is nothing to clone yet",
                remedy=f"provisioner install wait {source}",
            )
        _check_off(source, active=found.active)
        return _Original(row, host, found)

    async def _copied(self, original: _Original, name: str, *, linked: bool, start: Start) -> Guest:
        check_name(name, "guest name")
        if original.row.spec.name == name:
            raise Invalid(f"guest {name} cannot be a clone of itself", remedy="give the clone another name")
        made = await self._owned(self._clone(original.row, original.host, original.found, name, linked))
        if start == "off":
            return made
        paused = start == "paused"
        await original.host.apply(StartDomain(made.name, made.uuid, paused=paused))
        return replace(made, state="paused" if paused else "running")

    async def _clone(
        self, row: GuestRow, host: LifeHypervisor, found: Blueprint, name: str, linked: bool
    ) -> Guest:
        now = self._clock()
        forward = await free_forward(self._store, self._ids) if row.spec.nic.forward else 0
        new = self._identity(name, interfaces(found.xml), forward)
        plan = plan_clone(row.spec.name, row.spec.uuid, found, new, linked=linked)
        spec = _spec(row.spec, new)
        mac = spec.mac
        install = Install(
            new.install, name, mac, new.uuid, spec.profile, Stage.INSTALLED, now, now, percent=100
        )
        names = tuple(volume for _, volume in plan.own)
        holdings = Holdings(data=names[1 : len(spec.disks)], owned=plan.own)
        mine = GuestRow(spec, install.id, names[0], now, row.secrets, row.uri, holdings=holdings)
        self._guests.execution.busy.add(install.id)
        try:
            await self._write_down(install, mine)
            await self._make(row, host, found, plan, install)
        finally:
            self._guests.execution.busy.discard(install.id)
        return Guest(
            name, spec.uuid, "shut off", True, spec.memory, spec.vcpus, False, mac, spec.profile, install
        )

    async def _write_down(self, install: Install, row: GuestRow) -> None:
        """Of several that ask for one name, one gets past this."""
        intent = JournalRow(install.id, 0, f"{_INTENT} to {install.guest}", "intent")
        try:
            await self._store.add_install(install, row, Opening(journal=(intent,)))
        except Conflict:
            if taken := await self._store.machine(name=install.guest):
                raise Conflict(
                    f"{taken.name} is taken by {'guest' if taken.guest else 'machine'} {taken.name}",
                    remedy="choose another name",
                ) from None
            raise

    async def _make(
        self, row: GuestRow, host: LifeHypervisor, found: Blueprint, plan: Clone, install: Install
    ) -> None:
        source = row.spec.name
        try:
            for stage in plan.stages:
                await _all(host.apply(step) for step in stage)
            # Somebody may have switched the source on meanwhile, on the very disk that is now a base.
            if plan.moved:
                running = await host.running_disks(source, row.spec.uuid)
                _check_off(source, active=any(disk.path in running for disk in found.disks))
                await self._store.put_guest(moved(row, plan.moved))
            await self._note(install, Kind.CLONED, f"cloned from {source}")
        except Exception as error:
            await self._note(install, Kind.ALARM, f"the clone failed and is taken back: {error}")
            try:
                await self._take_back(host, install)
            except ProvisionerError as left:
                await self._note(install, Kind.ALARM, f"not taken back: {left}; the next start tries again")
            raise
        self._task(self._close(install))

    async def _close(self, install: Install) -> None:
        """Nobody has to wait for this: where it is not done, the event tells that the clone is whole."""
        with suppress(ProvisionerError):
            await self._store.close_journal(install.id)

    async def mend(self) -> list[str]:
        """Ends what a service that was killed left half made. Returns what was done, a sentence each."""
        told = []
        begun = {row.install for row in await self._store.open_journal() if row.step.startswith(_INTENT)}
        for row in await self._store.guests():
            if row.install not in begun or row.install in self._guests.execution.busy:
                continue
            install = await self._store.install(row.install)
            if await self._store.events(install=install.id, kinds=(Kind.CLONED,), limit=1):
                await self._store.close_journal(install.id)
                continue
            try:
                await self._take_back(self._hosts(row.uri), install)
            except ProvisionerError as error:
                told.append(f"guest {install.guest} is half cloned and stays so: {error}")
            else:
                told.append(f"guest {install.guest}: what its clone that was cut off left was removed")
        return told

    async def _take_back(self, host: LifeHypervisor, install: Install) -> None:
        """Removes what carries the clone's install in its name, all but a disk that its source runs on now.

        A source that was moved to an overlay stays on it: what is below is as it was.
        """
        await host.apply(UndefineDomain(install.guest, install.uuid))
        for pool in await host.pools():
            for volume in await host.volume_facts(pool.name):
                whose = re.fullmatch(rf"(.+)-{re.escape(install.id)}(-[a-z]+)?", volume.name)
                if whose and not await self._keeps(whose[1], volume, install, first=whose[2] is None):
                    await host.apply(DeleteVolume(volume.pool, volume.name))
        await self._store.remove_guest(install.guest)
        await self._store.close_journal(install.id)

    async def _keeps(self, name: str, volume: VolumeFacts, install: Install, *, first: bool) -> bool:
        """Whether the guest `name`, not the clone itself, has this disk now; its row then says so too."""
        if name == install.guest:
            return False
        try:
            row = await self._store.guest(name)
        except NotFound:
            return False
        found = await self._hosts(row.uri).blueprint(name, row.spec.uuid)
        if volume.path not in (disk.path for disk in found.disks):
            return False
        if first and row.volume != volume.name:
            await self._store.put_guest(replace(row, volume=volume.name))
        return True

    def _identity(self, name: str, cards: int, forward: int) -> Identity:
        install = self._ids.install()
        return Identity(
            name=name,
            uuid=self._ids.uuid(),
            macs=tuple(self._ids.mac() for _ in range(cards)),
            install=install,
            serial=self._tokens.mint(install, "stub", 1),
            log=str(self._log_dir / f"{install}.log"),
            forward=forward,
        )

    async def _row(self, name: str) -> GuestRow:
        try:
            return await self._store.guest(name)
        except NotFound:
            await self._guests.show(name)  # says whose it is
            raise

    async def _note(self, install: Install, kind: Kind, text: str) -> None:
        event = Event(kind, self._clock(), "service", install.mac, install.id, text)
        await self._store.record([event])

    async def _owned(self, making: Coroutine[Any, Any, Result]) -> Result:
        """A task of our own owns the making: who asked may go away."""
        return await asyncio.shield(self._task(making))

    def _task(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


async def _all(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Takes them at one time. Raises what the first of them does, once all are over."""
    done = await asyncio.gather(*steps, return_exceptions=True)
    for error in done:
        if error is not None:
            raise error


def _spec(source: GuestSpec, new: Identity) -> GuestSpec:
    """The source's spec under the clone's identity."""
    first, *others = with_macs(source.nics, new.macs[: len(source.nics)])
    nics = (replace(first, forward=new.forward), *others)
    return replace(source, name=new.name, uuid=new.uuid, nics=nics, autostart=False)


def moved(row: GuestRow, moves: Iterable[Move]) -> GuestRow:
    """A guest on its overlays. What they stand on is nobody's: it goes once nothing stands on it."""
    instead = dict(moves)
    names = {old[1]: new[1] for old, new in instead.items()}
    held = row.holdings
    holdings = replace(
        held,
        data=tuple(names.get(name, name) for name in held.data),
        owned=tuple(instead.get(pair, pair) for pair in held.owned),
    )
    return replace(row, volume=names.get(row.volume, row.volume), holdings=holdings)


def _check_off(source: str, *, active: bool) -> None:
    if active:
        raise Conflict(
            f"guest {source} is switched on; only one that is off can be cloned",
            remedy=f"provisioner guest shutdown {source}",
        )
