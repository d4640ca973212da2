"""What is kept of installs beside their events: a folder for each, its files of mode 0600."""

import asyncio
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from provisioner.core.errors import NotFound, Unavailable
from provisioner.service.ports import Piece

_FILES: Mapping[Piece, str] = {"log": "log.txt", "serial": "serial.txt", "screen": "screen.png"}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Evidence:
    """Satisfies `service.ports.EvidenceFiles`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, install: str, piece: Piece, data: bytes) -> None:
        await asyncio.to_thread(self._keep, install, piece, data)

    async def read(self, install: str, piece: Piece) -> bytes:
        try:
            return await asyncio.to_thread(self._file(install, piece).read_bytes)
        except OSError:
            raise NotFound(f"of install {install} no {piece} is kept") from None

    async def sizes(self, install: str) -> Mapping[Piece, int]:
        return await asyncio.to_thread(self._sizes, install)

    async def installs(self) -> Mapping[str, tuple[float, int]]:
        return await asyncio.to_thread(self._installs)

    async def remove(self, install: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self._place(install), ignore_errors=True)

    def _keep(self, install: str, piece: Piece, data: bytes) -> None:
        file = self._file(install, piece)
        part = file.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            file.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(data)
            part.replace(file)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise Unavailable(f"{file} cannot be written: {error.strerror}") from error

    def _sizes(self, install: str) -> Mapping[Piece, int]:
        found: dict[Piece, int] = {}
        for piece in _FILES:
            file = self._file(install, piece)
            if file.is_file():
                found[piece] = file.stat().st_size
        return found

    def _installs(self) -> Mapping[str, tuple[float, int]]:
        found = {}
        for place in self._folder.iterdir() if self._folder.is_dir() else ():
            stats = [file.stat() for file in place.iterdir()]
            newest = max((stat.st_mtime for stat in stats), default=place.stat().st_mtime)
            found[place.name] = (newest, sum(stat.st_size for stat in stats))
        return found

    def _file(self, install: str, piece: Piece) -> Path:
        return self._place(install) / _FILES[piece]

    def _place(self, install: str) -> Path:
        return self._folder / name(install)


def name(install: str) -> str:
    """The install's id as the name of a file. Raises NotFound for what is none."""
    if not _ID.fullmatch(install):
        raise NotFound(f"{install[:64]!r} is no install's id")
    return install
