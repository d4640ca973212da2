"""Guests as they were installed: kept, had again without an installer, and let go.

What is to be done is written down before anything is touched, in the snapshot's own row. A failure is undone
in reverse. What a kill cut off is finished at the next start where the guest's domain stands on its new disks
already, or was to be reset; else it is undone.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from provisioner.core.errors import Conflict, NotFound, ProvisionerError
from provisioner.core.install import Event, Kind, Stage
from provisioner.core.snapshot import Snapshot
from provisioner.plan.cloning import Blueprint, Move
from provisioner.plan.snapshots import (
    Moving,
    check_snapshot,
    frozen,
    nvram_name,
    overlays,
    plan_reset,
    plan_snapshot,
    volumes,
)
from provisioner.plan.steps import DeleteVolume, StartDomain, StopDomain
from provisioner.service.answering import TAIL, Answering
from provisioner.service.bases import Bases
from provisioner.service.clones import moved
from provisioner.service.each import each
from provisioner.service.guests import Guests
from provisioner.service.ports import Clock, GuestRow, LifeHosts, LifeHypervisor, Store, VolumeFacts

Result = TypeVar("Result")
OFF_SECONDS = 120.0
"""So long a guest is given to switch itself off."""
_ASK_SECONDS = 15.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Restored:
    """A guest that was reset: after how many seconds it was switched on, and how and when it answered."""

    snapshot: Snapshot
    seconds: float
    answered: str = ""
    answered_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Case:
    row: GuestRow
    host: LifeHypervisor

    @property
    def key(self) -> tuple[str, str]:
        return self.row.spec.name, self.row.spec.uuid


class Snapshots:
    """One for each guest. `answering` waits for the systems of guests."""

    def __init__(
        self, store: Store, hosts: LifeHosts, guests: Guests, clock: Clock, answering: Answering
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._guests = guests
        self._clock = clock
        self._answering = answering
        self._bases = Bases(store)
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Waits for what is under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def every(self) -> list[Snapshot]:
        return await self._store.snapshots()

    async def take(self, name: str, *, force: bool = False) -> Snapshot:
        """Keeps an installed guest as it is. One that is on is asked to switch off, and on again after it.

        `force` cuts its power instead. Raises Conflict where its disks, or it, cannot.
        """
        return await self._owned(self._take(name, force=force))

    async def reset(self, name: str, *, wait: float = 0) -> Restored:
        """Throws away what was written since, and switches the guest on.

        With `wait` it is waited for so many seconds until it answers; Unavailable where it does not.
        """
        begun = time.monotonic()
        said = await self._owned(self._reset(name))
        snapshot, seconds = await self._store.snapshot(name), time.monotonic() - begun
        if not wait:
            return Restored(snapshot, seconds)
        answered = await self._answering.until(name, said, wait)
        return Restored(snapshot, seconds, answered, time.monotonic() - begun)

    async def take_each(
        self, names: Sequence[str], *, force: bool = False
    ) -> AsyncGenerator[tuple[str, Snapshot | Exception]]:
        """All of them, each by itself. Gives each as it is done."""
        async with aclosing(each(names, partial(self.take, force=force))) as taking:
            async for taken in taking:
                yield taken

    async def reset_each(
        self, names: Sequence[str], *, wait: float = 0, at_once: int = 0
    ) -> AsyncGenerator[tuple[str, Restored | Exception]]:
        """All of them, at most `at_once` at a time: with `wait`, the next begins when one answers."""
        async with aclosing(each(names, partial(self.reset, wait=wait), at_once=at_once)) as resetting:
            async for reset in resetting:
                yield reset

    async def drop(self, name: str) -> Snapshot:
        """Lets a snapshot go. The guest stays as it is; what its disk stands on goes with that."""
        async with self._guests.lock(name):
            row = await self._guests.ours(name)
            snapshot = await self._store.snapshot(name)
            await self._let_go(_Case(row, self._hosts(row.uri)), snapshot)
        return snapshot

    async def forget(self, name: str) -> None:
        """The guest was installed anew: what was kept of the former system is worth nothing."""
        await self._store.remove_snapshot(name)

    async def of_lab(self, lab: str) -> list[str]:
        """The names of a lab's guests. Raises NotFound."""
        names = [thing.ref.name for thing in await self._store.lab_things(lab) if thing.ref.kind == "guest"]
        if not names:
            raise NotFound(f"no guest belongs to a lab {lab!r}", remedy="provisioner guest list")
        return names

    async def mend(self) -> list[str]:
        """Ends what a service that was killed left half done. Returns what was done, a sentence each."""
        told = []
        now = {row.spec.name: row.install for row in await self._store.guests()}
        for snapshot in await self._store.snapshots():
            install = now.get(snapshot.guest, "")
            if install != snapshot.install and install not in self._guests.execution.busy:
                await self.forget(snapshot.guest)  # a rebuild that had to wait for its turn is through
                continue
            if snapshot.state == "kept" or self._guests.lock(snapshot.guest).locked():
                continue
            try:
                told.append(await self._owned(self._mended(snapshot)))
            except ProvisionerError as error:
                told.append(f"guest {snapshot.guest}: its snapshot is left half {snapshot.state}: {error}")
        return told

    async def _take(self, name: str, *, force: bool) -> Snapshot:
        async with self._guests.lock(name):
            row = await self._guests.ours(name)
            install = await self._store.install(row.install)
            if install.stage is not Stage.INSTALLED:
                raise Conflict(
                    f"guest {name} is not installed: its install is {install.stage}",
                    remedy=f"see how it stands: provisioner install show {name}",
                )
            case = _Case(row, self._hosts(row.uri))
            found = await case.host.blueprint(*case.key)
            check_snapshot(name, found)
            with self._busy(row):
                if found.active:
                    await self._switch_off(case, force=force)
                return await self._frozen(case, starts=found.active)

    async def _frozen(self, case: _Case, *, starts: bool) -> Snapshot:
        name, row = case.row.spec.name, case.row
        before = await self._had(name)
        found = await case.host.blueprint(*case.key)
        turn = await self._turn(case, found)
        nvram = nvram_name(name, row.install, turn) if found.nvram else ""
        disks = frozen(found)
        was = volumes(name, found, disks)
        snapshot = Snapshot(name, row.install, self._clock(), disks, nvram, turn, "taking", was, starts)
        plan = plan_snapshot(snapshot, row.spec.uuid, found)
        await self._store.put_snapshot(snapshot)
        try:
            await self._carry_out(case, plan)
        except Exception:
            with suppress(ProvisionerError):  # the next mending tries again
                await self._undone(case, snapshot, before, starts=starts)
            raise
        kept = await self._kept(case, snapshot, plan.moves)
        if before is not None and before.nvram:
            await case.host.apply(DeleteVolume(before.disks[0].pool, before.nvram))
        return kept

    async def _kept(self, case: _Case, snapshot: Snapshot, moves: Sequence[Move]) -> Snapshot:
        """Writes down that the guest stands on its new disks, and switches it on where it was."""
        kept = replace(snapshot, state="kept", was=(), starts=False)
        row = moved(case.row, moves)
        held = tuple(pair for pair in row.holdings.owned if not pair[1].endswith("-nvram"))
        if kept.nvram:
            held = (*held, (kept.disks[0].pool, kept.nvram))
        await self._store.put_guest(replace(row, holdings=replace(row.holdings, owned=held)))
        if snapshot.starts:
            await case.host.apply(StartDomain(*case.key))
        await self._store.put_snapshot(kept)
        text = f"kept as it is: {', '.join(disk.target for disk in kept.disks)}"
        await self._note(row, Kind.SNAPSHOT, text + (" and its variable store" if kept.nvram else ""))
        return kept

    async def _reset(self, name: str) -> bytes:
        """Returns the last that the guest had said before."""
        async with self._guests.lock(name):
            row = await self._guests.ours(name)
            snapshot = await self._store.snapshot(name)
            case = _Case(row, self._hosts(row.uri))
            if snapshot.install != row.install:
                raise Conflict(
                    f"the snapshot of guest {name} is of an install before its last",
                    remedy=f"take a new one: provisioner lab snapshot {name}",
                )
            with self._busy(row):
                found = await case.host.blueprint(*case.key)
                await self._check_bases(case, snapshot)
                turn = await self._turn(case, found)
                was = volumes(name, found, snapshot.disks)
                begun = replace(snapshot, turn=turn, state="resetting", was=was, starts=True)
                plan = plan_reset(begun, row.spec.uuid, found)
                said = await case.host.serial_tail(*case.key, TAIL)
                await self._store.put_snapshot(begun)
                try:
                    await case.host.apply(StopDomain(*case.key))
                    await self._carry_out(case, plan)
                except Exception:
                    with suppress(ProvisionerError):  # the next mending goes on
                        await self._undone(case, begun, snapshot, starts=found.active)
                    raise
                await self._restored(case, begun, plan)
        return said

    async def _restored(self, case: _Case, snapshot: Snapshot, plan: Moving) -> None:
        await self._store.put_guest(moved(case.row, plan.moves))
        await case.host.apply(StartDomain(*case.key))
        await self._store.put_snapshot(replace(snapshot, state="kept", was=(), starts=False))
        await self._note(case.row, Kind.RESTORED, f"as it was at {snapshot.taken:%Y-%m-%d %H:%M:%S} UTC")
        left = {old for old, new in plan.moves if old != new}
        known = [v for pool, _ in left for v in await case.host.volume_facts(pool)]
        with suppress(ProvisionerError):  # the next sweep removes what is left
            await self._bases.sweep([v for v in known if (v.pool, v.name) in left], case.host)

    async def _mended(self, snapshot: Snapshot) -> str:
        name = snapshot.guest
        async with self._guests.lock(name):
            row = await self._guests.ours(name)
            case = _Case(row, self._hosts(row.uri))
            with self._busy(row):
                found = await case.host.blueprint(*case.key)
                if snapshot.state == "resetting":
                    plan = plan_reset(snapshot, row.spec.uuid, found)
                    await case.host.apply(StopDomain(*case.key))
                    await self._carry_out(case, plan)
                    await self._restored(case, snapshot, plan)
                    return f"guest {name}: its reset was cut off; it went on"
                if moves := _in_place(snapshot, found):
                    await self._kept(case, snapshot, moves)
                    return f"guest {name}: its snapshot was cut off; it is whole"
                await self._undone(case, snapshot, None, starts=snapshot.starts)
        return f"guest {name}: what its snapshot that was cut off left was removed"

    async def _carry_out(self, case: _Case, plan: Moving) -> None:
        for step in plan.steps:
            await case.host.apply(step)

    async def _undone(
        self, case: _Case, snapshot: Snapshot, before: Snapshot | None, *, starts: bool
    ) -> None:
        """Removes what was made and puts back what was written down. A guest that stands on its new disks
        already is left to the next mending, which goes on.
        """
        if _in_place(snapshot, await case.host.blueprint(*case.key)):
            return
        made = [new for _, new in overlays(snapshot)]
        if snapshot.state == "taking" and snapshot.nvram:
            made.append((snapshot.disks[0].pool, snapshot.nvram))
        for pair in reversed(made):
            await case.host.apply(DeleteVolume(*pair))
        if before is None:
            await self._store.remove_snapshot(snapshot.guest)
        else:
            await self._store.put_snapshot(before)
        if starts:
            await case.host.apply(StartDomain(*case.key))

    async def _let_go(self, case: _Case, snapshot: Snapshot) -> None:
        if snapshot.nvram:
            pair = (snapshot.disks[0].pool, snapshot.nvram)
            await case.host.apply(DeleteVolume(*pair))
            held = tuple(owned for owned in case.row.holdings.owned if owned != pair)
            await self._store.put_guest(replace(case.row, holdings=replace(case.row.holdings, owned=held)))
        await self._store.remove_snapshot(snapshot.guest)

    async def _switch_off(self, case: _Case, *, force: bool) -> None:
        """Raises Conflict where the guest's system does not."""
        if force:
            await case.host.apply(StopDomain(*case.key))
            return
        name, begun, asked = case.row.spec.name, time.monotonic(), 0.0
        while await self._runs(case):
            now = time.monotonic()
            if now - begun > OFF_SECONDS:
                raise Conflict(
                    f"guest {name} did not switch itself off within {OFF_SECONDS:.0f} s",
                    remedy=f"cut its power, as a power cut would: provisioner lab snapshot {name} --force",
                )
            if not asked or now - asked > _ASK_SECONDS:
                with suppress(Conflict):  # it went off this very moment
                    await case.host.shutdown(name)
                asked = now
            await asyncio.sleep(_LOOK_SECONDS)

    async def _runs(self, case: _Case) -> bool:
        domains = await case.host.domains()
        return any(d.uuid == case.row.spec.uuid and d.state != "shut off" for d in domains)

    async def _turn(self, case: _Case, found: Blueprint) -> int:
        """One above every overlay of this install that is there."""
        name = re.escape(f"{case.row.spec.name}-{case.row.install}")
        pattern = re.compile(rf"{name}-r([0-9]+)(-.+)?")
        matches = [pattern.fullmatch(volume.name) for volume in await self._volumes(case, found)]
        return max((int(match[1]) + 1 for match in matches if match), default=0)

    async def _volumes(self, case: _Case, found: Blueprint) -> list[VolumeFacts]:
        pools = dict.fromkeys(disk.pool for disk in found.disks)
        return [volume for pool in pools for volume in await case.host.volume_facts(pool)]

    async def _check_bases(self, case: _Case, snapshot: Snapshot) -> None:
        for disk in snapshot.disks:
            if disk.path not in {volume.path for volume in await case.host.volume_facts(disk.pool)}:
                raise Conflict(
                    f"guest {snapshot.guest}: {disk.path}, which its snapshot stands on, is gone",
                    remedy=f"provisioner lab drop {snapshot.guest}; provisioner rebuild {snapshot.guest}",
                )

    @contextmanager
    def _busy(self, row: GuestRow) -> Iterator[None]:
        """Nobody takes its volumes for ones that belong to no guest."""
        busy = self._guests.execution.busy
        busy.add(row.install)
        try:
            yield
        finally:
            busy.discard(row.install)

    async def _had(self, name: str) -> Snapshot | None:
        try:
            return await self._store.snapshot(name)
        except NotFound:
            return None

    async def _note(self, row: GuestRow, kind: Kind, text: str) -> None:
        event = Event(kind, self._clock(), "service", row.spec.mac, row.install, text)
        await self._store.record([event])

    async def _owned(self, work: Coroutine[Any, Any, Result]) -> Result:
        """A task of our own owns the work: who asked may go away."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


def _in_place(snapshot: Snapshot, found: Blueprint) -> tuple[Move, ...]:
    """The overlays of this turn that the guest's domain names."""
    names = {disk.name for disk in found.disks}
    return tuple(move for move in overlays(snapshot) if move[1][1] in names)
