"""Files of a tree that is a directory of this host."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from provisioner.core.errors import Unavailable
from provisioner.mirror.stream import PIECE, File, Headers, Pieces, Stream, absent, answer


@asynccontextmanager
async def open_file(source: str, path: str, asked: Headers) -> AsyncIterator[Stream]:
    """As `stream.Open`."""
    file = await asyncio.to_thread(locate, source, path)
    if file is None:
        yield absent()
        return
    status = await asyncio.to_thread(file.stat)
    tag = f"{status.st_mtime_ns:x}-{status.st_size:x}"
    yield answer(File(partial(_read, file), status.st_size, status.st_mtime, tag), asked)


def locate(source: str, path: str) -> Path | None:
    """The regular file at `path` below `source`, None where there is none; nothing outside is ever found.

    Links are followed, and may lead anywhere inside. Raises Unavailable where the directory is missing.
    """
    root = Path(source).resolve()
    if not root.is_dir():
        raise Unavailable(f"the directory {source} is not there", remedy="look whether it is still mounted")
    if "\0" in path or ".." in path.split("/"):
        return None
    try:
        found = (root / path.lstrip("/")).resolve()
        return found if found.is_relative_to(root) and found.is_file() else None
    except (OSError, RuntimeError):
        return None  # a name too long, or links in a circle


async def _read(file: Path, first: int, length: int | None) -> Pieces:
    left = length or 0
    try:
        stream = await asyncio.to_thread(file.open, "rb")
        with stream:
            await asyncio.to_thread(stream.seek, first)
            while left:
                piece = await asyncio.to_thread(stream.read, min(PIECE, left))
                if not piece:
                    raise Unavailable(f"{file} became shorter while it was sent")
                left -= len(piece)
                yield piece
    except OSError as error:
        raise Unavailable(f"{file} cannot be read: {error.strerror}") from error
