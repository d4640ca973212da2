"""Files of a folder for the pages: inside their root only, byte for byte."""

import asyncio
import os
import stat
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter


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
    """A file response: never a compressed sibling in its place."""

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


def _etag(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
