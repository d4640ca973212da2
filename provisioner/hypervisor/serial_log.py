"""What a guest wrote to its serial line, from the file in which libvirt keeps it on this host."""

import asyncio
import os
from pathlib import Path

import libvirt

from provisioner.core.errors import Conflict
from provisioner.hypervisor import devices, guest
from provisioner.hypervisor.xml import attribute, parse

_LOOK_SECONDS = 0.25
_CHUNK = 64 * 1024


def log_file(connection: libvirt.virConnect, name: str, uuid: str, uri: str) -> Path | None:
    """The file, None where there is none or it cannot be read here."""
    root = parse(guest.ours(connection, name, uuid).XMLDesc())
    kept = attribute(root, "devices/serial/log", "file") or attribute(root, "devices/console/log", "file")
    kept = kept or attribute(root, "devices/serial[@type='file']/source", "path")
    path = Path(kept)
    return path if kept and devices.is_local(uri) and os.access(path, os.R_OK) else None


class SerialLog:
    """The growing file as a `service.ports.Channel` for reading alone. It ends when it is closed."""

    def __init__(self, path: Path, tail: int) -> None:
        self._path = path
        self._place = -tail
        self._inode = 0
        self._closed = False

    async def read(self) -> bytes:
        while not self._closed:
            if data := await asyncio.to_thread(self._more):
                return data
            await asyncio.sleep(_LOOK_SECONDS)
        return b""

    async def write(self, data: bytes) -> None:
        raise Conflict("this is what the guest said; nobody can type into it")

    async def close(self) -> None:
        self._closed = True

    def _more(self) -> bytes:
        """What came since the last look. A file that became another (a log rotated) begins anew."""
        try:
            with self._path.open("rb") as file:
                facts = os.fstat(file.fileno())
                if self._place < 0:
                    self._place = max(0, facts.st_size + self._place)
                elif facts.st_ino != self._inode or facts.st_size < self._place:
                    self._place = 0
                self._inode = facts.st_ino
                file.seek(self._place)
                data = file.read(_CHUNK)
        except OSError:
            return b""
        self._place += len(data)
        return data


def tail(path: Path, size: int) -> bytes:
    """The last bytes of the file, none where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read(size)
    except OSError:
        return b""
