"""`/events`: what happens, as server-sent events.

    id: 41              a client that comes back with it misses nothing
    event: event        data is an Event as JSON, its id the event's
    event: install      data is an install as JSON, after the events that changed it: what /api/v1/installs
                        tells of it, with its percentage and the seconds that are left
    event: renew        data is an event's id: what the client has is too old to be caught up with, or of
                        another store; it reads all anew and goes on from there

`?after=N` or the header Last-Event-ID start after that event, otherwise the stream starts now;
`?install=ID` keeps to one install. `?brief=1` leaves events out: an install is told when it changed, at most
as often as the client reads, and the last one of those told together has the id.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from provisioner.core.errors import Invalid
from provisioner.web.keys import SERVICES, TAILER
from provisioner.web.operation import flag
from provisioner.web.routes import Route
from provisioner.web.tailer import BACKLOG, Batch, Stream, as_json

PING_SECONDS = 15
STALLED_SECONDS = 30
"""A client that takes nothing for so long is ended."""
_LOOK_SECONDS = 2.0
_BATCH = 500


async def events(request: web.Request) -> web.StreamResponse:
    """Replays what the client has missed, then follows."""
    store, tailer = request.app[SERVICES].store, request.app[TAILER]
    asked, only, brief = _after(request), request.query.get("install", ""), flag(request, "brief")
    newest = await store.last_event_id()
    last = newest if asked is None else asked
    renew = last > newest or (brief and newest - last > BACKLOG)
    last = newest if renew else last
    async with sse_response(request, ping_interval=PING_SECONDS, send_timeout=STALLED_SECONDS) as response:
        try:
            await response.send(str(last), event="renew" if renew else "hello", id=str(last), retry=2000)
            # The last that came before the connection broke may have been an event without its install.
            back = last - BACKLOG if "Last-Event-ID" in request.headers and not brief else last
            async for batch in _missed(request, max(0, back), last, only):
                await _send(request, response, batch, only, brief=brief)
                last = batch.last
            last = max(last, newest)  # of one install there may be nothing for long
            async with tailer.listen(last, brief=brief) as stream:
                async for batch in _items(request, stream):
                    await _send(request, response, batch, only, brief=brief)
        except (ConnectionError, TimeoutError):
            pass
    return response


async def _missed(request: web.Request, back: int, last: int, only: str) -> AsyncIterator[Batch]:
    """What was recorded after `last`, and the installs of what was recorded after `back`."""
    store, tailer = request.app[SERVICES].store, request.app[TAILER]
    changed: dict[str, None] = {}
    while batch := await store.events(after=back, install=only, limit=_BATCH):
        back = batch[-1].id
        changed |= dict.fromkeys(event.install for event in batch)
        fresh = as_json(event for event in batch if event.id > last)
        if fresh:
            last = back
            yield Batch(fresh, (), last)
    if changed:
        yield Batch((), await tailer.installs(changed), max(last, back))


async def _items(request: web.Request, stream: Stream) -> AsyncIterator[Batch]:
    """What the stream gets until it ends or the client is found to be gone."""
    while request.transport is not None and not request.transport.is_closing():
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                batch = await stream.take()
        except TimeoutError:
            continue
        if batch is None:
            return
        yield batch


async def _send(
    request: web.Request, response: EventSourceResponse, batch: Batch, only: str, *, brief: bool
) -> None:
    """One piece of many frames. Raises TimeoutError, the connection cut, for a client that takes nothing."""
    events = () if brief else [event for event in batch.events if not only or only == event.install]
    frames = [f"id: {event.id}\r\nevent: event\r\ndata: {event.text}\r\n\r\n" for event in events]
    changed = [told for told in batch.installs if not only or only == told.install]
    for told in changed:
        mark = f"id: {batch.last}\r\n" if brief and told is changed[-1] else ""
        frames.append(f"{mark}event: install\r\ndata: {told.text}\r\n\r\n")
    if not frames:
        return
    try:
        async with asyncio.timeout(STALLED_SECONDS):
            await response.write("".join(frames).encode())
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise


def _after(request: web.Request) -> int | None:
    """The header wins: a browser that reconnects repeats the address it started with."""
    text = request.headers.get("Last-Event-ID") or request.query.get("after")
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid(f"after={text[:40]!r} is not an event id; ids are whole numbers")
    return int(text)


ROUTES = (Route("GET", "/events", events, "person"),)
