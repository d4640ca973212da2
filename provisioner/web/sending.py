"""Answers out of files of this host: the head as bytes, the body by the kernel straight into the socket.

aiohttp's own sendfile registers anew for every piece, and hands every piece from one task to another. Here a
socket that is full is registered once, and each time it has room the kernel is told to go on.
"""

import asyncio
import os
import socket
import time
from asyncio.trsock import TransportSocket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from provisioner.web.headers import FILES
from provisioner.web.services_files import Descriptor

Runs = Sequence[tuple[int, int]]
"""Offset and length of each, in bytes."""
Told = Callable[[int], Awaitable[None]]
"""Called with the bytes of a body that went so far: where it has to wait, and then every second."""
Reach = Callable[[int], Awaitable[int]]
_GIVEN = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Encoding",
    "Accept-Ranges",
    "ETag",
    "Last-Modified",
    "Age",
    "Warning",
)
_PIECE = 2 * 1024 * 1024
"""After so many bytes it is another connection's turn."""
_ROOM = 1024 * 1024
"""Bytes; the kernel takes it twice, for what it needs itself (socket(7))."""
_SNDBUFFORCE = 32
_TOLD_SECONDS = 1.0
_GONE = "the client has gone"
_SHORTER = "the file became shorter while it was sent"


class _Sent(web.StreamResponse):
    """What aiohttp is given for an answer that was written already: it must not prepare and write another."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        pass


SENT, SENT_LAST = _Sent(), _Sent()
"""The connection is kept, or closed."""
SENT._keep_alive, SENT_LAST._keep_alive = True, False


def sent(request: web.BaseRequest) -> web.StreamResponse:
    return SENT if request.keep_alive else SENT_LAST


def given(headers: Mapping[str, str]) -> dict[str, str]:
    """What a client is told of a file, of all that its source said, and what we say of every file."""
    return {name: headers[name] for name in _GIVEN if name in headers} | FILES


def opening(status: int, headers: Mapping[str, str]) -> bytes:
    """The head of an answer up to what is another one each time."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any(character in line for line in lines for character in "\r\n\0"):
        raise ValueError("a header has a line break in it")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1", "replace")


def head(request: web.BaseRequest, begun: bytes) -> bytes:
    """The whole head: `begun`, the date, and what becomes of the connection."""
    if request.keep_alive:
        return begun + (closing() if request.version >= (1, 1) else b"Connection: keep-alive\r\n" + closing())
    return begun + b"Connection: close\r\n" + closing()


def closing() -> bytes:
    """The end of a head whose connection is kept."""
    return _end_of_head(int(time.time()))


@lru_cache(2)
def _end_of_head(now: int) -> bytes:
    return f"Date: {formatdate(now, usegmt=True)}\r\n\r\n".encode()


async def write(request: web.BaseRequest, data: bytes) -> None:
    """A whole answer at once; returns when the client has taken it, but for what fits into its buffers."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError(_GONE)
    transport.write(data)
    if transport.get_write_buffer_size():
        await request.writer.drain()


async def send(
    request: web.BaseRequest, beginning: bytes, file: Descriptor, runs: Runs, told: Told | None = None
) -> None:
    """`beginning`, then runs of a file. Raises ConnectionResetError for a client that has gone, and for a
    file that became shorter: the connection must not be used again then."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError(_GONE)
    held = _socket(transport)
    left = beginning if transport.get_write_buffer_size() else _begun(held, beginning)
    if left:
        transport.write(left)
        await _emptied(request, transport)
    body = _Body(held.fileno(), file, runs)
    if not body.go_on():
        _roomy(held)
        await body.complete(transport, held, told)


def _socket(transport: asyncio.Transport) -> TransportSocket:
    held: TransportSocket | None = transport.get_extra_info("socket")
    if held is None or held.fileno() < 0:
        raise ConnectionResetError(_GONE)
    return held


def _begun(held: TransportSocket, beginning: bytes) -> bytes:
    """Sends a head, to go on its way with the first of the body; what the socket did not take."""
    out = socket.socket(held.family, held.type, held.proto, held.fileno())
    try:
        return beginning[out.send(beginning, socket.MSG_MORE) :]
    except BlockingIOError:
        return beginning
    except OSError as error:
        raise ConnectionResetError(error.strerror) from error
    finally:
        out.detach()


def _roomy(held: TransportSocket) -> None:
    """From now on the socket takes much at once: each time that it is full costs more than what it sends."""
    for option in (_SNDBUFFORCE, socket.SO_SNDBUF):
        with suppress(OSError):  # to go beyond the system's limit is root's right
            held.setsockopt(socket.SOL_SOCKET, option, _ROOM)
            return


async def _emptied(request: web.BaseRequest, transport: asyncio.Transport) -> None:
    """Waits until the transport itself has nothing left to write."""
    transport.set_write_buffer_limits(high=0)
    await request.writer.drain()
    if request.transport is None:
        raise ConnectionResetError(_GONE)
    transport.set_write_buffer_limits()


class _Body:
    """Runs of a file on their way into a socket."""

    __slots__ = ("_at", "_done", "_end", "_file", "_from", "_out", "_runs", "gone")

    def __init__(self, out: int, file: Descriptor, runs: Runs) -> None:
        self._out = out
        self._file = file  # held as long as it is read
        self._from = file.fileno()
        self._runs = iter(runs)
        self._at = self._end = 0
        self._done: asyncio.Future[None] | None = None
        self.gone = 0

    def go_on(self) -> bool:
        """Sends what the socket takes, a piece at most; whether all has gone."""
        while self._at == self._end:
            run = next(self._runs, None)
            if run is None:
                return True
            self._at, self._end = run[0], run[0] + run[1]
        try:
            count = os.sendfile(self._out, self._from, self._at, min(_PIECE, self._end - self._at))
        except BlockingIOError:
            return False
        except OSError as error:
            raise ConnectionResetError(error.strerror) from error
        if not count:
            raise ConnectionResetError(_SHORTER)
        self._at += count
        self.gone += count
        return self._at == self._end and self.go_on()

    async def complete(
        self, transport: asyncio.Transport, held: TransportSocket, told: Told | None = None
    ) -> None:
        """Sends the rest as the socket has room; the client's next request is not read before.

        The loop waits for the socket under a number of its own: the other one is its transport's.
        """
        if self.go_on():
            return
        loop = asyncio.get_running_loop()
        done = self._done = loop.create_future()
        reading = transport.is_reading()
        transport.pause_reading()
        number, self._out = self._out, os.dup(held.fileno())
        loop.add_writer(self._out, self._writable)
        try:
            if told is None:
                await done
            else:
                await self._telling(done, told)
        finally:
            loop.remove_writer(self._out)
            os.close(self._out)
            self._out = number
            if reading:
                transport.resume_reading()

    async def _telling(self, done: asyncio.Future[None], told: Told) -> None:
        await told(self.gone)
        while not done.done():
            await asyncio.wait((done,), timeout=_TOLD_SECONDS)
            if not done.done():
                await told(self.gone)
        done.result()

    def _writable(self) -> None:
        done = self._done
        if done is None or done.done():
            return
        try:
            if self.go_on():
                done.set_result(None)
        except ConnectionResetError as error:
            done.set_exception(error)


async def follow(request: web.BaseRequest, file: Descriptor, at: int, reach: Reach) -> AsyncGenerator[int]:
    """Sends a body that still comes into its file, from offset `at` on; gives the bytes of each piece.

    The head has been written. `reach(at)` waits until the file may be sent further, and says up to where.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError(_GONE)
    await _emptied(request, transport)
    held = _socket(transport)
    _roomy(held)
    while (end := await reach(at)) > at:
        if request.transport is None:
            raise ConnectionResetError(_GONE)
        body = _Body(held.fileno(), file, ((at, end - at),))
        if not body.go_on():
            await body.complete(transport, held)
        yield end - at
        at = end
