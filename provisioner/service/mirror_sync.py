"""A tree fetched before anybody asks for it: planned, then file by file; what is there is left as it is."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from provisioner.core.errors import Conflict, NotFound, ProvisionerError
from provisioner.core.mirror import Listed
from provisioner.core.profile import Tree
from provisioner.service.mirror_rules import Rules
from provisioner.service.ports.mirror import MirrorCache, MirrorStock

AT_ONCE = 8
"""Files fetched at a time; how many connections a server gets is the cache's to say."""
_HOPELESS = 20
"""After so many failures in a row nothing more is tried."""
_TOLD_SECONDS = 0.2
_FEW_BYTES = 1_000_000
"""Less says nothing of an upstream's speed."""


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What a sync fetches. `kept` files of `total_files` are there; bytes where the metadata tells them.

    `seconds` is what it takes at the speed that was measured, None where none was. `unresolved` are names
    that no package of the tree has.
    """

    tree: str
    total_files: int
    total_bytes: int
    kept: int
    files: int
    size: int
    unsized: int
    seconds: float | None
    unresolved: tuple[str, ...] = ()
    wanted: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """Files and bytes that are there of those that were to be fetched; `path` was the latest.

    `problem` says why that one could not be had. `over` with the last of them.
    """

    tree: str
    files: int
    of_files: int
    size: int
    of_size: int
    path: str = ""
    problem: str = ""
    failed: int = 0
    over: bool = False


class _Job:
    def __init__(self, plan: SyncPlan) -> None:
        self.now = Progress(plan.tree, 0, plan.files, 0, plan.size)
        self.problems: list[Progress] = []
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def tell(self, now: Progress) -> None:
        self.now = now
        if now.problem:
            self.problems.append(now)
        self.changed.set()


class Syncs:
    """For one event loop. One sync of a tree at a time."""

    def __init__(self, cache: MirrorCache, stock: MirrorStock, rules: Rules) -> None:
        self._cache = cache
        self._stock = stock
        self._rules = rules
        self._jobs: dict[str, _Job] = {}
        self._speeds: dict[str, float] = {}

    def running(self, tree: str) -> Progress | None:
        """How far the sync of a tree is, None where there is none."""
        job = self._jobs.get(tree)
        return job.now if job else None

    async def plan(self, tree: Tree, wanted: Sequence[Listed], unresolved: Sequence[str] = ()) -> SyncPlan:
        kept = await self._stock.paths(tree.source)
        missing = [item for item in _once(wanted) if item.changes or not _is_kept(item, kept)]
        fetched = [item for item in missing if not (item.changes and item.path in kept)]
        size = sum(item.size or 0 for item in fetched)
        speed = self._speeds.get(tree.source)
        return SyncPlan(
            tree.name,
            len(_once(wanted)),
            sum(item.size or 0 for item in _once(wanted)),
            len(_once(wanted)) - len(fetched),
            len(missing),
            size,
            sum(item.size is None for item in fetched),
            size / speed if speed else None,
            tuple(unresolved),
            tuple(missing),
        )

    def online(self, tree: Tree) -> None:
        """Raises Conflict where nothing may be fetched for it."""
        if self._rules.offline(tree.source):
            raise Conflict(
                f"tree {tree.name} is offline: nothing is fetched for it",
                remedy="provisioner mirror offline "
                + ("--all off" if self._rules.all_offline else f"{tree.name} off"),
            )

    def measured(self, source: str, size: int, seconds: float) -> None:
        """So many bytes came from its upstreams in that time."""
        if size >= _FEW_BYTES and seconds > 0:
            self._speeds[source] = size / seconds

    def fetched(self, source: str) -> int:
        """Bytes that came from its upstreams since the service started."""
        counts = self._cache.counts().get(source)
        return counts.bytes_fetched if counts else 0

    def begin(self, tree: Tree, plan: SyncPlan) -> None:
        """Goes on by itself until it is over or stopped. Raises Conflict."""
        if tree.name in self._jobs:
            raise Conflict(
                f"tree {tree.name} is being synced already",
                remedy=f"see provisioner mirror status {tree.name}, or: provisioner mirror stop {tree.name}",
            )
        self.online(tree)
        job = self._jobs[tree.name] = _Job(plan)
        job.task = asyncio.create_task(self._run(tree, plan, job))

    async def follow(self, tree: Tree, plan: SyncPlan) -> AsyncGenerator[Progress]:
        """Begins it and tells how it goes, each problem and the end for certain. Who leaves stops it."""
        self.begin(tree, plan)
        job = self._jobs[tree.name]
        told = 0
        try:
            while True:
                await job.changed.wait()
                job.changed.clear()
                while told < len(job.problems):
                    yield job.problems[told]
                    told += 1
                yield replace(job.now, problem="")
                if job.now.over:
                    return
                await asyncio.sleep(_TOLD_SECONDS)
        finally:
            await self._end(job)

    async def stop(self, tree: str) -> None:
        """Raises NotFound where it is not being synced."""
        job = self._jobs.get(tree)
        if job is None:
            raise NotFound(f"tree {tree} is not being synced")
        await self._end(job)

    async def close(self) -> None:
        for job in list(self._jobs.values()):
            await self._end(job)

    async def _end(self, job: _Job) -> None:
        if job.task is not None:
            job.task.cancel()
            with suppress(asyncio.CancelledError):
                await job.task

    async def _run(self, tree: Tree, plan: SyncPlan, job: _Job) -> None:
        before, began = self.fetched(tree.source), time.monotonic()
        left = deque(plan.wanted)
        state = _State()
        watching = asyncio.create_task(self._watch(tree, plan, job, before, state))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._work(tree, left, job, state))
        finally:
            watching.cancel()
            self.measured(tree.source, self.fetched(tree.source) - before, time.monotonic() - began)
            self._jobs.pop(tree.name, None)
            job.tell(replace(self._now(plan, job, state), over=True))

    async def _work(self, tree: Tree, left: deque[Listed], job: _Job, state: "_State") -> None:
        while left and self._rules.trees(tree.source):  # a tree may be forgotten meanwhile
            item = left.popleft()
            problem = ""
            try:
                filled = await self._cache.fill(tree.source, item.path)
                state.done, state.size, state.row = state.done + 1, state.size + filled.size, 0
            except NotFound as error:
                if item.optional:
                    state.done += 1
                else:
                    problem = str(error)
            except (ProvisionerError, OSError) as error:
                problem = str(error)
            if problem:
                state.failed, state.row = state.failed + 1, state.row + 1
            job.tell(replace(job.now, path=item.path, problem=problem, files=state.done, failed=state.failed))
            if state.row >= _HOPELESS and left:
                left.clear()
                gone = f"nothing more is tried after {_HOPELESS} failures in a row; the last: {problem}"
                job.tell(replace(job.now, path="", problem=gone))

    async def _watch(self, tree: Tree, plan: SyncPlan, job: _Job, before: int, state: "_State") -> None:
        """A large file tells of itself while it comes."""
        while True:
            await asyncio.sleep(_TOLD_SECONDS)
            state.came = self.fetched(tree.source) - before
            job.now = self._now(plan, job, state)
            job.changed.set()

    def _now(self, plan: SyncPlan, job: _Job, state: "_State") -> Progress:
        size = min(plan.size, max(state.size, state.came)) if plan.size else max(state.size, state.came)
        return replace(job.now, files=state.done, size=size, failed=state.failed, problem="")


@dataclass(slots=True)
class _State:
    """`came` bytes from upstreams, `size` bytes of files that are there, `row` failures in a row."""

    done: int = 0
    size: int = 0
    came: int = 0
    failed: int = 0
    row: int = 0


def _once(wanted: Sequence[Listed]) -> list[Listed]:
    """The first that is said of each path."""
    return list({item.path: item for item in reversed(wanted)}.values())[::-1]


def _is_kept(item: Listed, kept: Mapping[str, set[tuple[int, str]]]) -> bool:
    """Whether what is kept of it is what it must be, as far as that can be told by size and SHA-256."""
    there = kept.get(item.path)
    if not there or item.expected is None:
        return bool(there)
    if item.expected.algorithm == "sha256":
        return any(digest == item.expected.digest for _, digest in there)
    return any(item.expected.size in (None, size) for size, _ in there)
