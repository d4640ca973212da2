"""A guest's serial line as server-sent events: each a JSON text, cut nowhere inside a letter."""

import asyncio
import codecs
import json
from contextlib import suppress

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from provisioner.service.ports import Channel
from provisioner.web.events import PING_SECONDS
from provisioner.web.keys import CHANNELS, SERVICES

_LOOK_SECONDS = 2.0
_RETRY_MILLISECONDS = 3000


async def follow(request: web.Request, tail: int) -> web.StreamResponse:
    """Begins with the last `tail` bytes; `event: end` where the guest's end is closed."""
    opened = await request.app[SERVICES].life.serial(request.match_info["name"], tail)
    async with request.app[CHANNELS].keep(opened) as channel:
        async with sse_response(request, ping_interval=PING_SECONDS, send_timeout=60) as response:
            with suppress(ConnectionError, TimeoutError):
                await response.send("", event="hello", retry=_RETRY_MILLISECONDS)
                await _pass_on(request, response, channel)
        return response


async def _pass_on(request: web.Request, response: EventSourceResponse, channel: Channel) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    reading = asyncio.ensure_future(channel.read())
    try:
        while request.transport is not None and not request.transport.is_closing():
            done, _ = await asyncio.wait({reading}, timeout=_LOOK_SECONDS)
            if not done:
                continue
            data = reading.result()
            if not data:
                await response.send("", event="end")
                return
            if text := decoder.decode(data):
                await response.send(json.dumps(text), event="text")
            reading = asyncio.ensure_future(channel.read())
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
