"""Files of a tree that is a directory of this host."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from provisioner.core.errors import Unavailable
from provisioner.mirror.hot import Held, Hot
from provisioner.mirror.stream import PIECE, File, Headers, Local, Pieces, Stream, absent
from provisioner.mirror.types import content_type


class Folder:
    """`hot` keeps the files open that were asked for last."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot

    @asynccontextmanager
    async def open(self, source: str, path: str, asked: Headers) -> AsyncIterator[Stream]:
        """As `stream.Open`."""
        found = await asyncio.to_thread(look, source, path)
        if found is None:
            yield absent()
            return
        held, status = found
        size, changed = status.st_size, status.st_mtime_ns
        file = File(
            partial(_read, held, f"{source}/{path}"),
            size,
            status.st_mtime,
            f"{changed:x}-{size:x}",
            partial(_lies, held),
            content_type=content_type(path),
        )
        yield self._hot.keep(source, path, file, str(Path(source, path.lstrip("/"))), status, asked)


def look(source: str, path: str) -> tuple[Held, os.stat_result] | None:
    """The regular file at `path` below `source`, opened; nothing outside is ever found.

    Links are followed, and may lead anywhere inside. Blocking. Raises Unavailable where the directory is
    missing, or the file may not be read.
    """
    root = Path(source).resolve()
    if not root.is_dir():
        raise Unavailable(f"the directory {source} is not there", remedy="look whether it is still mounted")
    if "\0" in path or ".." in path.split("/"):
        return None
    try:
        # What it is is looked at before it is opened for reading, which a pipe or a device may not take well.
        place = os.open(root / path.lstrip("/"), os.O_PATH | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None  # not there, a name too long, or links in a circle
    try:
        status, itself = os.fstat(place), Path(f"/proc/self/fd/{place}")
        if not stat.S_ISREG(status.st_mode) or not itself.readlink().is_relative_to(root):
            return None
        return Held(os.open(itself, os.O_RDONLY | os.O_CLOEXEC)), status
    except OSError as error:
        raise Unavailable(f"{source}/{path} cannot be read: {error.strerror}") from error
    finally:
        os.close(place)


def _lies(held: Held, first: int, length: int) -> Local:
    return Local(held, ((first, length),))


async def _read(held: Held, name: str, first: int, length: int | None) -> Pieces:
    at, end = first, first + (length or 0)
    try:
        while at < end:
            piece = await asyncio.to_thread(os.pread, held.fileno(), min(PIECE, end - at), at)
            if not piece:
                raise Unavailable(f"{name} became shorter while it was sent")
            at += len(piece)
            yield piece
    except OSError as error:
        raise Unavailable(f"{name} cannot be read: {error.strerror}") from error
