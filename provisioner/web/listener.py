"""Serves an application on sockets, guarded against slow, greedy and odd clients.

| a client | |
|---|---|
| sends nothing | is cut off after ten seconds |
| sends the headers of a request slowly | after fifteen seconds of its connection's start or its last answer |
| takes an answer slowly | is waited for as long as it takes anything: installers unpack meanwhile |
| is gone, or takes nothing at all | is noticed within five minutes |
| comes again and again | an address holds 64 connections |
| comes in masses | who has asked for nothing yet makes room for those who come |

Repeated slashes in a path are one (shim asks for `////grubx64.efi`); a request that is not for a path of
ours (a proxy's) is refused, and so is one that servers may read differently.
"""

import re
import resource
import socket
import struct
from collections import Counter
from functools import partial
from typing import Any

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler
from yarl import URL

from provisioner.web.errors import Malformed, answer, problem
from provisioner.web.keys import HOT
from provisioner.web.place import is_host

FIRST_SECONDS = 10.0
HEADER_SECONDS = 15.0
CONNECTIONS_PER_ADDRESS = 64
CONNECTIONS = 4096
"""Of all addresses together; less where this process may open fewer files."""
GONE_SECONDS = 300
_SLASHES = re.compile("/{2,}")
_RECEIVED = struct.Struct("<128xQ")
"""Where `tcp_info` tells how many bytes came."""


class Guard(web.Server):
    """aiohttp's server with limits on connections: for each address, in all, and for silent ones."""

    def __init__(self, *args: Any, per_address: int, total: int, first_seconds: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._per_address = per_address
        self._total = total
        self._first_seconds = first_seconds
        self._held: Counter[str] = Counter()
        self._peers: dict[RequestHandler, str] = {}
        self._silent: dict[RequestHandler, Any] = {}

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
            self._loop.call_soon(transport.abort)  # its handler begins before
            return
        if len(self._peers) > self._total:
            self._make_room(transport)
        self._silent[handler] = transport
        self._loop.call_later(self._first_seconds, self._listen, handler)

    def spoke(self, handler: Any) -> None:
        """A whole request came."""
        self._silent.pop(handler, None)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._silent.pop(handler, None)
        address = self._peers.pop(handler, None)
        if address is not None:
            self._held[address] -= 1
            if not self._held[address]:
                del self._held[address]

    def _make_room(self, newcomer: Any) -> None:
        """The one goes that has asked for nothing for the longest time; the newcomer where all have."""
        for handler, transport in self._silent.items():
            del self._silent[handler]
            transport.abort()
            return
        self._loop.call_soon(newcomer.abort)

    def _listen(self, handler: Any) -> None:
        if handler not in self._silent:
            return
        transport = self._silent[handler]
        sock = transport.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:
            return
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED.size)
        if len(told) == _RECEIVED.size and _RECEIVED.unpack(told)[0] == 0:
            transport.abort()


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
        first_seconds: float = FIRST_SECONDS,
        per_address: int = CONNECTIONS_PER_ADDRESS,
        total: int = CONNECTIONS,
        shutdown_seconds: float = 5.0,
    ) -> None:
        super().__init__(
            app, access_log=None, keepalive_timeout=header_seconds, shutdown_timeout=shutdown_seconds
        )
        self._by_address: dict[str, web.TCPSite] = {}
        self._header_seconds = header_seconds
        self._first_seconds = min(first_seconds, header_seconds)
        self._per_address = per_address
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._total = total if allowed == resource.RLIM_INFINITY else min(total, max(64, allowed // 4))

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
            guard.spoke(protocol)
            if "//" in message.path and message.path.startswith("/"):
                path = collapse(message.path)
                message = message._replace(path=path, url=URL(path, encoded=True))
            return make(message, payload, protocol, writer, task)

        guard = Guard(
            handler if hot is None else partial(hot.answer, handler),
            request_factory=request,
            per_address=self._per_address,
            total=self._total,
            first_seconds=self._first_seconds,
            access_log=None,
            keepalive_timeout=self._header_seconds,
        )
        return guard

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
    """Refuses what only a proxy is asked, and what a proxy before us may have read as something else.

    What follows on the same connection is not heard then.
    """
    odd = _odd(request)
    if odd:
        response = answer(request, problem(Malformed(odd)))
        response.force_close()
        return response
    return await handler(request)


def _odd(request: web.Request) -> str:
    if not request.raw_path.startswith("/"):
        return f"{request.method} of another server: this is not a proxy"
    if request.version not in ((1, 0), (1, 1)):
        return "this server speaks HTTP/1.0 and HTTP/1.1"
    coding = request.headers.get(hdrs.TRANSFER_ENCODING)
    if coding is not None and (coding.lower() != "chunked" or request.version == (1, 0)):
        return "a request's body is sent as it is, or in chunks"
    if not is_host(request.headers.get(hdrs.HOST, "")):
        return "the header Host names no host"
    return ""
