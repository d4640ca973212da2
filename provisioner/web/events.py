"""`/events`: what happens, as server-sent events.

    id: 41              the event's id; a client that comes back with it misses nothing
    event: event        data is an Event as JSON
    event: install      data is an install as JSON, after the events that changed it: what /api/v1/installs
                        tells of it, with its percentage and the seconds that are left

`?after=N` or the header Last-Event-ID start after that event, otherwise the stream starts now;
`?install=ID` keeps to one install.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from provisioner.core.errors import Invalid
from provisioner.core.install import Event, Install
from provisioner.web.keys import SERVICES, TAILER
from provisioner.web.outlooks import told
from provisioner.web.routes import Route
from provisioner.web.schemas import to_json
from provisioner.web.tailer import Stream

PING_SECONDS = 15
_LOOK_SECONDS = 2.0
_BATCH = 500


async def events(request: web.Request) -> web.StreamResponse:
    """Replays what the client has missed, then follows."""
    services, tailer = request.app[SERVICES], request.app[TAILER]
    store = services.store
    last, only = _after(request), request.query.get("install", "")
    if last is None:
        last = await store.last_event_id()
    async with sse_response(request, ping_interval=PING_SECONDS, send_timeout=60) as response:
        try:
            await response.send(str(last), event="hello", id=str(last), retry=2000)
            changed: set[str] = set()
            while batch := await store.events(after=last, install=only, limit=_BATCH):
                for event in batch:
                    await _send(response, event)
                changed |= {event.install for event in batch if event.install}
                last = batch[-1].id
            known = await store.installs() if changed else []
            for install in await told(services, [install for install in known if install.id in changed]):
                await _send(response, install)
            async with tailer.listen(last) as stream:
                async for item in _items(request, stream):
                    if not only or only == (item.install if isinstance(item, Event) else item.id):
                        await _send(response, item)
        except (ConnectionError, TimeoutError):
            pass
    return response


async def _items(request: web.Request, stream: Stream) -> AsyncIterator[Event | Install]:
    """What the stream gets until it ends or the client is found to be gone."""
    while request.transport is not None and not request.transport.is_closing():
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                item = await stream.queue.get()
        except TimeoutError:
            continue
        if item is None:
            return
        yield item


async def _send(response: EventSourceResponse, item: Event | Install) -> None:
    if isinstance(item, Event):
        await response.send(to_json(item), event="event", id=str(item.id))
    else:
        await response.send(to_json(item), event="install")


def _after(request: web.Request) -> int | None:
    """The header wins: a browser that reconnects repeats the address it started with."""
    text = request.headers.get("Last-Event-ID") or request.query.get("after")
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid(f"after={text[:40]!r} is not an event id; ids are whole numbers")
    return int(text)


ROUTES = (Route("GET", "/events", events, "person"),)
