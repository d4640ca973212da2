"""Plans carried out: intent first, then the step; undone in reverse where one fails."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from provisioner.core.errors import Conflict, ProvisionerError, Unavailable
from provisioner.core.install import Event, Install, Kind
from provisioner.plan.describe import describe
from provisioner.plan.steps import DefineDomain, LocalStep, Plan, Step, UploadVolume
from provisioner.service.drafts import Draft
from provisioner.service.ports import Clock, GuestRow, Hosts, Hypervisor, JournalRow, Store, Workshop
from provisioner.service.tokens import Tokens

Result = TypeVar("Result")


class Execution:
    """`busy` holds the installs that are being made right now, by this process."""

    def __init__(self, store: Store, hosts: Hosts, workshop: Workshop, tokens: Tokens, clock: Clock) -> None:
        self._store = store
        self._hosts = hosts
        self._workshop = workshop
        self._tokens = tokens
        self._clock = clock
        self._running: set[asyncio.Task[Any]] = set()
        self.busy: set[str] = set()

    async def begin(self, draft: Draft) -> Install:
        """Writes the install down, then makes it. Of several that ask for one name, one gets past that."""
        self.busy.add(draft.install.id)
        return await self._owned(self._begin(draft))

    async def _begin(self, draft: Draft) -> Install:
        try:
            if draft.row.old_volume:
                await self._store.add_rebuild(draft.install, draft.row)
            else:
                await self._add(draft)
            return await self._make(draft)
        finally:
            self.busy.discard(draft.install.id)

    async def _add(self, draft: Draft) -> None:
        """The tree comes first: an install that is cut off here is planned again from it."""
        if draft.tree is not None:
            await self._store.put_tree(draft.tree)
        try:
            await self._store.add_install(draft.install, draft.row)
        except ProvisionerError:
            if draft.tree is not None and draft.tree.name not in await self._trees_in_use():
                await self._store.remove_tree(draft.tree.name)
            raise

    async def _trees_in_use(self) -> set[str]:
        return {row.spec.tree for row in await self._store.guests()}

    async def resume(self, draft: Draft) -> Install:
        """Makes again what was cut off: every step is one that may be done twice."""
        self.busy.add(draft.install.id)
        try:
            return await self._make(draft)
        finally:
            self.busy.discard(draft.install.id)

    async def close(self) -> None:
        """Waits for what is under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _make(self, draft: Draft) -> Install:
        install, plan = draft.install, draft.plan
        try:
            await self._tokens.issue(install)
            await self._note(install, Kind.PLANNED, _planned(draft))
            await self._note(install, Kind.CREATING, f"{len(plan.steps)} steps")
            await self._carry_out(plan, self._hosts(draft.row.uri))
            if draft.row.spec.start != "off":
                await self._note(install, Kind.STARTED, f"{install.guest} is switched on")
            now = await self._store.install(install.id)
            if now.over:
                raise Conflict(f"install {install.id} was ended while its guest was being made")
            await self.made(draft.row)
            now = await self._begun(draft, now)
        except BaseException as error:
            await self._workshop.clear(install.id)
            if isinstance(error, Exception):
                await self.take_back(draft, str(error))
            raise
        await self._workshop.clear(install.id)
        await self._store.close_journal(install.id)
        return now

    async def made(self, row: GuestRow) -> None:
        """A rebuild is through: nothing is left of what it replaced."""
        if row.old_volume or row.holdings.leftover:
            holdings = replace(row.holdings, leftover=())
            await self._store.put_guest(replace(row, old_volume="", holdings=holdings))

    async def clear(self, install: str) -> None:
        """Removes the files of an install that were on their way to its host."""
        await self._workshop.clear(install)

    async def _begun(self, draft: Draft, install: Install) -> Install:
        """What is known at once of a guest that has its answers with it, or needs none."""
        if draft.row.spec.start == "off":
            await self._note(install, Kind.DONE, "made, and left switched off")
        elif draft.answered:
            await self._note(install, Kind.ANSWER_SERVED, draft.answered)
        elif draft.row.spec.method == "url":
            await self._note(install, Kind.INITRD_SENT, "started with the tree's kernel and initrd")
        elif draft.row.spec.method == "import":
            await self._note(install, Kind.DONE, "imported: nothing is installed, and nobody will report")
        else:
            return install
        return await self._store.install(install.id)

    async def _carry_out(self, plan: Plan, hypervisor: Hypervisor) -> None:
        rows = await self._store.open_journal()
        done = {row.step for row in rows if row.install == plan.install and row.state == "done"}
        for number, step in enumerate(plan.steps):
            if _uploaded(plan, number, done):
                continue
            await self._store.journal(JournalRow(plan.install, number, describe(step), "intent"))
            await self._apply(step, hypervisor)
            await self._store.journal(JournalRow(plan.install, number, describe(step), "done"))

    async def _apply(self, step: Step, hypervisor: Hypervisor) -> None:
        if isinstance(step, LocalStep):
            await self._workshop.apply(step)
        else:
            await hypervisor.apply(step)

    async def take_back(self, draft: Draft, why: str) -> None:
        """Ends the install and undoes its steps. What cannot be undone now stays open for the next start."""
        install, row = draft.install, draft.row
        await self._note(install, Kind.CREATE_FAILED, why)
        if left := await self._undo(draft):
            await self._note(install, Kind.ALARM, f"not undone: {left}; the next start tries again")
            return
        if not row.old_volume:
            await self._store.remove_guest(row.spec.name)
        await self._store.close_journal(install.id)

    async def _undo(self, draft: Draft) -> str:
        """Undoes in reverse every step that was begun. Returns what could not be undone, "" where all was.

        Steps are known by their words: a plan that is made again may be shorter than the one cut off.
        """
        rows = [row for row in await self._store.open_journal() if row.install == draft.install.id]
        numbers = {row.step: row.number for row in rows}
        steps = [step for step in draft.plan.steps if describe(step) in numbers]
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
        kept = tuple(pair for pair in held.owned if pair[1] in held.data)
        holdings = replace(held, owned=(*held.leftover, *kept), temporary=(), leftover=())
        former = replace(row, volume=row.old_volume, old_volume="", holdings=holdings, first_stage=False)
        await self._store.put_guest(former)
        return begun

    async def _names_new(self, row: GuestRow) -> bool:
        """Whether the domain names the new disk: libvirt may have defined it without our hearing of it."""
        try:
            return row.volume in await self._hosts(row.uri).xml(row.spec.name)
        except ProvisionerError:
            return False

    async def _note(self, install: Install, kind: Kind, text: str) -> None:
        event = Event(kind, self._clock(), "service", install.mac, install.id, text)
        await self._store.record([event])

    async def _owned(self, making: Coroutine[Any, Any, Result]) -> Result:
        """A task of our own owns the making: who asked may go away."""
        task = asyncio.create_task(making)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


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


def _uploaded(plan: Plan, number: int, done: set[str]) -> bool:
    """Whether a step brought a file to the host, or made it for that, before the service was cut off.

    Such a volume may be in use by now: it is not written a second time.
    """
    if isinstance(plan.steps[number], LocalStep):
        number += 1  # what a local step makes is uploaded by the next one
    step = plan.steps[number]
    return isinstance(step, UploadVolume) and describe(step) in done
