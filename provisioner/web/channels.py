"""A channel of a guest (its serial console, its screen's VNC) carried over a WebSocket.

The channel is opened before the handshake is answered, so that what stands against it is an ordinary problem.
Bytes travel as binary messages; the closing message says why it ended.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from provisioner.core.errors import ProvisionerError
from provisioner.service.ports import Channel
from provisioner.web.errors import NoUpgrade
from provisioner.web.keys import CHANNELS

_PING_SECONDS = 20.0
_MESSAGE_BYTES = 256 * 1024
_REASON_BYTES = 120


async def carry(
    request: web.Request, open_channel: Callable[[], Awaitable[Channel]], *, over: str, first: bytes = b""
) -> web.WebSocketResponse:
    """Passes on both ways until one end goes. `first` is sent before everything else; `over` is what is said
    where the guest's end goes.

    Raises NoUpgrade for a request that asks for no WebSocket, and what opening raises.
    """
    socket = web.WebSocketResponse(heartbeat=_PING_SECONDS, max_msg_size=_MESSAGE_BYTES)
    if not socket.can_prepare(request):
        raise NoUpgrade("this address speaks WebSocket only")
    keeper = request.app[CHANNELS]
    async with keeper.keep(await open_channel()) as channel:
        await socket.prepare(request)
        if first:
            await socket.send_bytes(first)
        code, reason = await _both_ways(socket, channel, over)
        if keeper.ending:
            code, reason = WSCloseCode.GOING_AWAY, "the service is being stopped"
        with suppress(ConnectionError):
            await socket.close(code=code, message=reason.encode()[:_REASON_BYTES])
    return socket


async def _both_ways(socket: web.WebSocketResponse, channel: Channel, over: str) -> tuple[int, str]:
    """The code and reason that the socket is to be closed with."""
    down = asyncio.create_task(_down(socket, channel))
    up = asyncio.create_task(_up(socket, channel))
    done, left = await asyncio.wait((down, up), return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for task in done:
        error = task.exception()
        if isinstance(error, ProvisionerError):
            return WSCloseCode.TRY_AGAIN_LATER, str(error)
        if error is not None and not isinstance(error, ConnectionError):
            raise error
    return WSCloseCode.OK, "" if up in done else over


async def _down(socket: web.WebSocketResponse, channel: Channel) -> None:
    while data := await channel.read():
        await socket.send_bytes(data)


async def _up(socket: web.WebSocketResponse, channel: Channel) -> None:
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await channel.write(message.data)
        elif message.type is WSMsgType.TEXT:
            await channel.write(message.data.encode())
