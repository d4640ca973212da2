"""Files on their way to a host: fetched, packed and converted in a folder of each install."""

import asyncio
import base64
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, assert_never

from provisioner.core.errors import Unavailable
from provisioner.core.profile import Tree
from provisioner.core.source import shown
from provisioner.plan.staged import staged
from provisioner.plan.steps import FetchFile, LocalStep, MakeSeed, PrepareImage, StageFile
from provisioner.service.staging import Sources, stage


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
    """`folder` has one folder for each install that is being made."""

    def __init__(self, sources: Sources, makers: Makers, folder: Path) -> None:
        self._sources = sources
        self._makers = makers
        self._folder = folder

    async def apply(self, step: LocalStep) -> None:
        """Carries out one step. Raises Unavailable, Invalid."""
        try:
            match step:
                case FetchFile():
                    await self._fetch(step)
                case StageFile():
                    await stage(self._sources, step)
                case MakeSeed():
                    await asyncio.to_thread(self._seed, step)
                case PrepareImage():
                    await self._makers.prepare(Path(step.image))
                case _:
                    assert_never(step)
        except OSError as error:
            place = error.filename or self._folder
            raise Unavailable(f"{place} cannot be written: {error.strerror}") from error

    async def stage(self, tree: Tree, folder: str) -> None:
        """Keeps what GRUB and PXELINUX fetch of a tree, below `folder`. Raises Unavailable."""
        for step in staged(tree, folder):
            await self.apply(step)

    async def clear(self, install: str) -> None:
        """Removes the folder of an install."""
        await asyncio.to_thread(shutil.rmtree, self._folder / install, ignore_errors=True)

    async def _fetch(self, step: FetchFile) -> None:
        to = Path(step.to)
        await asyncio.to_thread(_folder, to.parent)
        async with self._sources(step.source, step.path, {}) as opened:
            if opened.status != 200:
                raise Unavailable(f"the tree {shown(step.source)} has no {step.path}")
            # Opened in place: who is cancelled while a thread opens it never gets what is to be closed.
            with to.open("wb") as file:  # noqa: ASYNC230
                async for piece in opened.chunks():
                    await asyncio.to_thread(file.write, piece)
        if step.inject:
            files = {name: base64.b64decode(content) for name, content in step.inject}
            await asyncio.to_thread(self._makers.inject, to, files)

    def _seed(self, step: MakeSeed) -> None:
        to = Path(step.to)
        _folder(to.parent)
        to.touch(mode=0o600)
        to.write_bytes(self._makers.seed(step.label, {name: text.encode() for name, text in step.files}))


def _folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
