"""Labs: planned and applied. What an apply makes is written down first, so that the next one knows it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace

from provisioner.core.errors import Conflict, Invalid, ProvisionerError, Unavailable
from provisioner.core.lab import Item, Lab, Ref
from provisioner.lab.secrets import sealed
from provisioner.service.lab_acts import Acts
from provisioner.service.lab_actual import Found, Look
from provisioner.service.lab_asked import Ask, Asked
from provisioner.service.lab_cases import Cases
from provisioner.service.lab_guests import LabGuests
from provisioner.service.lab_plan import LabPlan, Texts, planned
from provisioner.service.lab_run import MOST_AT_ONCE, Done, Run, Wish
from provisioner.service.lab_seals import Seals, profile_digests
from provisioner.service.ports import LabThing

_MENDED_SECONDS, _LOOK_SECONDS = 60.0, 0.1
_WRITTEN_EACH = 64
_PLAIN = Wish()
_NOTHING: Mapping[Ref, str] = {}


class Labs:
    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._seals = Seals(cases.store, cases.hypervisors)
        self._look = Look(cases, self._seals)
        guests = LabGuests(cases, self._seals)
        self._acts = Acts(cases, guests)
        self._texts = Texts(cases, guests)
        self._applying: set[str] = set()

    async def plan(self, lab: Lab, ask: Ask, *, prune: bool = False) -> LabPlan:
        """What an apply would do; nothing is changed. Raises Invalid for an item that asks for nonsense."""
        asked = await asyncio.to_thread(_asked, lab, ask)
        return await self._texts.of(await self._planned(lab, await self._look.at(lab), prune), asked)

    async def apply(self, lab: Lab, ask: Ask, wish: Wish = _PLAIN) -> AsyncGenerator[LabPlan | Done]:
        """The plan, then each change as it is done. Who stops listening stops those that were not begun.

        Raises Conflict while the same lab is being applied.
        """
        if not 0 <= wish.at_once <= MOST_AT_ONCE:
            raise Invalid(f"{wish.at_once} at once is out of range; {MOST_AT_ONCE} is the most")
        if lab.name in self._applying:
            raise Conflict(
                f"lab {lab.name} is being applied right now", remedy="wait for that, then apply again"
            )
        self._applying.add(lab.name)
        try:
            asked = await asyncio.to_thread(_asked, lab, ask)
            await self._mended(lab)
            found = await self._look.at(lab)
            plan = await self._planned(lab, found, wish.prune)
            yield plan
            ended: dict[Ref, str] = {}
            first = tuple(row for row in plan.rows if row.change.ref.kind == "host" and row.work)
            if first:  # what is on a host that comes now is compared once it is there
                async with aclosing(self._round(lab, found, replace(plan, rows=first), asked, wish)) as hosts:
                    async for done in hosts:
                        ended[done.change.ref] = done.ended
                        yield done
                found = await self._look.at(lab)
                again = await self._planned(lab, found, wish.prune)
                plan = replace(again, rows=tuple(row for row in again.rows if row.change.ref not in ended))
            async with aclosing(self._round(lab, found, plan, asked, wish, ended)) as others:
                async for done in others:
                    yield done
        finally:
            self._applying.discard(lab.name)

    async def _planned(self, lab: Lab, found: Found, prune: bool) -> LabPlan:
        """In a thread: a thousand things take their time."""
        return await asyncio.to_thread(planned, lab, found, self._cases, prune=prune)

    async def _round(
        self,
        lab: Lab,
        found: Found,
        plan: LabPlan,
        asked: Mapping[Ref, Asked],
        wish: Wish,
        ended: Mapping[Ref, str] = _NOTHING,
    ) -> AsyncGenerator[Done]:
        """`ended` is what became of things before."""
        book = _Book(self._cases, lab, found)
        await book.begin(plan)
        run = Run(self._acts, plan, asked, wish, book.began, ended)
        try:
            async with aclosing(run.results()) as results:
                async for done in results:
                    await book.end(done)
                    yield done
        finally:
            await asyncio.shield(self._close(book))

    async def _close(self, book: "_Book") -> None:
        await book.close()
        with suppress(ProvisionerError):  # the next apply seals what this one could not
            await self._seal(book.guests)

    async def _seal(self, names: set[str]) -> None:
        """Takes the definitions of guests that were just made, or taken over, for right."""
        anew = names - {seal.guest for seal in await self._cases.store.seals()}
        if anew:
            rows = [row for row in await self._cases.store.guests() if row.spec.name in anew]
            await self._seals.put(rows, profile_digests(await self._cases.profiles.list()))

    async def _mended(self, lab: Lab) -> None:
        """Waits for guests that somebody else makes just now: so does the reconciler with those that a killed
        service left half made, or it removes them.
        """
        names = {item.ref.name for item in lab.items if item.ref.kind == "guest"}
        store = self._cases.store
        deadline = asyncio.get_running_loop().time() + _MENDED_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            half = {row.install for row in await store.open_journal()}
            if not half or not any(
                row.install in half for row in await store.guests() if row.spec.name in names
            ):
                return
            await asyncio.sleep(_LOOK_SECONDS)


class _Book:
    """What is written down of an apply. `guests` are those that it made, keeps or took over."""

    def __init__(self, cases: Cases, lab: Lab, found: Found) -> None:
        self._cases = cases
        self._lab = lab
        self._found = found
        self._ended: list[LabThing] = []
        self._gone: list[Ref] = []
        self.guests: set[str] = set()

    async def begin(self, plan: LabPlan) -> None:
        """Before anything is made: whatever is there after a kill is known to be ours."""
        things = []
        for row in plan.rows:
            change, item = row.change, row.change.item
            if row.away or item is None:
                continue
            if change.action == "add":
                things.append(self._thing(item, begun=True))
            elif change.action == "keep":
                known = self._found.things.get(change.ref)
                thing = self._thing(item, made=known.made if known else False)
                if thing != known:
                    things.append(thing)
            if change.action in ("add", "keep", "replace") and change.ref.kind == "guest":
                self.guests.add(change.ref.name)
        await self._cases.store.put_lab_things(things)
        found = self._found
        kept = {item.ref for item in self._lab.items} | found.actual.keys() | found.away.keys()
        left = [ref for ref in found.things if ref not in kept]
        await self._cases.store.remove_lab_things(self._lab.name, left)

    async def began(self, item: Item) -> None:
        """What was there is gone, and what comes in its place is ours."""
        await self._cases.store.put_lab_things([self._thing(item, begun=True)])

    async def end(self, done: Done) -> None:
        change, item = done.change, done.change.item
        if done.result == "done" and change.action == "remove":
            self._gone.append(change.ref)
        elif done.result == "done" and item is not None:
            known = self._found.things.get(change.ref)
            made = change.action in ("add", "replace") or (known is not None and known.made)
            self._ended.append(self._thing(item, made=made))
        elif change.action == "add" and not isinstance(done.error, Unavailable):
            self._gone.append(change.ref)  # what failed for want of a host may be there in half
        if len(self._ended) + len(self._gone) >= _WRITTEN_EACH:
            await self._write()

    async def close(self) -> None:
        await self._write()

    async def _write(self) -> None:
        ended, gone = self._ended, self._gone
        self._ended, self._gone = [], []
        await self._cases.store.put_lab_things(ended)
        await self._cases.store.remove_lab_things(self._lab.name, gone)

    def _thing(self, item: Item, *, made: bool = True, begun: bool = False) -> LabThing:
        wanted = sealed(item, self._cases.tokens.seal)
        return LabThing(self._lab.name, item.ref, wanted, item.on, made=made, begun=begun)


def _asked(lab: Lab, ask: Ask) -> dict[Ref, Asked]:
    return {item.ref: ask(item) for item in lab.items}
