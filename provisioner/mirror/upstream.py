"""Files of any size, passed through from a directory or an HTTP upstream without being kept."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from aiohttp import ClientResponse, ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.client import ABSENT, PIECE, address, fetch, pieces
from provisioner.mirror.folder import locate

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_HANDED_ON = ("Range", "If-Range", "If-None-Match", "If-Modified-Since")
_STATUSES = (200, 206, 304, 416)
_PASSED_ON = ("Accept-Ranges", "Content-Length", "Content-Range", "Content-Type", "ETag", "Last-Modified")


@dataclass(frozen=True, slots=True)
class Stream:
    """A file that can be read once: `headers` are fit to be passed on as they are.

    `status` is 200, 206, 304, 404 or 416. `total` is the whole file's length where it is known.
    """

    status: int
    headers: Mapping[str, str]
    total: int | None
    pieces: AsyncIterator[bytes]

    def chunks(self) -> AsyncIterator[bytes]:
        """The body. Raises Unavailable where the upstream breaks off."""
        return self.pieces


class Upstream:
    """Opens files of trees. The session is closed by whoever made it."""

    def __init__(self, client: ClientSession) -> None:
        self._client = client

    @asynccontextmanager
    async def open(
        self, source: str, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Stream]:
        """The file at `path` below a tree's `source`. Raises Unavailable naming the URL or the directory.

        Of a client's request headers the range and the conditions are handed on.
        """
        asked = {name: (headers or {})[name] for name in _HANDED_ON if name in (headers or {})}
        if ".." in path.split("/"):
            yield _absent()
        elif source.startswith(("http://", "https://")):
            async with fetch(self._client, address(source, path), headers=asked) as response:
                yield _passed_on(response)
        else:
            yield await asyncio.to_thread(_from_directory, source, path, asked.get("Range", ""))


def _passed_on(response: ClientResponse) -> Stream:
    if response.status in ABSENT:
        return _absent()
    if response.status not in _STATUSES:
        raise Unavailable(f"{response.url} answered {response.status} {response.reason or ''}".rstrip())
    headers = {name: response.headers[name] for name in _PASSED_ON if name in response.headers}
    return Stream(response.status, headers, _total(response), pieces(response))


def _absent() -> Stream:
    return Stream(404, {"Content-Length": "0"}, None, _nothing())


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _total(response: ClientResponse) -> int | None:
    whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    if whole.isdecimal():
        return int(whole)
    return response.content_length if response.status == 200 else None


def _from_directory(source: str, path: str, byte_range: str) -> Stream:
    file = locate(source, path)
    if file is None:
        return _absent()
    status = file.stat()
    size = status.st_size
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
        "ETag": f'"{status.st_mtime_ns:x}-{size:x}"',
    }
    wanted = _wanted(byte_range, size)
    if wanted is None:
        headers |= {"Content-Length": str(size)}
        return Stream(200, headers, size, _read(file, 0, size))
    first, last = wanted
    if first > last:
        headers |= {"Content-Length": "0", "Content-Range": f"bytes */{size}"}
        return Stream(416, headers, size, _read(file, 0, 0))
    length = last - first + 1
    headers |= {"Content-Length": str(length), "Content-Range": f"bytes {first}-{last}/{size}"}
    return Stream(206, headers, size, _read(file, first, length))


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


async def _read(file: Path, first: int, length: int) -> AsyncIterator[bytes]:
    try:
        stream = await asyncio.to_thread(file.open, "rb")
        with stream:
            await asyncio.to_thread(stream.seek, first)
            while length:
                piece = await asyncio.to_thread(stream.read, min(PIECE, length))
                if not piece:
                    raise Unavailable(f"{file} became shorter while it was sent")
                length -= len(piece)
                yield piece
    except OSError as error:
        raise Unavailable(f"{file} cannot be read: {error.strerror}") from error
