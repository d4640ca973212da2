"""A file on its way: what its source says of it, and what a client's request headers make of that."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from typing import Protocol

PIECE = 256 * 1024
"""A body is read and passed on in pieces of at most so many bytes."""
Pieces = AsyncGenerator[bytes, None]
Headers = Mapping[str, str]

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Descriptor(Protocol):
    """An open file."""

    def fileno(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Local:
    """Where a body lies in an open file of this host: offset and length of each run of its bytes."""

    file: Descriptor
    runs: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Growing:
    """A body that still comes into an open file of this host: its first byte is at offset `first` there.

    `await reach(at)` waits until more than the bytes before offset `at` may be sent, and gives the offset up
    to which they may; `at` itself says that the file gives no more. Raises Unavailable where the body breaks
    off or turns out wrong: the transfer must then break too. `rest(at)` is what does not come by way of the
    file, from `at` on: nothing, unless the disk became full. So whoever lets the kernel send does

        at = growing.first
        while (end := await growing.reach(at)) > at:
            (send bytes at … end of growing.file, by their offset: its position belongs to nobody)
            at = end
        (send the pieces of growing.rest(at))
    """

    file: Descriptor
    first: int
    reach: Callable[[int], Awaitable[int]]
    rest: Callable[[int], Pieces]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Stream:
    """A file that can be read once: `headers` are fit to be passed on as they are.

    `status` is 200, 206, 304, 404 or 416. `total` is the whole file's length where it is known. `local` is
    where the body lies in a file here: whoever can let the kernel send it needs no pieces; `grows` likewise
    for one that is still being fetched. `url` is where it comes from, "" for a file of this host. `framed`
    is false for a body whose end is that of its connection: half of it looks like the whole.
    """

    status: int
    headers: Headers
    total: int | None
    pieces: Pieces
    local: Local | None = None
    url: str = ""
    grows: Growing | None = None
    framed: bool = True

    def chunks(self) -> Pieces:
        """The body. Raises Unavailable where the upstream breaks off."""
        return self.pieces


Open = Callable[[str, str, Headers], AbstractAsyncContextManager[Stream]]
"""What there is of each protocol: (source, path below it, request headers) to the file there.

Entering raises Unavailable naming the source. Nothing of the body is fetched before it is read.
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file that is there. `read(first, length)` gives its bytes, `length` None up to the end.

    `lies(first, length)` says where those bytes are in a file of this host, `grows` where they come to.
    """

    read: Callable[[int, int | None], Pieces]
    size: int | None
    modified: float | None = None
    tag: str = ""
    lies: Callable[[int, int], Local] | None = None
    content_type: str = "application/octet-stream"
    grows: Callable[[int, int | None], Growing] | None = None


def answer(file: File, asked: Headers) -> Stream:
    """The whole file, a part of it, or nothing because the client has it already."""
    headers = {"Content-Type": file.content_type}
    if file.modified is not None:
        headers["Last-Modified"] = formatdate(file.modified, usegmt=True)
    if file.tag:
        headers["ETag"] = f'"{file.tag}"'
    if _has(file, asked):
        return Stream(304, headers, file.size, nothing())
    if file.size is None:
        return _body(200, headers, file, 0, None)
    headers["Accept-Ranges"] = "bytes"
    condition = asked.get("If-Range", "")
    unchanged = not condition or condition in (headers.get("ETag"), headers.get("Last-Modified"))
    wanted = byte_range(asked.get("Range", ""), file.size) if unchanged else None
    if wanted is None:
        headers["Content-Length"] = str(file.size)
        return _body(200, headers, file, 0, file.size)
    first, last = wanted
    if first > last:
        headers |= {"Content-Length": "0", "Content-Range": f"bytes */{file.size}"}
        return Stream(416, headers, file.size, nothing())
    length = last - first + 1
    headers |= {"Content-Length": str(length), "Content-Range": f"bytes {first}-{last}/{file.size}"}
    return _body(206, headers, file, first, length)


def _has(file: File, asked: Headers) -> bool:
    """Whether the client has it already: by its tag, or, where it names none, by the date (RFC 9110)."""
    tags = asked.get("If-None-Match", "")
    if tags:
        return bool(file.tag) and f'"{file.tag}"' in tags
    since = seconds(asked.get("If-Modified-Since", ""))
    return since is not None and file.modified is not None and int(file.modified) <= since


def _body(status: int, headers: Headers, file: File, first: int, length: int | None) -> Stream:
    local = file.lies(first, length) if file.lies and length is not None else None
    grows = file.grows(first, length) if file.grows else None
    return Stream(status, headers, file.size, file.read(first, length), local, grows=grows)


def absent() -> Stream:
    return Stream(404, {"Content-Length": "0"}, None, nothing())


async def whole(pieces: AsyncIterator[bytes], most: int) -> bytes | None:
    """All of a body, None where it is longer than `most` bytes."""
    data = bytearray()
    async for piece in pieces:
        data += piece
        if len(data) > most:
            return None
    return bytes(data)


async def nothing() -> Pieces:
    return
    yield b""


@lru_cache(4096)
def seconds(date: str) -> float | None:
    """A date of a header as seconds since 1970, None for what is none."""
    if not date:
        return None
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def byte_range(asked: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range (first > last: none such), None for the whole file."""
    found = _RANGE.fullmatch(asked.strip())
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last or size), size - 1)
