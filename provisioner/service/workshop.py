"""Files on their way to a host: fetched, packed and converted in a folder of each install."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol, assert_never

from provisioner.core.errors import Unavailable
from provisioner.core.source import shown
from provisioner.plan.steps import FetchFile, LocalStep, MakeSeed, PrepareImage, RemoveFile


class Opened(Protocol):
    @property
    def status(self) -> int: ...
    def chunks(self) -> AsyncIterator[bytes]: ...


class Sources(Protocol):
    def __call__(
        self, source: str, path: str, headers: Mapping[str, str] | None = None, /
    ) -> AbstractAsyncContextManager[Opened]:
        """A file of a tree. Entering raises Unavailable that names the URL."""
        ...


class Makers(Protocol):
    """Blocking, but for what an image takes."""

    def seed(self, label: str, files: Mapping[str, bytes]) -> bytes:
        """A small volume. Raises Invalid."""
        ...

    def inject(self, initrd: Path, files: Mapping[str, bytes]) -> None:
        """Appends files to an initrd."""
        ...

    async def prepare(self, image: Path) -> None:
        """Makes a plain file of a disk image, and keeps it. Raises Invalid, Conflict, Unavailable."""
        ...


class Workshop:
    def __init__(self, sources: Sources, makers: Makers) -> None:
        self._sources = sources
        self._makers = makers

    async def apply(self, step: LocalStep) -> None:
        """Carries out one step. What failed leaves no file. Raises Unavailable, Invalid."""
        match step:
            case FetchFile():
                await self._whole(Path(step.to), self._fetch(step))
            case MakeSeed():
                files = {name: text.encode() for name, text in step.files}
                await self._whole(Path(step.to), self._seed(Path(step.to), step.label, files))
            case PrepareImage():
                await self._makers.prepare(Path(step.image))
            case RemoveFile():
                await asyncio.to_thread(_remove, Path(step.path))
            case _:
                assert_never(step)

    async def _whole(self, to: Path, making: Coroutine[Any, Any, None]) -> None:
        """The folder made before, the file removed where its making fails."""
        try:
            await asyncio.to_thread(_folder, to.parent)
            await making
        except OSError as error:
            await asyncio.to_thread(_remove, to)
            raise Unavailable(f"{to} cannot be written: {error.strerror}") from error
        except BaseException:
            await asyncio.to_thread(_remove, to)
            raise

    async def _fetch(self, step: FetchFile) -> None:
        async with self._sources(step.source, step.path, {}) as opened:
            if opened.status != 200:
                raise Unavailable(f"the tree {shown(step.source)} has no {step.path}")
            with await asyncio.to_thread(Path(step.to).open, "wb") as file:
                async for piece in opened.chunks():
                    await asyncio.to_thread(file.write, piece)
        if step.inject:
            files = {name: base64.b64decode(content) for name, content in step.inject}
            await asyncio.to_thread(self._makers.inject, Path(step.to), files)

    async def _seed(self, to: Path, label: str, files: Mapping[str, bytes]) -> None:
        content = await asyncio.to_thread(self._makers.seed, label, files)
        await asyncio.to_thread(_private, to, content)


def _folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _private(to: Path, content: bytes) -> None:
    to.touch(mode=0o600)
    to.write_bytes(content)


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # other files are in it still
        file.parent.rmdir()
