"""Files of a tree from disk: inside their root only, sent by the kernel, byte for byte, with progress."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import IO, cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from provisioner.web.services import Descriptor

Progress = Callable[[int, int, bool], Awaitable[None]]
"""Called with (bytes of the file the client has, its size, whether this request is done)."""
_PIECE = 8 * 1024 * 1024


def locate(root: Path, path: str) -> Path | None:
    """The regular file at `path` below `root`, links followed; None for everything else.

    Blocking. A link may point anywhere inside the root, and nowhere outside it.
    """
    if "\0" in path or "\\" in path or any(part in ("", ".", "..") for part in path.split("/")):
        return None
    try:
        base = root.resolve(strict=True)
        found = (base / path).resolve(strict=True)
        if found.is_relative_to(base) and stat.S_ISREG(found.stat().st_mode):
            return found
    except (OSError, ValueError, RuntimeError):
        return None
    return None


class TreeFile(web.FileResponse):
    """A file response for mirrors: never a compressed sibling in its place, and told how far it got."""

    def __init__(self, path: Path, progress: Progress | None = None) -> None:
        super().__init__(path)
        self._progress = progress

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """`If-Range` with an ETag that is not this file's asks for the whole file."""
        condition = request.headers.get("If-Range", "")
        if condition.startswith('"') and condition != await asyncio.to_thread(_etag, self._path):
            headers = request.headers.copy()
            headers.popall("Range", None)
            request = request.clone(headers=headers)
        return await super().prepare(request)

    def _get_file_path_stat_encoding(
        self, accept_encoding: str
    ) -> tuple[Path | None, os.stat_result, str | None]:
        return super()._get_file_path_stat_encoding("")

    async def _sendfile(
        self, request: web.BaseRequest, fobj: IO[bytes], offset: int, count: int
    ) -> AbstractStreamWriter:
        if self._progress is None:
            return await super()._sendfile(request, fobj, offset, count)
        size = os.fstat(fobj.fileno()).st_size
        writer = await web.StreamResponse.prepare(self, request)
        if writer is None or request.transport is None:
            raise ConnectionResetError("the client has gone")
        end = offset + count
        async for sent in by_kernel(request.transport, fobj, [(offset, count)]):
            offset += sent
            if offset < end:
                await self._progress(offset, size, False)
        await web.StreamResponse.write_eof(self)
        await self._progress(offset, size, True)
        return writer


async def by_kernel(
    transport: asyncio.Transport, file: Descriptor, runs: Sequence[tuple[int, int]]
) -> AsyncGenerator[int]:
    """Has the kernel send runs (offset, length) of a file; gives the bytes of each piece that went.

    Raises ConnectionResetError for a client that has gone, and for a file that became shorter.
    """
    loop = asyncio.get_running_loop()
    for offset, length in runs:
        end = offset + length
        while offset < end:
            sent = await loop.sendfile(transport, cast(IO[bytes], file), offset, min(_PIECE, end - offset))
            if not sent:
                raise ConnectionResetError("the file became shorter while it was sent")
            offset += sent
            yield sent


def _etag(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
