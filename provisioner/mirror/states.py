"""Which state of a repository a client is in, and what each file of it must be.

A guest that was given a root file stays with its state for an hour, whatever the upstream becomes meanwhile;
a new state is handed out once all of it that was used of the old one is here.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache

from provisioner.core.digest import Expected
from provisioner.core.errors import ProvisionerError, Unavailable
from provisioner.mirror.lists import Fetch, Lists
from provisioner.mirror.objects import Objects
from provisioner.mirror.pointers import Pointers
from provisioner.mirror.renewal import Open, Refused, Renewal
from provisioner.mirror.roots import Reading, Root, governing, guessed, lists
from provisioner.mirror.signatures import SHIPPED
from provisioner.mirror.state import State, looked
from provisioner.mirror.vouching import Looked

FRESH_SECONDS = 600.0
"""So long the root files of a state are handed out before the upstream is asked for a new one."""
PINNED_SECONDS = 3600.0
"""So long a client is given the root files of the state that it was given first."""
_REMEMBERED_SECONDS = 86400.0
"""So long the other files that a client asks for are of the state whose root files it had last."""
_AGAIN_SECONDS = 60.0
_PATIENCE_SECONDS = 5.0
"""A new state is waited for so long; then the old one serves until the new one is there."""
_NOBODY_SECONDS = 5.0
"""So long it is remembered that nothing vouches for a file."""
_CLIENTS = 4096
_ROOTS = 1024
_MEMORY = 16384


Lookup = Callable[[Root, Reading, str, Sequence[str]], Iterator[str]]
"""As `roots.lists`."""


class _Entry:
    """A repository that was asked for: its current state, None where there is none, and who is in which."""

    def __init__(self, source: str, root: Root, state: State | None = None) -> None:
        self.source = source
        self.root = root
        self.state = state
        self.due = 0.0
        self.task: asyncio.Task[None] | None = None
        self.begun = 0.0
        self.failed = ""
        self.refused = ""
        self.lists: dict[str, str] = {}
        self.pins: OrderedDict[str, tuple[State, float]] = OrderedDict()

    def seen_by(self, client: str, now: float, seconds: float) -> State | None:
        """The state that a client has been in for less than so long."""
        state, since = self.pins.get(client, (None, 0.0))
        return state if now - since < seconds else None

    def given_to(self, client: str, now: float) -> State | None:
        """The state whose root files a client is still given."""
        state = self.seen_by(client, now, PINNED_SECONDS)
        return None if state is None or state.left else state

    def pin(self, client: str, state: State, now: float) -> None:
        if client and self.given_to(client, now) is not state:
            self.pins[client] = (state, now)
            self.pins.move_to_end(client)
        while self.pins:
            first = next(iter(self.pins))
            if len(self.pins) <= _CLIENTS and now - self.pins[first][1] < _REMEMBERED_SECONDS:
                return
            del self.pins[first]


class States:
    """Satisfies `cache.Vouching`. For one event loop.

    `fetch` has a member kept, as `Cache.fetch`; `clock` gives seconds since 1970. `keys` and `blame` as
    `Renewal` has them, `offline` tells of a source that nobody may be asked.
    """

    def __init__(
        self,
        objects: Objects,
        open_file: Open,
        fetch: Fetch,
        *,
        keys: Callable[[str], str] = lambda source: "",
        blame: Callable[[str, str], None] = lambda url, reason: None,
        offline: Callable[[str], bool] = lambda source: False,
        clock: Callable[[], float] = time.time,
        shipped: Sequence[str] = SHIPPED,
    ) -> None:
        self._objects = objects
        self._pointers = Pointers(objects)
        self._renewal = Renewal(objects, self._pointers, open_file, fetch, keys, blame, clock, shipped)
        self._lists = Lists(objects, fetch)
        self._offline = offline
        self._clock = clock
        self._entries: dict[str, dict[Root, _Entry]] = {}
        self._loading: dict[str, asyncio.Lock] = {}
        self._memory: dict[tuple[str, str], tuple[_Entry, State, Looked]] = {}
        self._nobody: dict[tuple[str, str], float] = {}

    async def look(self, source: str, path: str, client: str = "") -> Looked | None:
        """None where nothing vouches for the file. Raises Unavailable for metadata that is refused because
        its signature is wrong, as long as no state is known that is right.
        """
        with suppress(LookupError):
            return self.known(source, path, client)
        entries = await self._of(source)
        near = [self._entry(entries, source, root) for root in _governing(path, _known(entries))]
        if near and near[0].root.kind in ("treeinfo", "sums") and path not in near[0].root.files:
            await asyncio.gather(*(self._newest(entry) for entry in near if entry.state is None))
        for entry in near:
            if path in entry.root.files:
                found = await self._root_file(entry, path, client)
            else:
                found = await self._member(entry, path, client, lists)
            if found is not None:
                return found
        for entry in near:
            if (found := await self._member(entry, path, client, _unread)) is not None:
                return found
        if len(self._nobody) >= _MEMORY:
            self._nobody.clear()
        if (found := _by_its_name(path)) is None:
            self._nobody[(source, path)] = self._clock() + _NOBODY_SECONDS
        return found

    def known(self, source: str, path: str, client: str = "") -> Looked | None:
        """The same without waiting for anything. Raises LookupError where that cannot be."""
        if (until := self._nobody.get((source, path))) is not None and self._clock() < until:
            return None
        entry, state, found = self._memory[(source, path)]
        if state is not self._seen(entry, client):
            raise LookupError(path)
        return found

    async def doubt(self, source: str, path: str, digest: str) -> bool:
        """A file was not that: whether its repository changed, or is changing, so that nobody gives it now.

        Then clients that are in an older state are given the current one when they ask for root files again.
        """
        entries = await self._of(source)
        for root in _governing(path, _known(entries)):
            entry = entries.get(root)
            if entry is None or entry.state is None:
                continue
            before = entry.state
            found = await self._must(entry, before, path, lists)
            if found is not None and found.key == digest:
                entry.due = 0.0
                await self._newest(entry)
                if entry.state is before and not entry.failed:
                    return False
            for state, _ in entry.pins.values():
                state.left = state is not entry.state
            return True
        return False

    def told(self, source: str) -> list[str]:
        """What of a source is not vouched for, and why: a sentence each."""
        said = []
        for root, entry in self._entries.get(source, {}).items():
            state = entry.state
            names = state is not None and len(state.reading.members) > 0
            if state is not None and names and root.kind != "treeinfo" and not state.pointer.signed:
                said.append(f"{next(iter(state.files))} is not signed for sure: {state.pointer.unsigned}")
            said += [why for why in (entry.failed, *entry.lists.values()) if why]
        return list(dict.fromkeys(said))

    def forget(self, source: str) -> None:
        """What is kept of it was removed."""
        for entry in self._entries.pop(source, {}).values():
            if entry.task is not None:
                entry.task.cancel()
        self._memory = {key: row for key, row in self._memory.items() if key[0] != source}

    async def close(self) -> None:
        """Gives up what is being fetched."""
        tasks = [entry.task for rows in self._entries.values() for entry in rows.values() if entry.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._lists.close()

    async def _of(self, source: str) -> dict[Root, _Entry]:
        """The repositories of a source, read from the disk the first time."""
        if source not in self._entries:
            async with self._loading.setdefault(source, asyncio.Lock()):
                if source not in self._entries:
                    self._entries[source] = await asyncio.to_thread(self._restored, source)
        return self._entries[source]

    def _restored(self, source: str) -> dict[Root, _Entry]:
        found = {}
        for state in self._renewal.restored(source):
            found[state.root] = entry = _Entry(source, state.root, state)
            entry.due = state.pointer.checked + FRESH_SECONDS
        return found

    def _entry(self, entries: dict[Root, _Entry], source: str, root: Root) -> _Entry:
        entry = entries.get(root)
        if entry is None:
            if len(entries) >= _ROOTS:
                for other in [one for one, row in entries.items() if not row.state and not row.task]:
                    del entries[other]
            entry = entries[root] = _Entry(source, root)
        return entry

    def _seen(self, entry: _Entry, client: str) -> State | None:
        """The state that files beside the root files are of."""
        return entry.seen_by(client, self._clock(), _REMEMBERED_SECONDS) or entry.state

    async def _root_file(self, entry: _Entry, path: str, client: str) -> Looked | None:
        now = self._clock()
        state = entry.given_to(client, now)
        if state is None:
            await self._newest(entry)
            state = entry.state
        if state is None:
            if entry.refused:
                raise Unavailable(entry.refused)
            return None
        found = state.file(path)
        if found is not None:
            entry.pin(client, state, now)
            await asyncio.to_thread(state.keep, self._objects, path)
        return found

    async def _member(self, entry: _Entry, path: str, client: str, which: Lookup) -> Looked | None:
        if self._seen(entry, client) is None:
            await self._newest(entry)
        state = self._seen(entry, client)
        if state is None:
            if entry.refused and not path.endswith((".rpm", ".deb", ".udeb")):
                raise Unavailable(entry.refused)
            return None
        found = await self._must(entry, state, path, which)
        if found is not None:
            if len(self._memory) >= _MEMORY:
                self._memory.clear()
            self._memory[(entry.source, path)] = (entry, state, found)
        return found

    async def _must(self, entry: _Entry, state: State, path: str, which: Lookup) -> Looked | None:
        """By the root files, or by one of those lists that they name."""
        if (found := state.member(path)) is not None:
            return found
        for bare in which(state.root, state.reading, path, tuple(state.used)):
            try:
                table = await self._lists.of(state, bare)
                entry.lists.pop(bare, None)
            except ProvisionerError as error:
                entry.lists[bare] = str(error)
                continue
            if table is not None and (must := table.get(path)) is not None:
                return looked(must)
        return None

    async def _newest(self, entry: _Entry) -> None:
        """Asks the upstream where that is due, and waits for what it says as long as that is worth it."""
        if entry.task is None and self._clock() >= entry.due and not self._offline(entry.source):
            entry.task = asyncio.create_task(self._renew(entry))
            entry.begun = time.monotonic()
        if entry.task is not None:
            patience = _PATIENCE_SECONDS if entry.state else 6 * _PATIENCE_SECONDS
            left = entry.begun + patience - time.monotonic()
            await asyncio.wait({entry.task}, timeout=max(0.0, left))

    async def _renew(self, entry: _Entry) -> None:
        wait = _AGAIN_SECONDS
        try:
            state = await self._renewal.newest(entry.source, entry.root, entry.state)
            if state is not entry.state:
                entry.state = state
                self._nobody.clear()
            entry.failed = entry.refused = ""
            wait = FRESH_SECONDS
        except* (ProvisionerError, OSError) as errors:
            error = _first(errors)
            entry.failed = str(error)
            entry.refused = str(error) if isinstance(error, Refused) else ""
        finally:
            entry.due = self._clock() + wait
            entry.task = None


def _unread(root: Root, reading: Reading, path: str, used: Sequence[str]) -> Iterator[str]:
    """Where no list that was read has the file."""
    return (bare for bare in guessed(root, path) if bare not in used)


@lru_cache(maxsize=4096)
def _governing(path: str, known: frozenset[Root]) -> tuple[Root, ...]:
    return tuple(dict.fromkeys(governing(path, known)))


def _known(entries: dict[Root, _Entry]) -> frozenset[Root]:
    return frozenset(root for root, entry in entries.items() if entry.state is not None)


def _by_its_name(path: str) -> Looked | None:
    """A file below by-hash/ is its digest, whichever state it is of."""
    folder, _, digest = path.rpartition("/")
    algorithm = folder.rpartition("/by-hash/")[2].lower()
    lengths = {"sha256": 64, "sha512": 128}
    if lengths.get(algorithm) != len(digest) or not set(digest) <= set("0123456789abcdef"):
        return None
    return looked(Expected(algorithm, digest, None, path))


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
