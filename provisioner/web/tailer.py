"""Follows the store's events and hands each to every live stream: one poll for all of them.

Nothing is asked of the store while nobody listens. A stream that cannot keep up is ended; its client comes
back with the last id it saw and misses nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from provisioner.core.errors import NotFound, Unavailable
from provisioner.core.install import Event, Install
from provisioner.service.ports import Store

log = logging.getLogger(__name__)
POLL_SECONDS = 0.2
_BATCH = 500
_BACKLOG = 4 * _BATCH

Item = Event | Install | None
"""None ends the stream."""
Tell = Callable[[Sequence[Install]], Awaitable[Sequence[Install]]]


@dataclass(eq=False, slots=True)
class Stream:
    """What one listener has not read yet."""

    after: int
    """The id of the last event that was put."""
    queue: asyncio.Queue[Item] = field(default_factory=lambda: asyncio.Queue(_BACKLOG))

    def put(self, item: Item) -> None:
        if self.queue.full():
            self.end()
        else:
            self.queue.put_nowait(item)

    def end(self) -> None:
        """What was not read is forgotten; the reader's next item is the end."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


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
    async def listen(self, after: int) -> AsyncIterator[Stream]:
        """A stream of what is recorded after event `after`, which should not be far back."""
        stream = Stream(after=after)
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
        installs = await self._installs(events)
        # Who joined meanwhile from further back has a gap before this batch, and waits for the next.
        for stream in [stream for stream in self._streams if stream.after >= low]:
            fresh = [event for event in events if event.id > stream.after]
            named = {event.install for event in fresh}
            for event in fresh:
                stream.put(event)
            for install in installs:
                if install.id in named:
                    stream.put(install)
            stream.after = max(stream.after, events[-1].id)
        return len(events) == _BATCH

    async def _installs(self, events: list[Event]) -> Sequence[Install]:
        found: list[Install] = []
        for ref in dict.fromkeys(event.install for event in events if event.install):
            with suppress(NotFound):
                found.append(await self._store.install(ref))
        return await self._tell(found)
