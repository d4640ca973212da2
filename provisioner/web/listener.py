"""Serves an application on sockets, guarded against slow, greedy and odd clients.

Headers must be complete within fifteen seconds of a connection's start or its last answer, one address may
hold 64 connections, a peer that is gone is noticed within five minutes. Repeated slashes in a path are one
(shim asks for `////grubx64.efi`); a request that is not for a path of ours (a proxy's) is refused.
"""

import re
import socket
from collections import Counter
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler
from yarl import URL

from provisioner.web.errors import Malformed
from provisioner.web.keys import HOT

HEADER_SECONDS = 15.0
CONNECTIONS_PER_ADDRESS = 64
GONE_SECONDS = 300
_SLASHES = re.compile("/{2,}")


class Guard(web.Server):
    """aiohttp's server with a limit on connections per address."""

    def __init__(self, *args: Any, per_address: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._per_address = per_address
        self._held: Counter[str] = Counter()
        self._peers: dict[RequestHandler, str] = {}

    def connection_made(self, handler: Any, transport: Any) -> None:
        super().connection_made(handler, transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_SECONDS * 1000)
        name = transport.get_extra_info("peername")
        address = str(name[0]) if name else ""
        self._peers[handler] = address
        self._held[address] += 1
        if self._held[address] > self._per_address:
            transport.abort()

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        address = self._peers.pop(handler, None)
        if address is not None:
            self._held[address] -= 1
            if not self._held[address]:
                del self._held[address]


def collapse(path: str) -> str:
    """`////boot//x?a=//b` as `/boot/x?a=//b`."""
    head, mark, query = path.partition("?")
    return _SLASHES.sub("/", head) + mark + query


class Listener(web.AppRunner):
    """One application on any number of addresses; sites are added and removed as interfaces come and go."""

    def __init__(
        self,
        app: web.Application,
        *,
        header_seconds: float = HEADER_SECONDS,
        per_address: int = CONNECTIONS_PER_ADDRESS,
        shutdown_seconds: float = 5.0,
    ) -> None:
        super().__init__(
            app, access_log=None, keepalive_timeout=header_seconds, shutdown_timeout=shutdown_seconds
        )
        self._by_address: dict[str, web.TCPSite] = {}
        self._header_seconds = header_seconds
        self._per_address = per_address

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        make = server.request_factory
        handler, hot = server.request_handler, self.app.get(HOT)

        def request(
            message: RawRequestMessage,
            payload: StreamReader,
            protocol: Any,
            writer: AbstractStreamWriter,
            task: Any,
        ) -> Any:
            if "//" in message.path and message.path.startswith("/"):
                path = collapse(message.path)
                message = message._replace(path=path, url=URL(path, encoded=True))
            return make(message, payload, protocol, writer, task)

        return Guard(
            handler if hot is None else partial(hot.answer, handler),
            request_factory=request,
            per_address=self._per_address,
            access_log=None,
            keepalive_timeout=self._header_seconds,
        )

    async def listen(self, address: str, port: int) -> int:
        """Opens a socket; returns the port, which a `port` of 0 leaves to the system. Raises OSError."""
        site = web.TCPSite(self, address, port, reuse_address=True)
        await site.start()
        self._by_address[address] = site
        return int(self.addresses[-1][1])

    async def close(self, address: str) -> None:
        """Closes the socket of an address; transfers under way end by themselves."""
        if site := self._by_address.pop(address, None):
            await site.stop()


@web.middleware
async def own_paths_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses what only a proxy is asked."""
    if not request.raw_path.startswith("/"):
        raise Malformed(f"{request.method} of another server: this is not a proxy")
    return await handler(request)
