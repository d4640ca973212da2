"""Trees behind other servers, each file fetched once: from the disk, from what comes just now, or fetched.

The signature is `Upstream.open`'s, so whoever reads trees reads them through this or without it alike.
"""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from provisioner.core.errors import NotFound, Unavailable
from provisioner.core.source import kind, shown
from provisioner.mirror.fetching import Fetch, Origins, ends
from provisioner.mirror.filling import Fill
from provisioner.mirror.lacks import Lacks
from provisioner.mirror.objects import Known, Objects
from provisioner.mirror.patience import Patience
from provisioner.mirror.ranges import apart, is_far, is_probe
from provisioner.mirror.room import Room
from provisioner.mirror.shelf import Key, Shelf, Shelved
from provisioner.mirror.stream import File, Headers, Pieces, Stream, absent, answer, seconds
from provisioner.mirror.types import content_type
from provisioner.mirror.upstream import handed_on
from provisioner.mirror.vouching import Doubt, Looked, Nobody, Vouching, certain

STALE_SECONDS = 7 * 86400.0
"""So long a file is served that should have been asked for again, while its upstream is away."""
AWAY_SECONDS = 30.0
"""An upstream that did not answer is asked again after so long, and nobody waits for that."""
_WAIT_SECONDS = 3.0
_MISSED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Count:
    """Since the start: requests, and bytes of bodies handed out and of those that came from upstreams."""

    hits: int = 0
    misses: int = 0
    bytes_served: int = 0
    bytes_fetched: int = 0


_HITS, _MISSES, _SERVED, _FETCHED = range(4)
Hit = Callable[[str, str, Headers | None], Stream | None]
_BY_NAME = Looked("", None, False)


class Cache:
    """For one event loop. `offline` tells of a source that nobody may be asked for what is not kept."""

    def __init__(
        self,
        origins: Origins,
        objects: Objects,
        vouching: Vouching | None = None,
        *,
        offline: Callable[[str], bool] = lambda source: False,
        quota: int = 0,
        quota_of: Callable[[str], int] = lambda source: 0,
        sources: Callable[[], Collection[str]] = tuple,
        pinned: Callable[[str], bool] = lambda source: False,
        own: Hit = lambda source, path, headers: None,
        patience: Patience | None = None,
    ) -> None:
        self.vouching: Vouching = vouching or Nobody()
        self.doubt: Doubt = certain
        self._origins = origins
        self._objects = objects
        self._offline = offline
        self._patience = patience or Patience()
        self._shelf = Shelf(objects)
        self.room = Room(
            objects, quota, quota_of=quota_of, sources=sources, pinned=pinned, removed=self._removed
        )
        self._own = own
        self._loop = asyncio.get_running_loop()
        self._full = ""
        """Why the last file that came could not be kept."""
        self._fills: dict[Key, Fill] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._missed: dict[Key, float] = {}
        self._lacks = Lacks(objects.root / "lacks")
        self._away: dict[str, float] = {}
        self._tallies: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])

    @asynccontextmanager
    async def open(
        self, source: str, path: str, headers: Headers | None = None, *, client: str = ""
    ) -> AsyncIterator[Stream]:
        """The file at `path` below a tree's `source`, for the client at that address.

        Raises Unavailable naming the URL: no upstream answers, or none may be asked and it is not kept.
        """
        if kind(source) == "path":
            async with self._origins.open(source, path, headers) as stream:
                yield stream
            return
        if ".." in path.split("/"):
            yield absent()
            return
        asked = handed_on(headers) if headers else {}
        looked = await self.vouching.look(source, path, client) or _BY_NAME
        key = Key(source, path, looked.key)
        hit = self._shelf.get(key) or await self._shelf.find(key)
        if hit is None:
            async with self._missing(key, looked, asked) as stream:
                yield stream
            return
        fill = None if self._fresh(hit, key, looked) else await self._asked_again(hit, key, looked)
        if fill is not None:
            async with self._following(fill, key, asked) as stream:
                yield stream
            return
        stream = self._handed_out(hit, key, asked)
        if self._fresh(hit, key, looked):
            yield stream
        else:
            yield replace(stream, headers={**stream.headers, **_old(time.time() - hit.checked)})

    def hit(
        self, source: str, path: str, headers: Headers | None = None, *, client: str = ""
    ) -> Stream | None:
        """What `open` would give of a file that lies ready, without waiting for anything; None for others.

        It is to be sent from where it lies: a request for all of an unchanged file gets one and the same.
        """
        if kind(source) == "path":
            return self._own(source, path, headers)
        try:
            looked = self.vouching.known(source, path, client) or _BY_NAME
        except LookupError:
            return None
        key = Key(source, path, looked.key)
        hit = self._shelf.get(key)
        if hit is None or not self._fresh(hit, key, looked):
            return None
        asked = handed_on(headers) if headers else {}
        return self._handed_out(hit, key, asked or None)

    async def fill(self, source: str, path: str, *, client: str = "") -> Known:
        """Has it kept, fetched where it is not, and verified where anything vouches for it.

        Raises NotFound where no upstream has it, Unavailable where it cannot be fetched, verified or kept.
        """
        looked = await self.vouching.look(source, path, client) or _BY_NAME
        return await self.fetch(source, path, looked)

    async def fetch(self, source: str, path: str, looked: Looked) -> Known:
        """The same for a file of which it is known already what it must be."""
        key = Key(source, path, looked.key)
        name = _name(key)
        hit = await self._shelf.find(key)
        if hit is not None and self._fresh(hit, key, looked):
            return hit.known
        if self._offline(source):
            raise _is_offline(name)
        fill = self._coming(key) or self._begun(key, looked, hit)
        with fill.joined():
            known = await fill.ended()
        if fill.answer == "absent":
            raise NotFound(f"{name} is not there")
        if known is None:
            raise Unavailable(
                f"{name} cannot be kept in {self._objects.root}: {fill.why}", remedy="make room on its disk"
            )
        return known

    def counts(self) -> Mapping[str, Count]:
        """By source."""
        return {source: Count(*tally) for source, tally in self._tallies.items()}

    def fetching(self) -> Sequence[tuple[str, str, int, int | None]]:
        """What is being fetched: source, path, bytes that are there, size where it is known."""
        return [(fill.source, fill.path, fill.have, fill.size) for fill in self._fills.values()]

    def removed(self, place: str) -> None:
        """A kept file was removed behind the cache's back; `place` is below the folder of the objects."""
        self._shelf.removed([self._objects.root / place])

    async def trim(self, source: str) -> None:
        """Its limit may be a smaller one now."""
        await asyncio.to_thread(self.room.added, source, 0)

    def alarms(self) -> Sequence[str]:
        """What somebody should see to, a sentence each."""
        place = self._objects.root
        said = f"nothing can be kept in {place} ({self._full}): what comes is passed on as it comes"
        return [said] if self._full else []

    async def forget(self, source: str) -> None:
        """Removes all that is kept and known of a source."""
        await asyncio.to_thread(self.room.forget, source)
        self._shelf.forget(source)
        self.vouching.forget(source)

    async def start(self) -> None:
        """Sweeps what was left half filled; what is kept is counted a moment later."""
        await asyncio.to_thread(self._objects.sweep)
        await self._lacks.load()
        counting = asyncio.create_task(self.room.settle())
        self._tasks.add(counting)
        counting.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Gives up what is being fetched."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._lacks.close()
        self._shelf.clear()

    # What is kept.

    def _fresh(self, hit: Shelved, key: Key, looked: Looked) -> bool:
        return looked.immutable or time.time() - hit.checked < hit.believed or self._offline(key.source)

    async def _asked_again(self, hit: Shelved, key: Key, looked: Looked) -> Fill | None:
        """The fill of what it is now, None where it is to be served as it is.

        Raises Unavailable where it may not be served so any more.
        """
        away = time.monotonic() - self._away.get(key.source, -AWAY_SECONDS)
        fill = self._coming(key)
        if fill is None and away >= AWAY_SECONDS:
            fill = self._begun(key, looked, hit)
            if key.source in self._away:
                self._away[key.source] = time.monotonic()
        why = f"{_name(key)} was not to be had for a week, and what is kept of it is too old"
        if fill is not None and key.source not in self._away:
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    with fill.joined():
                        found = await fill.answered()
                if found == "same":
                    hit.checked = time.time()
                if found != "absent":
                    return None if found == "same" else fill
            except TimeoutError:
                self._away[key.source] = time.monotonic()
            except Unavailable as error:
                why = str(error)
        if time.time() - hit.checked > STALE_SECONDS:
            raise Unavailable(why, remedy="look whether the server answers, or switch the tree offline")
        return None

    def _handed_out(self, hit: Shelved, key: Key, asked: Headers | None) -> Stream:
        """`asked` None: one that need not be read."""
        stream = hit.whole if asked is None else hit.answer(asked)
        tally = self._tallies[key.source]
        tally[_HITS] += 1
        if stream.local is not None:
            for _, length in stream.local.runs:
                tally[_SERVED] += length
        return stream

    # What is not.

    @asynccontextmanager
    async def _missing(self, key: Key, looked: Looked, asked: Headers) -> AsyncIterator[Stream]:
        self._tallies[key.source][_MISSES] += 1
        offline = self._offline(key.source)
        lacking = looked.expected is None and self._lacks.has(key.source, key.path)
        if time.monotonic() < self._missed.get(key, 0) or (offline and lacking):
            yield absent()
            return
        if offline:
            raise _is_offline(_name(key))
        fill = self._coming(key)
        if fill is None and looked.expected is None and is_probe(asked.get("Range", "")):
            async with self._origins.open(key.source, key.path, asked) as stream:
                yield self._passed_on(stream, key)
            return
        fill = fill or self._begun(key, looked)
        if lacking and await _is_not_to_be_had(fill):
            yield absent()
            return
        async with self._following(fill, key, asked) as stream:
            yield stream

    @asynccontextmanager
    async def _following(self, fill: Fill, key: Key, asked: Headers) -> AsyncIterator[Stream]:
        """As it comes; a range far from what is there is fetched apart, and not kept."""
        with fill.joined():
            if await fill.answered() == "absent":
                yield absent()
                return
            stream = answer(_file(fill), asked)
            if stream.status == 206 and is_far(fill, asked["Range"]):
                async with self._origins.open(key.source, key.path, apart(fill, asked)) as far:
                    yield self._passed_on(far, key)
                return
            self._tallies[key.source][_SERVED] += int(stream.headers.get("Content-Length", "0"))
            yield replace(stream, url=fill.said.url)

    def _passed_on(self, stream: Stream, key: Key) -> Stream:
        """Raises Unavailable where half of it could not be told from the whole."""
        ends(stream, _name(key))
        return replace(stream, pieces=_counted(stream.pieces, self._tallies[key.source]))

    def _coming(self, key: Key) -> Fill | None:
        fill = self._fills.get(key)
        return None if fill is None or fill.given_up else fill

    def _begun(self, key: Key, looked: Looked, hit: Shelved | None = None) -> Fill:
        fill = Fill(key.source, key.path, looked.expected, hit.kept if hit else None)
        fetch = Fetch(fill, key.digest, self._origins, self._objects, self.room, self._patience, self.doubt)
        self._fills[key] = fill
        fill.task = asyncio.create_task(self._run(fetch, fill, key))
        self._tasks.add(fill.task)
        fill.task.add_done_callback(self._tasks.discard)
        return fill

    async def _run(self, fetch: Fetch, fill: Fill, key: Key) -> None:
        try:
            await fetch.run()
        finally:
            if self._fills.get(key) is fill:
                del self._fills[key]
            self._tallies[key.source][_FETCHED] += fill.fetched
        if fill.answer is None and not fill.full:
            self._away[key.source] = time.monotonic()
        else:
            self._away.pop(key.source, None)
        if fill.whole or fill.full:
            self._full = "" if fill.known else fill.why
        if fill.answer == "absent":
            self._miss(key)
            self._lacks.note(key.source, key.path)
        elif fill.answer == "here" and fill.known is not None:
            self._shelf.drop(key)
            self._lacks.drop(key.source, key.path)
            await asyncio.to_thread(self.room.added, key.source, fill.known.size)

    def _miss(self, key: Key) -> None:
        now = time.monotonic()
        self._missed = {other: end for other, end in self._missed.items() if end > now}
        self._missed[key] = now + _MISSED_SECONDS

    def _removed(self, places: Collection[Path]) -> None:
        """In a thread, which waits until the shelf has let go of them."""
        done = threading.Event()

        def let_go() -> None:
            self._shelf.removed(places)
            done.set()

        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(let_go)
            done.wait(1)


async def _counted(pieces: Pieces, tally: list[int]) -> Pieces:
    async for piece in pieces:
        tally[_FETCHED] += len(piece)
        tally[_SERVED] += len(piece)
        yield piece


async def _is_not_to_be_had(fill: Fill) -> bool:
    with fill.joined():
        try:
            await fill.answered()
        except Unavailable:
            return True
    return False


def _file(fill: Fill) -> File:
    expected, said = fill.expected, fill.said
    return File(
        fill.read,
        fill.size,
        seconds(said.modified),
        expected.digest if expected and expected.algorithm == "sha256" else "",
        content_type=content_type(fill.path, said.content_type),
        grows=fill.grows if fill.part is not None else None,
    )


def _old(seconds: float) -> Headers:
    """What is said of a file that should have been asked for again (RFC 9111, 5.1; RFC 7234, 5.5.1)."""
    return {"Age": str(int(seconds)), "Warning": '110 provisioner "Response is Stale"'}


def _name(key: Key) -> str:
    return shown(f"{key.source.rstrip('/')}/{key.path}")


def _is_offline(name: str) -> Unavailable:
    return Unavailable(
        f"{name} is not kept, and its tree is offline",
        remedy="let the tree go online and fetch it: provisioner mirror sync",
    )
