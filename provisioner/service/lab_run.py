"""An apply of a lab: each change by itself, after what it needs, a few at a time on a host and in a pool."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from provisioner.core.lab import Change, Item, Ref
from provisioner.service.lab_acts import Acts
from provisioner.service.lab_asked import Asked, CloneAsked
from provisioner.service.lab_plan import LabPlan, Planned
from provisioner.service.requests import CreateGuest

MOST_AT_ONCE = 256
_AT_ONCE = 32
_ON_HOST, _IN_POOL = 16, 16
_POOL = re.compile(r"(?:^|,)(?:pool=|vol=)([^,/]+)")
Result = Literal["done", "failed", "left"]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one change. `left`: it was not begun, `text` says why; `error` what it failed with."""

    change: Change
    result: Result
    text: str = ""
    error: Exception | None = None

    @property
    def ended(self) -> str:
        """A clause that says why it is not there, "" where it is."""
        match self.result:
            case "done":
                return ""
            case "failed":
                return "failed"
            case "left":
                return f"was left: {self.text}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an apply may do beside adding and changing: `replace` what cannot be changed in place.

    `at_once` guests install at a time, 0: as many as may be.
    """

    prune: bool = False
    replace: bool = False
    at_once: int = 0


class Run:
    """One apply. `began` is called before something is made in the place of something; `ended` tells what
    became of things that are not in the plan.
    """

    def __init__(
        self,
        acts: Acts,
        plan: LabPlan,
        asked: Mapping[Ref, Asked],
        wish: Wish,
        began: Callable[[Item], Awaitable[None]],
        ended: Mapping[Ref, str],
    ) -> None:
        self._acts = acts
        self._plan = plan
        self._asked = asked
        self._wish = wish
        self._began = began
        self._told: asyncio.Queue[Done | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self._ends: dict[Ref, asyncio.Future[str]] = {
            row.change.ref: loop.create_future() for row in plan.rows
        }
        """By thing: "" once it is there, or a clause that says why it is not."""
        for ref, why in ended.items():
            self._ends[ref] = loop.create_future()
            self._ends[ref].set_result(why)
        self._all = asyncio.Semaphore(wish.at_once or _AT_ONCE)
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._pools: dict[tuple[str, str], asyncio.Semaphore] = {}

    async def results(self) -> AsyncGenerator[Done]:
        """Each change as it is done. Who stops listening stops those that were not begun."""
        left = sum(row.away or row.change.action != "keep" for row in self._plan.rows)
        work = asyncio.create_task(self._work())
        work.add_done_callback(lambda _: self._told.put_nowait(None))
        try:
            while left and (done := await self._told.get()) is not None:
                left -= 1
                yield done
            if work.done():
                work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _work(self) -> None:
        """Guests that go make room first, what they stood on goes last."""
        rows = self._plan.rows
        going = [row for row in rows if row.change.action == "remove"]
        async with asyncio.TaskGroup() as group:
            for row in (row for row in going if row.change.ref.kind == "guest"):
                group.create_task(self._one(row))
        staying = [row for row in rows if row.change.action != "remove"]
        batches: dict[tuple[object, ...], list[Planned]] = {}
        async with asyncio.TaskGroup() as group:
            for row in staying:
                asked = self._asked.get(row.change.ref)
                item = row.change.item
                if row.change.action == "keep" and not row.away:
                    self._ends[row.change.ref].set_result("")
                elif isinstance(asked, CloneAsked) and item and row.change.action in ("add", "replace"):
                    key = (asked.source, asked.linked, asked.start, item.needs)
                    batches.setdefault(key, []).append(row)
                else:
                    group.create_task(self._one(row))
            for batch in batches.values():
                group.create_task(self._clones(batch))
        for row in (row for row in going if row.change.ref.kind != "guest"):
            await self._one(row)

    async def _one(self, row: Planned) -> None:
        change = row.change
        if why := await self._against(row):
            self._end(change, Done(change, "left", why))
            return
        try:
            async with self._turn(change):
                text = await self._carried_out(change)
                self._end(change, Done(change, "done", text))
                if self._wish.at_once and isinstance(self._asked.get(change.ref), CreateGuest):
                    await self._acts.installed(change.ref.name)
        except Exception as error:
            if not self._ends[change.ref].done():
                self._end(change, Done(change, "failed", str(error), error))

    async def _carried_out(self, change: Change) -> str:
        ref, item = change.ref, change.item
        if change.action == "remove" or item is None:
            return await self._acts.remove(ref)
        asked = self._asked[ref]
        match change.action:
            case "add":
                return await self._acts.add(ref, asked)
            case "change":
                return await self._acts.change(change, asked)
            case _:
                return await self._acts.replace(ref, asked, lambda: self._began(item))

    async def _clones(self, batch: Sequence[Planned]) -> None:
        """Clones of one original, which is looked at once."""
        rows = {}
        for row in batch:
            if why := await self._against(row):
                self._end(row.change, Done(row.change, "left", why))
            else:
                rows[row.change.ref.name] = row.change
        if not rows:
            return
        asked = [one for c in rows.values() if isinstance(one := self._asked[c.ref], CloneAsked)]
        try:
            if why := await self._acts.unready(asked[0].source):
                for change in rows.values():
                    self._end(change, Done(change, "left", why))
                return
            for change in rows.values():
                if change.action == "replace" and change.item:
                    await self._acts.remove(change.ref)
                    await self._began(change.item)
            async with aclosing(self._acts.clones(asked, self._wish.at_once)) as making:
                async for name, made in making:
                    change = rows.pop(name)
                    if isinstance(made, Exception):
                        self._end(change, Done(change, "failed", str(made), made))
                    else:
                        self._end(change, Done(change, "done", f"cloned from {asked[0].source}"))
        except Exception as error:
            for change in rows.values():
                self._end(change, Done(change, "failed", str(error), error))

    async def _against(self, row: Planned) -> str:
        """Why nothing is done, "" where nothing stands against it. Waits for what it needs."""
        change = row.change
        if row.away or change.action == "refuse":
            return change.reason
        if row.held:
            return row.held
        if change.action == "replace" and not self._wish.replace:
            return f"{change.reason}; making it anew was not allowed"
        for ref in change.item.needs if change.item else ():
            if (end := self._ends.get(ref)) and (why := await asyncio.shield(end)):
                return f"it needs {ref}, which {why}"
        return ""

    def _end(self, change: Change, done: Done) -> None:
        if not self._ends[change.ref].done():
            self._ends[change.ref].set_result(done.ended)
        self._told.put_nowait(done)

    @asynccontextmanager
    async def _turn(self, change: Change) -> AsyncIterator[None]:
        """Its turn among all, on its host, and in the pools of its disks."""
        item, ref = change.item, change.ref
        host = ref.host or (item.on if item else "")
        asked = self._asked.get(ref)
        async with AsyncExitStack() as held:
            if ref.kind in ("guest", "network", "pool"):
                await held.enter_async_context(self._hosts.setdefault(host, asyncio.Semaphore(_ON_HOST)))
            for pool in sorted(pools(asked)):
                turns = self._pools.setdefault((host, pool), asyncio.Semaphore(_IN_POOL))
                await held.enter_async_context(turns)
            await held.enter_async_context(self._all)
            yield


def pools(asked: Asked | None) -> set[str]:
    """Those that a guest's disks are made in."""
    if not isinstance(asked, CreateGuest):
        return set()
    found = (_POOL.search(text) for text in asked.disks or ("",))
    return {one[1] if one else "default" for one in found}
