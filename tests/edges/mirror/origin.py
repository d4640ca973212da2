"""An upstream of our own that lies, breaks off, stalls and counts: on raw sockets nothing keeps it honest."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

from tests.edges.mirror.answer import Answer, refused

_PIECE = 16 * 1024
_SEEN = 0.02
"""Seconds between the last byte and the end of a connection that is cut: who reads gets that byte first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; the names of its headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


class Origin:
    """`script[path]` are the answers to the first, second, … request of a path; the last one stays.

    A path without a script is a file below `folder`, honestly. `rate` (bytes a second) and `latency`
    (seconds) are those of the one line that all connections share; requests sent ahead wait beside each
    other, as on a real line. `asked` are all requests, `sent` the bytes of bodies.
    """

    def __init__(self, folder: Path | None = None, *, rate: int = 0, latency: float = 0) -> None:
        self.script: dict[str, Sequence[Answer]] = {}
        self.asked: list[Asked] = []
        self.sent = 0
        self.port = 0
        self.rate, self.latency = rate, latency
        self.go_on = asyncio.Event()
        """Set, what stalls goes on."""
        self._folder = folder
        self._free = 0.0
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, path: str) -> int:
        """How often a path was asked for with GET."""
        return sum(asked.path == path and asked.method == "GET" for asked in self.asked)

    async def start(self) -> None:
        """On the port that it had before, if it had one."""
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port, backlog=1000)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuses connections; those that there are end with a reset."""
        if self._server is not None:
            self._server.close()
        ended = dict(self._open)
        for writer, task in ended.items():
            _reset(writer)
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in ended.values() if task is not None))
        await asyncio.sleep(0)  # for the transports to close

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = asyncio.current_task()
        arrived: asyncio.Queue[tuple[float, Asked] | None] = asyncio.Queue()
        listening = asyncio.create_task(_listen(reader, arrived))
        try:
            while (come := await arrived.get()) is not None:
                at, asked = come
                await asyncio.sleep(at + self.latency - asyncio.get_running_loop().time())
                if not await self._answer(asked, writer):
                    break
        except (OSError, asyncio.CancelledError):
            pass  # a stream's task that was cancelled is an error of asyncio's own
        finally:
            listening.cancel()
            del self._open[writer]
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may stay."""
        before = self.count(asked.path)
        self.asked.append(asked)
        answer = self._what(asked.path, before)
        status, headers, body = answer.to(asked.headers)
        bare = status in (204, 304)
        if answer.framing == "chunked" and not bare:
            headers["Transfer-Encoding"] = "chunked"
        elif answer.framing == "close" and not bare:
            headers["Connection"] = "close"
        else:
            headers["Content-Length"] = str(len(body) + answer.claim)
        lines = [f"HTTP/1.1 {status} As It Is", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        if asked.method == "HEAD" or bare:
            await writer.drain()
            return True
        await self._send(answer, body, writer)
        if answer.cut is not None and answer.cut < len(body):
            await asyncio.sleep(_SEEN)
            if answer.reset:
                _reset(writer)
            return False
        return answer.framing != "close" and answer.claim == 0

    def _what(self, path: str, before: int) -> Answer:
        if answers := self.script.get(path):
            return answers[min(before, len(answers) - 1)]
        file = (self._folder or Path("/nonexistent")) / path.lstrip("/")
        if self._folder is None or ".." in path or not file.is_file():
            return refused(404)
        return Answer(file.read_bytes(), etag=f'"{file.stat().st_mtime_ns:x}"')

    async def _send(self, answer: Answer, body: bytes, writer: asyncio.StreamWriter) -> None:
        end = len(body) if answer.cut is None else min(answer.cut, len(body))
        chunked, at = answer.framing == "chunked", 0
        while at < end:
            if at == answer.stall:
                await writer.drain()
                await self.go_on.wait()
            stop = min(at + (answer.rate // 20 or _PIECE), end)
            if answer.stall is not None and at < answer.stall:
                stop = min(stop, answer.stall)
            piece = body[at:stop]
            await self._line(len(piece))
            self.sent += len(piece)
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
            at = stop
            if answer.rate:
                await asyncio.sleep(len(piece) / answer.rate)
        if chunked and end == len(body) and answer.cut is None:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _line(self, length: int) -> None:
        """Waits until the shared line has room for so many bytes."""
        if not self.rate:
            return
        now = asyncio.get_running_loop().time()
        self._free = max(now, self._free) + length / self.rate
        await asyncio.sleep(self._free - now)


async def _listen(reader: asyncio.StreamReader, arrived: asyncio.Queue[tuple[float, Asked] | None]) -> None:
    """Puts each request there as it arrives, None at the end."""
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ")
            lines = (line.partition(":") for line in rest if line)
            headers = {name.lower(): value.strip() for name, _, value in lines}
            arrived.put_nowait((asyncio.get_running_loop().time(), Asked(method, unquote(path), headers)))
    arrived.put_nowait(None)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def origin(folder: Path | None = None, *, rate: int = 0, latency: float = 0) -> AsyncIterator[Origin]:
    """One that is up."""
    made = Origin(folder, rate=rate, latency=latency)
    await made.start()
    try:
        yield made
    finally:
        made.go_on.set()
        await made.stop()


class Beside:
    """An upstream on a thread of its own, for tests that themselves block. `origin` may be read, not told."""

    def __init__(self, origin: Origin, loop: asyncio.AbstractEventLoop) -> None:
        self.origin, self._loop = origin, loop

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.origin.stop(), self._loop).result(10)

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self.origin.start(), self._loop).result(10)


@contextmanager
def beside(
    folder: Path | None = None, *, rate: int = 0, latency: float = 0, port: int = 0
) -> Iterator[Beside]:
    """One that is up, on a thread; at a port that is given, or any."""
    loop = asyncio.new_event_loop()
    made = Origin(folder, rate=rate, latency=latency)
    made.port = port
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    one = Beside(made, loop)
    one.start()
    try:
        yield one
    finally:
        one.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
