"""What is kept of trees: told, switched, checked, cleaned away. Fetching ahead is `mirror_sync`'s."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol

from provisioner.core.errors import Invalid, ProvisionerError
from provisioner.core.mirror import Census, Checked, Listed
from provisioner.core.profile import Tree
from provisioner.core.source import kind, shown
from provisioner.service.mirror_rules import Rules
from provisioner.service.mirror_sync import Progress, SyncPlan, Syncs
from provisioner.service.ports import Clock
from provisioner.service.ports.mirror import (
    Counts,
    Health,
    MirrorCache,
    MirrorContents,
    MirrorOrigins,
    MirrorStock,
)

_CENSUS_SHARE = 20
"""Counting what is kept takes no more than one part of the time in so many."""
_PLAN_SECONDS = 120.0
_SCRUB_PAUSE = 6 * 3600.0
"""Between the end of one scrub of everything and the beginning of the next."""
_SCRUB_NOTED = 32
"""After so many files it is remembered how far the scrub came."""

Selection = Callable[[Tree, str], Awaitable[tuple[Sequence[Listed], Sequence[str]]]]
"""(tree, profile) to the files of the packages that it installs, and the names that no package has."""
_Planned = tuple[tuple[Tree, bool, str], float, tuple[Sequence[Listed], Sequence[str]]]
Parts = Callable[[Tree], Awaitable[Sequence[str]]]
"""A tree's files that no install does without, beside kernel and initrd."""
Notes = Callable[[str], Sequence[str]]
"""A source to what has to be said of it, a sentence each."""


@dataclass(frozen=True, slots=True)
class TreeStatus:
    """`cached` is False for a tree of this host, of which nothing needs to be kept.

    `hits` to `fetched` (requests, bytes) are counted since the service started. `archive` is where the tree,
    or what has gone of it, is read from in place of its source.
    """

    tree: Tree
    cached: bool
    offline: bool
    kept: Census = field(default_factory=Census)
    hits: int = 0
    misses: int = 0
    served: int = 0
    fetched: int = 0
    upstreams: tuple[Health, ...] = ()
    archive: str = ""
    notes: tuple[str, ...] = ()
    sync: Progress | None = None

    @property
    def hit_rate(self) -> float | None:
        """Of the requests those that were served from what is kept, None before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None

    @property
    def saved(self) -> int:
        """Bytes that guests got and no upstream had to send."""
        return max(0, self.served - self.fetched)


@dataclass(frozen=True, slots=True)
class Verified:
    """The sum of a check: files by verdict, bytes read. `mended` were fetched again, `lost` could not be."""

    files: int = 0
    size: int = 0
    sound: int = 0
    unverified: int = 0
    broken: int = 0
    mended: int = 0
    lost: int = 0

    def also(self, item: Checked, *, mended: bool | None = None) -> "Verified":
        return replace(
            self,
            files=self.files + 1,
            size=self.size + item.size,
            sound=self.sound + (item.verdict == "sound"),
            unverified=self.unverified + (item.verdict == "unverified"),
            broken=self.broken + (item.verdict == "broken"),
            mended=self.mended + (mended is True),
            lost=self.lost + (mended is False),
        )


class TreeBook(Protocol):
    """The trees that are known."""

    async def list(self) -> Sequence[Tree]: ...
    async def get(self, name: str) -> Tree:
        """Raises NotFound."""
        ...

    async def put(self, tree: Tree) -> None: ...


class Mirror:
    """For one event loop. `select` tells which packages a profile installs, `parts` what else an installer
    is made of, `notes` what there is to say of a source.
    """

    def __init__(
        self,
        trees: TreeBook,
        rules: Rules,
        cache: MirrorCache,
        stock: MirrorStock,
        contents: MirrorContents,
        origins: MirrorOrigins,
        select: Selection,
        parts: Parts,
        clock: Clock,
        notes: Notes = lambda _: (),
    ) -> None:
        self._trees = trees
        self._rules = rules
        self._cache = cache
        self._stock = stock
        self._contents = contents
        self._origins = origins
        self._select = select
        self._parts = parts
        self._clock = clock
        self._notes = notes
        self._censuses: dict[str, tuple[float, Census]] = {}
        self._planned: _Planned | None = None
        self.syncs = Syncs(cache, stock, rules)

    # What is told.

    async def status(self, name: str = "") -> Sequence[TreeStatus]:
        """Of every tree, or of one. Raises NotFound."""
        trees = [await self._trees.get(name)] if name else await self._trees.list()
        counts = self._cache.counts()
        return [await self._status(tree, counts) for tree in trees]

    async def _status(self, tree: Tree, counts: Mapping[str, Counts]) -> TreeStatus:
        source = tree.source
        if kind(source) == "path":
            return TreeStatus(tree, cached=False, offline=False)
        mine = counts.get(source)
        return TreeStatus(
            tree,
            cached=True,
            offline=self._rules.offline(source),
            kept=await self._census(source),
            hits=mine.hits if mine else 0,
            misses=mine.misses if mine else 0,
            served=mine.bytes_served if mine else 0,
            fetched=mine.bytes_fetched if mine else 0,
            upstreams=tuple(self._origins.health(source)),
            archive=shown(self._origins.archive(source)),
            notes=tuple(map(shown, self._notes(source))),
            sync=self.syncs.running(tree.name),
        )

    async def _census(self, source: str) -> Census:
        """Counted anew each time, less often where counting takes long."""
        loop = asyncio.get_running_loop()
        until, known = self._censuses.get(source, (0.0, Census()))
        if loop.time() < until:
            return known
        began = loop.time()
        known = await self._stock.census(source)
        self._censuses[source] = (began + _CENSUS_SHARE * (loop.time() - began), known)
        return known

    @property
    def all_offline(self) -> bool:
        return self._rules.all_offline

    def alarms(self) -> Sequence[str]:
        """What somebody should see to, a sentence each."""
        return self._cache.alarms()

    # What is switched.

    async def offline(self, name: str, on: bool) -> Tree:
        """Raises NotFound, Invalid for a tree of this host."""
        return await self._set(replace(await self.cached(name), offline=on))

    async def offline_all(self, on: bool) -> None:
        """Raises Conflict where the setting keeps everything offline."""
        self._rules.switch_all(on)

    async def pin(self, name: str, on: bool) -> Tree:
        return await self._set(replace(await self.cached(name), pinned=on))

    async def quota(self, name: str, size: int) -> Tree:
        """`size` in bytes, 0 for none."""
        tree = await self._set(replace(await self.cached(name), quota=size))
        await self._cache.trim(tree.source)
        self._censuses.pop(tree.source, None)
        return tree

    async def _set(self, tree: Tree) -> Tree:
        await self._trees.put(tree)
        return tree

    async def cached(self, name: str) -> Tree:
        """A tree that something is kept of. Raises NotFound, Invalid for one of this host."""
        tree = await self._trees.get(name)
        if kind(tree.source) == "path":
            raise Invalid(
                f"tree {name} is {tree.source} on this host: nothing of it needs to be kept",
                remedy="the mirror is for trees at http, https, ftp and nfs addresses",
            )
        return tree

    # What is fetched ahead.

    async def plan(self, name: str, *, full: bool = False, profile: str = "") -> tuple[Tree, SyncPlan]:
        """What a sync would fetch. Raises NotFound, Invalid, Unavailable; Conflict for an offline tree."""
        tree = await self.cached(name)
        self.syncs.online(tree)
        if full and profile:
            raise Invalid("a whole tree has the packages of every profile", remedy="say one of the two")
        wanted, unresolved = await self._wanted(tree, full, profile)
        return tree, await self.syncs.plan(tree, wanted, unresolved)

    async def _wanted(self, tree: Tree, full: bool, profile: str) -> tuple[Sequence[Listed], Sequence[str]]:
        """Of a moment ago, or read anew: who has seen the plan of a sync asks for the same again."""
        loop, key = asyncio.get_running_loop(), (tree, full, profile)
        if self._planned is not None and self._planned[0] == key and loop.time() < self._planned[1]:
            return self._planned[2]
        before, began = self.syncs.fetched(tree.source), loop.time()
        unresolved: Sequence[str] = ()
        parts = await self._parts(tree)
        wanted = await (self._contents.full(tree, parts) if full else self._contents.basic(tree, parts))
        if profile:
            more, unresolved = await self._select(tree, profile)
            wanted = [*wanted, *more]
        self.syncs.measured(tree.source, self.syncs.fetched(tree.source) - before, loop.time() - began)
        self._planned = key, loop.time() + _PLAN_SECONDS, (wanted, unresolved)
        return wanted, unresolved

    # What is checked.

    async def verify(self, name: str = "") -> AsyncGenerator[Checked | Verified]:
        """Reads every kept file; each one, then the sum. Raises NotFound."""
        total = Verified()
        for source in await self._sources(name):
            async with aclosing(self._stock.check(source)) as found:
                async for item in found:
                    total = total.also(item)
                    yield item
        yield total

    async def repair(self, name: str = "") -> AsyncGenerator[Checked | Verified]:
        """The same; what is broken is dropped and fetched again. `reason` of such a one says how it went."""
        total = Verified()
        for source in await self._sources(name):
            async with aclosing(self._stock.check(source)) as found:
                async for item in found:
                    problem = await self._mend(source, item) if item.verdict == "broken" else ""
                    mended = None if item.verdict != "broken" else not problem
                    total = total.also(item, mended=mended)
                    again = "fetched again" if mended else f"dropped; {problem}"
                    yield item if mended is None else replace(item, reason=f"{item.reason}: {again}")
        self._censuses.clear()
        yield total

    async def _mend(self, source: str, item: Checked) -> str:
        """Drops a broken file and fetches it again; why that could not be, "" where it could."""
        await self._stock.drop(item.place)
        self._cache.removed(item.place)
        if not item.path:
            return "what it was cannot be told, it is fetched when it is asked for"
        try:
            await self._cache.fill(source, item.path)
        except ProvisionerError as error:
            return str(error)
        return ""

    async def _sources(self, name: str) -> Sequence[str]:
        if name:
            return [(await self.cached(name)).source]
        return list(dict.fromkeys(tree.source for tree in await self._trees.list() if _is_far(tree)))

    async def scrub(self, rate: int, tell: Callable[[str], None]) -> None:
        """Reads all that is kept over and over at `rate` bytes a second, and mends it. Goes on where the last
        service stopped; `tell` gets a sentence for each file that was broken.
        """
        while True:
            await self.scrub_once(rate, tell)
            await asyncio.sleep(_SCRUB_PAUSE)

    async def scrub_once(self, rate: int, tell: Callable[[str], None]) -> None:
        count = 0
        async with aclosing(self._stock.check(rate=rate, after=await self._stock.reached())) as found:
            async for item in found:
                count += 1
                if item.verdict == "broken":
                    tell(await self._scrubbed(item))
                if count % _SCRUB_NOTED == 0:
                    await self._stock.remember(item.place)
        await self._stock.remember("")

    async def _scrubbed(self, item: Checked) -> str:
        source = next((known for known in self._rules.sources() if shown(known) == item.source), "")
        name = f"{item.source}/{item.path}" if item.path else item.place
        if not source:
            await self._stock.drop(item.place)
            self._cache.removed(item.place)
            return f"kept file {name} is broken ({item.reason}): it is dropped"
        problem = await self._mend(source, item)
        return f"kept file {name} is broken ({item.reason}): " + (
            f"it is dropped; {problem}" if problem else "it was fetched again"
        )

    # What is cleaned away.

    async def clean(self, name: str, days: float) -> tuple[int, int]:
        """Removes what was not handed out for so many days; files and bytes that went."""
        tree = await self.cached(name)
        went = await self._stock.clean(tree.source, self._clock().timestamp() - days * 86400)
        self._censuses.pop(tree.source, None)
        return went

    async def drop(self, name: str) -> Census:
        """Removes all that is kept of a tree; what that was. Raises NotFound, Invalid."""
        tree = await self.cached(name)
        gone = await self._stock.census(tree.source)
        await self._cache.forget(tree.source)
        self._censuses.pop(tree.source, None)
        return gone


def _is_far(tree: Tree) -> bool:
    return kind(tree.source) != "path"
