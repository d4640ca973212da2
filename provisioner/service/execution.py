"""Plans carried out: intent first, then the step; undone in reverse where one fails."""

import asyncio
from collections.abc import Coroutine, Set
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from provisioner.core.errors import NotFound, ProvisionerError, Unavailable
from provisioner.core.install import Event, Install, Kind
from provisioner.plan.describe import describe
from provisioner.plan.steps import (
    DefineDomain,
    LocalStep,
    Plan,
    StartDomain,
    Step,
    StopDomain,
    UploadVolume,
)
from provisioner.service.drafts import Draft
from provisioner.service.ports import (
    Clock,
    GuestRow,
    Hosts,
    Hypervisor,
    JournalRow,
    Opening,
    Store,
    Workshop,
)
from provisioner.service.tokens import Tokens
from provisioner.service.turns import Turns


class Execution:
    """`busy` holds the installs that are being made right now, by this process; some of them wait for their
    turn to be started.
    """

    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        workshop: Workshop,
        tokens: Tokens,
        clock: Clock,
        turns: Turns | None = None,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._workshop = workshop
        self._tokens = tokens
        self._clock = clock
        self._turns = turns or Turns(store)
        self._running: dict[str, asyncio.Task[Install]] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self.busy: set[str] = set()

    async def begin(self, draft: Draft) -> Install:
        """Writes the install down, then makes it. Of several that ask for one name, one gets past that.

        One that has to wait for its turn is returned as it waits, and made later.
        """
        self.busy.add(draft.install.id)
        return await self._owned(draft.install.id, self._begin(draft))

    def waits(self, install: str) -> bool:
        """Whether all is there but its turn to be started."""
        waiting = self._waiting.get(install)
        return waiting is not None and waiting.is_set()

    async def given_up(self, install: str) -> None:
        """Returns when the making of an install that was ended is taken back."""
        if task := self._running.get(install):
            await asyncio.wait({task})

    async def rebuild(self, draft: Draft) -> Install:
        """The same for a guest that is there. The end of its last install comes first: it takes that one's
        tokens, whatever becomes of the new one.
        """
        name = draft.row.spec.name
        with suppress(NotFound):
            last = await self._store.install(name)
            if not last.over:
                await self._note(last, Kind.CANCELLED, f"{name} is rebuilt as install {draft.install.id}")
        return await self.begin(draft)

    async def _begin(self, draft: Draft) -> Install:
        try:
            if draft.row.old_volume:
                await self._store.add_rebuild(draft.install, draft.row, self._opening(draft))
            else:
                await self._store.add_install(draft.install, draft.row, self._opening(draft))
            return await self._make(draft, frozenset(), set())
        finally:
            self.busy.discard(draft.install.id)

    def _opening(self, draft: Draft) -> Opening:
        """Written with the install in one: every step's intent is there before any step is taken."""
        steps = draft.plan.steps
        return Opening(
            events=(
                replace(self._event(draft.install, Kind.PLANNED, _planned(draft)), data=_way(draft)),
                self._event(draft.install, Kind.CREATING, f"{len(steps)} steps"),
            ),
            tokens=self._tokens.fresh(draft.install),
            journal=self._intents(draft),
            tree=draft.tree,
        )

    def _intents(self, draft: Draft) -> tuple[JournalRow, ...]:
        steps = enumerate(draft.plan.steps)
        return tuple(JournalRow(draft.install.id, number, describe(step), "intent") for number, step in steps)

    async def resume(self, draft: Draft) -> Install:
        """Makes again what was cut off: every step is one that may be done twice."""
        self.busy.add(draft.install.id)
        return await self._owned(draft.install.id, self._resume(draft))

    async def _resume(self, draft: Draft) -> Install:
        try:
            rows = await self._store.open_journal()
            await self._tokens.issue(draft.install)
            await self._note(draft.install, Kind.CREATING, f"{len(draft.plan.steps)} steps, again")
            done = {row.step for row in rows if row.install == draft.install.id and row.state == "done"}
            for row in self._intents(draft):
                if row.step not in done:
                    await self._store.journal(row)
            begun = {row.step for row in rows if row.install == draft.install.id}
            return await self._make(draft, done, begun)
        finally:
            self.busy.discard(draft.install.id)

    async def close(self) -> None:
        """Waits for what is under way. Who waits for a turn goes on at the next start."""
        for install, task in self._running.items():
            if self.waits(install):
                task.cancel()
        while self._running:
            await asyncio.wait(self._running.values())

    async def _make(self, draft: Draft, done: Set[str], begun: set[str]) -> Install:
        """`done` describes steps of an earlier making that must not be repeated, `begun` all that it may
        have taken.
        """
        install = draft.install
        try:
            await self._carry_out(draft, done, begun, self._hosts(draft.row.uri))
            await self.made(draft.row)
            if any(isinstance(step, LocalStep) for step in draft.plan.steps):
                await self._workshop.clear(install.id)
            return await self._store.complete(install.id, self._begun(draft))
        except BaseException as error:
            await self._workshop.clear(install.id)
            if isinstance(error, Exception):
                await self._take_back(draft, begun, str(error))
            raise

    async def made(self, row: GuestRow) -> None:
        """A rebuild is through: nothing is left of what it replaced."""
        if row.old_volume or row.holdings.leftover:
            holdings = replace(row.holdings, leftover=(), former=())
            await self._store.put_guest(replace(row, old_volume="", holdings=holdings))

    async def clear(self, install: str) -> None:
        """Removes the files of an install that were on their way to its host."""
        await self._workshop.clear(install)

    def _begun(self, draft: Draft) -> tuple[Event, ...]:
        """That a guest is made, and what is known at once of one that has its answers or needs none."""
        install, spec = draft.install, draft.row.spec
        known = [(Kind.STARTED, f"{install.guest} is switched on")]
        if spec.start == "off":
            known = [(Kind.DONE, "made, and left switched off")]
        elif draft.answered:
            known.append((Kind.ANSWER_SERVED, draft.answered))
        elif spec.method == "url":
            known.append((Kind.INITRD_SENT, "started with the tree's kernel and initrd"))
        elif spec.method == "import":
            known.append((Kind.DONE, "imported: nothing is installed, and nobody will report"))
        return tuple(self._event(install, kind, text) for kind, text in known)

    async def _carry_out(self, draft: Draft, done: Set[str], begun: set[str], hypervisor: Hypervisor) -> None:
        """A guest that is there runs on until it is its turn."""
        plan, first = draft.plan, True
        for number, step in enumerate(plan.steps):
            if _uploaded(plan, number, done):
                continue
            if first and isinstance(step, StopDomain | StartDomain):
                first = False
                await self._turns.take(draft.row.uri, plan.install, partial(self._wait, draft.install))
                self._waiting.pop(plan.install, None)
            begun.add(describe(step))
            await self._apply(step, hypervisor)
            if _once(step):
                await self._store.journal(JournalRow(plan.install, number, describe(step), "done"))

    async def _apply(self, step: Step, hypervisor: Hypervisor) -> None:
        if isinstance(step, LocalStep):
            await self._workshop.apply(step)
        else:
            await hypervisor.apply(step)

    async def _take_back(self, draft: Draft, begun: Set[str], why: str) -> None:
        """Ends the install and undoes its steps. What cannot be undone now stays open for the next start."""
        install, row = draft.install, draft.row
        await self._note(install, Kind.CREATE_FAILED, why)
        if left := await self._undo(draft, begun):
            await self._note(install, Kind.ALARM, f"not undone: {left}; the next start tries again")
            return
        if not row.old_volume:
            await self._store.remove_guest(row.spec.name)
        await self._store.close_journal(install.id)

    async def _undo(self, draft: Draft, begun: Set[str]) -> str:
        """Undoes in reverse every step that was begun. Returns what could not be undone, "" where all was.

        Steps are known by their words: a plan that is made again may be shorter than the one cut off.
        """
        rows = [row for row in await self._store.open_journal() if row.install == draft.install.id]
        numbers = {row.step: row.number for row in rows}
        steps = [step for step in draft.plan.steps if describe(step) in begun & numbers.keys()]
        if draft.row.old_volume:
            done = {row.step for row in rows if row.state == "done"}
            steps = await self._rebuild_undone(draft.row, steps, done)
        for step in reversed(steps):
            if step.undo is None:
                continue
            told = describe(step)
            try:
                await self._apply(step.undo, self._hosts(draft.row.uri))
            except ProvisionerError as error:
                return f"{told} ({error})"
            await self._store.journal(JournalRow(draft.install.id, numbers[told], told, "undone"))
        return ""

    async def _rebuild_undone(self, row: GuestRow, begun: list[Step], done: set[str]) -> list[Step]:
        """A rebuild that failed leaves the guest switched off, with the disk that its domain names."""
        for number, step in enumerate(begun):
            if isinstance(step, DefineDomain) and (describe(step) in done or await self._names_new(row)):
                return begun[number + 1 :]
        held = row.holdings
        data = held.former or held.data
        kept = tuple(pair for pair in held.owned if pair[1] in (*data, row.old_volume))
        owned = tuple(dict.fromkeys((*held.leftover, *kept)))
        holdings = replace(held, data=data, owned=owned, temporary=(), leftover=(), former=())
        former = replace(row, volume=row.old_volume, old_volume="", holdings=holdings, first_stage=False)
        await self._store.put_guest(former)
        return begun

    async def _names_new(self, row: GuestRow) -> bool:
        """Whether the domain names the new disk: libvirt may have defined it without our hearing of it."""
        try:
            return row.volume in await self._hosts(row.uri).xml(row.spec.name)
        except ProvisionerError:
            return False

    async def _wait(self, install: Install, text: str) -> None:
        await self._note(install, Kind.WAITING, text)
        self._waiting.setdefault(install.id, asyncio.Event()).set()

    async def _note(self, install: Install, kind: Kind, text: str) -> None:
        await self._store.record([self._event(install, kind, text)])

    def _event(self, install: Install, kind: Kind, text: str) -> Event:
        return Event(kind, self._clock(), "service", install.mac, install.id, text)

    async def _owned(self, install: str, making: Coroutine[Any, Any, Install]) -> Install:
        """A task of our own owns the making: who asked may go away, and goes where it waits for its turn."""
        task = self._running[install] = asyncio.create_task(making)
        waiting = self._waiting[install] = asyncio.Event()
        task.add_done_callback(partial(self._ended, install))
        waits = asyncio.create_task(waiting.wait())
        try:
            await asyncio.wait({task, waits}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waits.cancel()
        return task.result() if task.done() else await self._store.install(install)

    def _ended(self, install: str, task: asyncio.Task[Install]) -> None:
        self._running.pop(install, None)
        self._waiting.pop(install, None)
        if not task.cancelled():
            task.exception()  # it was written down; nobody may be there to be told


async def carry_out_removal(plan: Plan, hypervisor: Hypervisor) -> None:
    """Removal needs no journal: the guest's row goes last, so that it can be asked for again."""
    try:
        for step in plan.steps:
            if not isinstance(step, LocalStep):
                await hypervisor.apply(step)
    except Unavailable as error:
        raise Unavailable(
            f"{plan.guest} is only partly removed: {error}", remedy="ask for its removal again"
        ) from error


def _planned(draft: Draft) -> str:
    spec = draft.row.spec
    what = f" from profile {spec.profile}" if spec.profile else ""
    return f"{spec.name}{what}" + (f" by {spec.method}" if spec.method != "pxe" else "")


def _way(draft: Draft) -> dict[str, object]:
    """How it is made, which its time depends on; `by` is the domain's type."""
    by = "kvm" if 'type="kvm"' in draft.plan.xml.partition(">")[0] else "qemu"
    spec = draft.row.spec
    return {"method": spec.method, "boot": spec.boot, "by": by, "host": draft.row.uri}


def _once(step: Step) -> bool:
    """Whether it matters later that this very step is through: what undoes or repeats the plan asks for it.

    Every other step may as well be taken for begun until the journal is closed.
    """
    return isinstance(step, UploadVolume) or (isinstance(step, DefineDomain) and step.replaces)


def _uploaded(plan: Plan, number: int, done: Set[str]) -> bool:
    """Whether a step brought a file to the host, or made it for that, before the service was cut off.

    Such a volume may be in use by now: it is not written a second time.
    """
    if isinstance(plan.steps[number], LocalStep):
        number += 1  # what a local step makes is uploaded by the next one
    step = plan.steps[number]
    return isinstance(step, UploadVolume) and describe(step) in done
