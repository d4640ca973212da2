"""A media file as a plain qcow2 or raw file that a volume can be filled from: unpacked, converted, kept."""

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner.core.errors import Conflict, Invalid
from provisioner.core.media import MediaFile, ReadyImage
from provisioner.core.storage import MOST_BYTES
from provisioner.media import qemuimg
from provisioner.media.inspect import inspect
from provisioner.media.inspect_source import Opened
from provisioner.media.unpack import unpack

_KEPT_SECONDS = 30 * 86400
Told = Callable[[str, float], Awaitable[None]]
"""Called with what is done ("unpacking", "converting") and the percentage."""


class Prepared:
    """`folder` keeps what was converted, by the file it was made of; it may be emptied at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, asyncio.Lock] = {}

    async def ready(self, file: MediaFile, told: Told | None = None, *, most: int = MOST_BYTES) -> ReadyImage:
        """The media file itself where it is plain qcow2 or raw, else its conversion.

        Raises Invalid for what is no disk, Conflict where there is no room for it, Unavailable.
        """
        if file.kind != "disk":
            raise Invalid(f"{file.path} is no disk image")
        place = await asyncio.to_thread(self.place, file)
        if place.path == file.path:
            return place
        async with self._locks.setdefault(place.key, asyncio.Lock()):
            target = Path(place.path)
            if not await asyncio.to_thread(target.exists):
                await self._make(file, target, told, most)
            size = await asyncio.to_thread(_used, target)
        return ReadyImage(place.path, "qcow2", size, place.key)

    def place(self, file: MediaFile) -> ReadyImage:
        """What `ready` will give for an image whose size is known; nothing is made. Blocking."""
        key = _key(Path(file.path))
        if not file.packed and file.format in ("qcow2", "raw"):
            return ReadyImage(file.path, "raw" if file.format == "raw" else "qcow2", file.virtual_size, key)
        return ReadyImage(str(self._folder / f"{key}.qcow2"), "qcow2", file.virtual_size, key)

    def sweep(self) -> None:
        """Removes what was cut off and what nobody used for a month. For the start of a service."""
        for work in self._folder.glob(".making-*"):
            shutil.rmtree(work, ignore_errors=True)
        for image in self._folder.glob("*.qcow2"):
            if time.time() - image.stat().st_mtime > _KEPT_SECONDS:
                image.unlink()

    async def _make(self, file: MediaFile, target: Path, told: Told | None, most: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._folder, prefix=".making-") as work:
            source = Path(file.path)
            if file.packed:
                source = Path(work) / "unpacked"
                await self._unpack(file, source, told, most)
            made = Path(work) / "made.qcow2"
            needed = await qemuimg.measure(source, "qcow2", most=most)
            if needed > shutil.disk_usage(self._folder).free:
                raise Conflict(
                    f"{file.path} takes {needed / 1024**3:.1f} GiB as qcow2, "
                    f"more than {self._folder} has left"
                )

            async def progress(percent: float) -> None:
                if told is not None:
                    await told("converting", percent)

            await qemuimg.convert(source, made, "qcow2", most=most, progress=progress)
            made.chmod(0o644)
            made.replace(target)

    async def _unpack(self, file: MediaFile, target: Path, told: Told | None, most: int) -> None:
        loop = asyncio.get_running_loop()

        def progress(done: int, size: int) -> None:
            if told is not None:
                asyncio.run_coroutine_threadsafe(_tell(told, 100 * done / max(1, size)), loop).result(60)

        def work() -> None:
            descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                room = shutil.disk_usage(target.parent).free
                what = f"image {file.name}"
                unpack(descriptor, file.packed, target, what, most=min(most, 64 * room), progress=progress)
            finally:
                os.close(descriptor)

        await asyncio.to_thread(work)


async def _tell(told: Told, percent: float) -> None:
    await told("unpacking", percent)


def _key(path: Path) -> str:
    """Names a file's content without reading it: the same file, unchanged, gives the same."""
    facts = path.stat()
    text = f"{path.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}\0{facts.st_ino}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _used(path: Path) -> int:
    """The virtual size of a kept image, whose use is noted."""
    os.utime(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return inspect(Opened(descriptor), f"image {path.name}").virtual_size
    finally:
        os.close(descriptor)
