"""Lists of packages, read when the first of their packages is asked for, the last few kept in memory."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial

from provisioner.core.digest import Expected
from provisioner.core.errors import NotFound, ProvisionerError, Unavailable
from provisioner.mirror.digests.table import Table
from provisioner.mirror.digests.unpack import PIECE, unpack
from provisioner.mirror.objects import Kept, Known, Objects, mark_used
from provisioner.mirror.roots import Root, packed, read_list
from provisioner.mirror.state import State, hashed, looked
from provisioner.mirror.vouching import Looked

Fetch = Callable[[str, str, Looked], Awaitable[Known]]
"""(source, path, what it must be): has it kept. Raises NotFound, Unavailable."""
MOST = 48 << 20
"""Bytes of all lists in memory together; the one of a large release takes about 8 million."""
_AGAIN_SECONDS = 30.0
_USED_SECONDS = 3600.0
_Key = tuple[str, str, str, str]


class Lists:
    """For one event loop."""

    def __init__(self, objects: Objects, fetch: Fetch, most: int = MOST) -> None:
        self._objects = objects
        self._fetch = fetch
        self._most = most
        self._tables: OrderedDict[_Key, Table] = OrderedDict()
        self._failed: OrderedDict[_Key, tuple[float, ProvisionerError]] = OrderedDict()
        self._reading: dict[_Key, asyncio.Task[Table]] = {}
        self._used: dict[_Key, float] = {}

    async def of(self, state: State, bare: str) -> Table | None:
        """The list of that name, fetched where it is not kept; None where the state has none.

        Raises Unavailable, NotFound or Invalid, the same for half a minute.
        """
        choices = list(packed(bare, state.reading.members))
        if not choices:
            return None
        best = state.reading.members[choices[0]]
        key = (state.source, choices[0], best.digest, best.signed)
        if key in self._tables:
            self._tables.move_to_end(key)
            self._use(state, choices, key)
            return self._tables[key]
        when, failure = self._failed.get(key, (0.0, None))
        if failure is not None and time.monotonic() - when < _AGAIN_SECONDS:
            raise failure.with_traceback(None)
        task = self._reading.get(key)
        if task is None:
            task = asyncio.create_task(self._read(state, bare, choices, key))
            self._reading[key] = task
            task.add_done_callback(partial(self._ended, key))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Gives up what is being read."""
        tasks = list(self._reading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _use(self, state: State, choices: list[str], key: _Key) -> None:
        """Without the list no package is found offline: as long as they are asked for, it is in use."""
        now = time.monotonic()
        if now - self._used.get(key, 0.0) > _USED_SECONDS:
            self._used = {one: self._used.get(one, 0.0) for one in self._tables} | {key: now}
            asyncio.get_running_loop().run_in_executor(None, self._lying, state, choices)

    def _ended(self, key: _Key, task: asyncio.Task[Table]) -> None:
        del self._reading[key]
        if not task.cancelled():
            task.exception()  # whoever waited for it may have left

    async def _read(self, state: State, bare: str, choices: list[str], key: _Key) -> Table:
        try:
            path, name = await self._had(state, bare, choices)
            expected = state.reading.members[path]
            table = await asyncio.to_thread(self._parsed, state, path, name, expected)
        except ProvisionerError as error:
            self._failed[key] = (time.monotonic(), error)
            if len(self._failed) > 256:
                self._failed.popitem(last=False)
            raise
        self._tables[key] = table
        while len(self._tables) > 1 and sum(one.bytes_held() for one in self._tables.values()) > self._most:
            self._tables.popitem(last=False)
        return table

    async def _had(self, state: State, bare: str, choices: list[str]) -> tuple[str, str]:
        """Has the list kept: the path of it in the state, and the one that it is kept by. Raises NotFound.

        It may just be coming for whoever asked for it. Servers leave out some of those packed otherwise.
        """
        if there := await asyncio.to_thread(self._lying, state, choices):
            return there
        *first, last = dict.fromkeys(
            [*([state.used[bare]] if bare in state.used else []), *((path, path) for path in choices)]
        )
        for path, name in first:
            with suppress(NotFound):
                await self._fetch(state.source, name, looked(state.reading.members[path]))
                return path, name
        await self._fetch(state.source, last[1], looked(state.reading.members[last[0]]))
        return last

    def _lying(self, state: State, choices: list[str]) -> tuple[str, str] | None:
        """The first that is kept, which is used now, and by which path."""
        for path in choices:
            expected = state.reading.members[path]
            for name in (path, hashed(path, expected)):
                if there := self._objects.find(state.source, name, expected.digest):
                    with there, suppress(OSError):
                        mark_used(there)
                    return path, name
        return None

    def _parsed(self, state: State, path: str, name: str, expected: Expected) -> Table:
        there = self._objects.find(state.source, name, expected.digest)
        if there is None:
            raise Unavailable(f"{name} was removed before it could be read")
        with there:
            return read(state.root, path, there, expected.signed)


def read(root: Root, path: str, kept: Kept, signed: str) -> Table:
    """Blocking. What the kept list at `path` says. Raises Invalid."""
    return read_list(root, path, unpack(_pieces(kept), path), signed)


def _pieces(kept: Kept) -> Iterator[bytes]:
    left = kept.known.size
    while left and (piece := kept.file.read(min(PIECE, left))):
        left -= len(piece)
        yield piece
