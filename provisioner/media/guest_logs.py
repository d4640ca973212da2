"""What guests say on their serial lines and log ports, from the files in which libvirt keeps it here."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from provisioner.media.evidence import name
from provisioner.service.ports import Line

_SUFFIXES: Mapping[Line, str] = {"serial": ".log", "log": ".anaconda.log"}
"""As `service.grounds` names them."""
_CHUNK = 64 * 1024
_KEPT_BY_LIBVIRT = 4
"""virtlogd moves a file that has become large to .0, that to .1, and so on."""

Key = tuple[str, Line]


class Logs:
    """Satisfies `service.ports.GuestLogs`. Many are read in one thread, each at most 64 KiB at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inodes: dict[Key, int] = {}

    async def since(self, places: Mapping[Key, int]) -> Mapping[Key, tuple[bytes, int]]:
        return await asyncio.to_thread(self._since, places) if places else {}

    async def tail(self, install: str, line: Line, size: int) -> bytes:
        return await asyncio.to_thread(self._tail, self._file(install, line), size)

    async def installs(self) -> Mapping[str, float]:
        return await asyncio.to_thread(self._installs)

    async def remove(self, install: str) -> None:
        for suffix in _SUFFIXES.values():
            file = self._folder / f"{name(install)}{suffix}"
            for moved in (file, *(file.with_name(f"{file.name}.{n}") for n in range(_KEPT_BY_LIBVIRT))):
                with suppress(OSError):
                    moved.unlink()

    def _since(self, places: Mapping[Key, int]) -> Mapping[Key, tuple[bytes, int]]:
        found = {key: told for key, place in places.items() if (told := self._more(key, place))}
        self._inodes = {key: inode for key, inode in self._inodes.items() if key in places}
        return found

    def _more(self, key: Key, place: int) -> tuple[bytes, int] | None:
        try:
            with self._file(*key).open("rb") as file:
                facts = os.fstat(file.fileno())
                if facts.st_size < place or self._inodes.setdefault(key, facts.st_ino) != facts.st_ino:
                    place = 0
                    self._inodes[key] = facts.st_ino
                if facts.st_size == place:
                    return None
                file.seek(place)
                data = file.read(_CHUNK)
        except OSError:
            return None
        return (data, place + len(data)) if data else None

    def _tail(self, file: Path, size: int) -> bytes:
        """With the end of the file before it, where that was moved away just now."""
        found = _last(file, size)
        if len(found) < size:
            found = _last(file.with_name(f"{file.name}.0"), size - len(found)) + found
        return found

    def _installs(self) -> Mapping[str, float]:
        found: dict[str, float] = {}
        for file in self._folder.iterdir() if self._folder.is_dir() else ():
            install = file.name.partition(".")[0]
            with suppress(OSError):
                found[install] = max(found.get(install, 0.0), file.stat().st_mtime)
        return found

    def _file(self, install: str, line: Line) -> Path:
        return self._folder / f"{name(install)}{_SUFFIXES[line]}"


def _last(file: Path, size: int) -> bytes:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, os.fstat(opened.fileno()).st_size - size))
            return opened.read(size)
    except OSError:
        return b""
