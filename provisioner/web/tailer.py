"""Follows the store's events and hands each to every live stream: one poll for all of them.

Nothing is asked of the store while nobody listens, and what is told is written as JSON once for all. What a
stream has not read yet waits for it within a bound; one that falls behind that is ended, and its client comes
back with the last id it saw and misses nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from provisioner.core.errors import NotFound, Unavailable
from provisioner.core.install import Event, Install
from provisioner.service.ports import Store
from provisioner.web.schemas import to_json

log = logging.getLogger(__name__)
POLL_SECONDS = 0.2
_BATCH = 500
BACKLOG = 4 * _BATCH

Tell = Callable[[Sequence[Install]], Awaitable[Sequence[Install]]]


@dataclass(frozen=True, slots=True)
class Told:
    """An event, or an install as it is now, as JSON. `id` is the event's, 0 for an install."""

    install: str
    text: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in their order, and the installs that they changed; `last` is an event's id."""

    events: tuple[Told, ...]
    installs: tuple[Told, ...]
    last: int


@dataclass(eq=False, slots=True)
class Stream:
    """What one listener has not read yet.

    `brief` keeps no events, and of each install the latest state alone: it never falls behind.
    """

    after: int
    """The id of the last event that was put."""
    brief: bool = False
    over: bool = False
    _events: list[Told] = field(default_factory=list)
    _installs: dict[str, Told] = field(default_factory=dict)
    _waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, events: Sequence[Told], installs: Sequence[Told]) -> None:
        fresh = [event for event in events if event.id > self.after]
        named = {event.install for event in fresh}
        changed = {told.install: told for told in installs if told.install in named}
        self.after = max(self.after, events[-1].id)
        if not self.brief:
            self._events += fresh
            if len(self._events) > BACKLOG:
                self.end()
                return
        self._installs |= changed
        self._waiting.set()

    def end(self) -> None:
        """What was not read is forgotten."""
        self._events, self._installs = [], {}
        self.over = True
        self._waiting.set()

    async def take(self) -> Batch | None:
        """All that waits, once there is something; None at the end."""
        await self._waiting.wait()
        if self.over:
            return None
        self._waiting.clear()
        taken = Batch(tuple(self._events), tuple(self._installs.values()), self.after)
        self._events, self._installs = [], {}
        return taken


def as_json(events: Iterable[Event]) -> tuple[Told, ...]:
    return tuple(Told(event.install, to_json(event), event.id) for event in events)


async def _plainly(installs: Sequence[Install]) -> Sequence[Install]:
    return installs


class Tailer:
    """`tell` adds to installs what is told of them. Runs as a task of its own between `start` and `stop`."""

    def __init__(self, store: Store, *, tell: Tell = _plainly, poll_seconds: float = POLL_SECONDS) -> None:
        self._store = store
        self._tell = tell
        self._poll = poll_seconds
        self._streams: set[Stream] = set()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="event tailer")

    async def stop(self) -> None:
        """Ends every stream cleanly."""
        self._stopped = True
        for stream in self._streams:
            stream.end()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @asynccontextmanager
    async def listen(self, after: int, *, brief: bool = False) -> AsyncIterator[Stream]:
        """A stream of what is recorded after event `after`, which should not be far back."""
        stream = Stream(after=after, brief=brief)
        if self._stopped:
            stream.end()
        self._streams.add(stream)
        self._wanted.set()
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            if not self._streams:
                self._wanted.clear()

    async def installs(self, refs: Iterable[str]) -> tuple[Told, ...]:
        """Each once, as it is now; "" is none."""
        found: list[Install] = []
        for ref in dict.fromkeys(refs):
            with suppress(NotFound):
                if ref:
                    found.append(await self._store.install(ref))
        return tuple(Told(install.id, to_json(install)) for install in await self._tell(found))

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                more = bool(self._streams) and await self._pass_on()
            except Unavailable as error:
                log.warning("events cannot be read: %s", error)
                more = False
            if not more:
                await asyncio.sleep(self._poll)

    async def _pass_on(self) -> bool:
        """Reads one batch for all; whether there may be more at once."""
        low = min((stream.after for stream in self._streams), default=0)
        events = await self._store.events(after=low, limit=_BATCH)
        if not events:
            return False
        installs = await self.installs(event.install for event in events)
        told = as_json(events)
        # Who joined meanwhile from further back has a gap before this batch, and waits for the next.
        for stream in [stream for stream in self._streams if stream.after >= low]:
            stream.put(told, installs)
        return len(events) == _BATCH
