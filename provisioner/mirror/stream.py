"""A file on its way: what its source says of it, and what a client's request headers make of that."""

import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email.utils import formatdate
from typing import BinaryIO

PIECE = 256 * 1024
"""A body is read and passed on in pieces of at most so many bytes."""
Pieces = AsyncGenerator[bytes, None]
Headers = Mapping[str, str]

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Local:
    """Where a body lies in an open file of this host: offset and length of each run of its bytes."""

    file: BinaryIO
    runs: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Stream:
    """A file that can be read once: `headers` are fit to be passed on as they are.

    `status` is 200, 206, 304, 404 or 416. `total` is the whole file's length where it is known. `local` is
    where the body lies in a file here: whoever can let the kernel send it needs no pieces. `url` is where it
    comes from, "" for a file of this host.
    """

    status: int
    headers: Headers
    total: int | None
    pieces: Pieces
    local: Local | None = None
    url: str = ""

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

    `size` is None where its source does not tell, `modified` (seconds since 1970) and `tag` likewise.
    `lies(first, length)` says where those bytes are in a file of this host.
    """

    read: Callable[[int, int | None], Pieces]
    size: int | None
    modified: float | None = None
    tag: str = ""
    lies: Callable[[int, int], Local] | None = None


def answer(file: File, asked: Headers) -> Stream:
    """The whole file, a part of it, or nothing because the client has it already."""
    headers = {"Content-Type": "application/octet-stream"}
    if file.modified is not None:
        headers["Last-Modified"] = formatdate(file.modified, usegmt=True)
    if file.tag:
        headers["ETag"] = f'"{file.tag}"'
    if file.tag and headers["ETag"] in asked.get("If-None-Match", ""):
        return Stream(304, headers, file.size, _nothing())
    if file.size is None:
        return Stream(200, headers, None, file.read(0, None))
    headers["Accept-Ranges"] = "bytes"
    condition = asked.get("If-Range", "")
    unchanged = not condition or condition in (headers.get("ETag"), headers.get("Last-Modified"))
    wanted = _wanted(asked.get("Range", ""), file.size) if unchanged else None
    if wanted is None:
        headers["Content-Length"] = str(file.size)
        return Stream(200, headers, file.size, file.read(0, file.size), _local(file, 0, file.size))
    first, last = wanted
    if first > last:
        headers |= {"Content-Length": "0", "Content-Range": f"bytes */{file.size}"}
        return Stream(416, headers, file.size, _nothing())
    length = last - first + 1
    headers |= {"Content-Length": str(length), "Content-Range": f"bytes {first}-{last}/{file.size}"}
    return Stream(206, headers, file.size, file.read(first, length), _local(file, first, length))


def _local(file: File, first: int, length: int) -> Local | None:
    return file.lies(first, length) if file.lies else None


def absent() -> Stream:
    return Stream(404, {"Content-Length": "0"}, None, _nothing())


async def _nothing() -> Pieces:
    return
    yield b""


def _wanted(byte_range: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range (first > last: none such), None for the whole file."""
    found = _RANGE.fullmatch(byte_range.strip())
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last or size), size - 1)
