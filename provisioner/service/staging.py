"""Files of a tree kept for boot loaders: whole or not at all, and as the tree has them now."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Protocol

from provisioner.core.errors import Unavailable
from provisioner.core.source import shown
from provisioner.plan.steps import StageFile

_ABSENT = (403, 404, 410)


class Opened(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def total(self) -> int | None: ...
    def chunks(self) -> AsyncIterator[bytes]: ...


class Sources(Protocol):
    def __call__(
        self, source: str, path: str, headers: Mapping[str, str] | None = None, /
    ) -> AbstractAsyncContextManager[Opened]:
        """A file of a tree. Entering raises Unavailable that names the URL."""
        ...


async def stage(sources: Sources, step: StageFile) -> None:
    """Raises Unavailable where the tree or its file is not there, OSError where it cannot be kept."""
    to = Path(step.to)
    async with sources(step.source, step.path, {}) as opened:
        if opened.status in _ABSENT and step.optional:
            await asyncio.to_thread(to.unlink, missing_ok=True)
            return
        if opened.status != 200:
            raise Unavailable(f"the tree {shown(step.source)} has no {step.path}")
        modified = _modified(opened.headers)
        if not await asyncio.to_thread(_is_kept, to, opened.total, modified):
            await _keep(opened, to, modified)


async def unstage(folder: Path, name: str) -> None:
    """Removes whatever is kept below `folder` of the tree of that name. Raises Unavailable."""
    try:
        await asyncio.to_thread(shutil.rmtree, folder / name)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Unavailable(f"{error.filename} cannot be removed: {error.strerror}") from error


async def _keep(opened: Opened, to: Path, modified: float | None) -> None:
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    descriptor, name = tempfile.mkstemp(prefix=f".{to.name}-", dir=to.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            async for piece in opened.chunks():
                await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(_put, new, to, modified)
    except BaseException:
        new.unlink(missing_ok=True)  # noqa: ASYNC240 - also where it was cancelled
        raise


def _put(new: Path, to: Path, modified: float | None) -> None:
    new.chmod(0o644)
    if modified is not None:
        os.utime(new, (modified, modified))
    new.replace(to)


def _modified(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers.get("Last-Modified", "")).timestamp()
    except ValueError:
        return None


def _is_kept(to: Path, size: int | None, modified: float | None) -> bool:
    """Whether what is kept has the size and date of the tree's; one that tells none is fetched anew."""
    try:
        status = to.stat()
    except FileNotFoundError:
        return False
    return modified is not None and (status.st_size, status.st_mtime) == (size, modified)
