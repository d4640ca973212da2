"""First loaders told, added and removed; what was added lies in a folder of its own and comes first."""

import asyncio
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from provisioner.core.errors import Conflict, Invalid, NotFound, Unavailable
from provisioner.core.loaders import MOST_BYTES, SEARCH, LoaderFile, package, users
from provisioner.media import program
from provisioner.media.loaders import Shelf
from provisioner.media.owners import owners


class LoaderStore:
    """`shelf` says where each name is; its files are read here without being kept."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def list(self) -> Sequence[LoaderFile]:
        """Every name that firmware may be given, with or without a file, and what was added beside them."""
        return await asyncio.to_thread(self.told)

    async def add(self, name: str, machine: str, pieces: AsyncIterator[bytes], size: int) -> LoaderFile:
        """Takes a program in that is made for `machine`; it is there whole, or not at all.

        `name` is usable. Raises Invalid for another program, Conflict where one was added before.
        """
        content = await _collected(name, pieces, size)
        return await asyncio.to_thread(self._checked, name, machine, content)

    async def remove(self, name: str) -> None:
        """Raises NotFound, Conflict for a file that was not added here."""
        await asyncio.to_thread(self._remove, name)

    def sweep(self) -> None:
        """Removes what an upload that was killed left behind. For the start of a service."""
        for part in self._shelf.own.glob(".*.part"):
            part.unlink(missing_ok=True)

    def told(self, names: Sequence[str] = ()) -> Sequence[LoaderFile]:
        """What is known of these names, or of all."""
        added = self._shelf.added()
        found = [self._look(name, name in added) for name in names or dict.fromkeys([*SEARCH, *added])]
        brought = owners([file.path for file in found if file.path and not file.own])
        return [replace(file, package=brought.get(file.path, "")) if file.path else file for file in found]

    def _look(self, name: str, own: bool) -> LoaderFile:
        path = self._shelf.where(name)
        content = _content(path) if path else None
        if path is None or content is None:
            note = "" if path is None else f"{path} cannot be read"
            return LoaderFile(name, users(name), package=_package(name), note=note)
        sha256 = hashlib.sha256(content).hexdigest()
        return _described(LoaderFile(name, users(name), path, own, "", len(content), sha256), content)

    def _checked(self, name: str, machine: str, content: bytes) -> LoaderFile:
        try:
            program.check(content, machine)
        except Invalid as error:
            raise Invalid(f"{name} is refused: {error}") from None
        try:
            _keep(self._shelf.own, name, content)
        except FileExistsError:
            raise Conflict(
                f"a loader {name} was added before", remedy=f"provisioner loader remove {name}"
            ) from None
        except OSError as error:
            raise Unavailable(f"{name} cannot be written to {self._shelf.own}: {error.strerror}") from None
        return self._look(name, own=True)

    def _remove(self, name: str) -> None:
        if name in self._shelf.added():
            (self._shelf.own / name).unlink(missing_ok=True)
            _settle(self._shelf.own)
        elif (path := self._shelf.where(name)) is not None:
            brought = owners([path]).get(path, "")
            of = f" of package {brought}" if brought else ""
            raise Conflict(f"{name} is {path}{of}, which was not added here; it is left alone")
        else:
            raise NotFound(f"there is no loader {name[:80]!r}", remedy="provisioner loader list   shows all")


def _package(name: str) -> str:
    """What brings a loader on this host."""
    return package(name, "apt" if shutil.which("apt-get") else "dnf")


def _content(path: str) -> bytes | None:
    try:
        with Path(path).open("rb") as opened:
            return opened.read(MOST_BYTES)
    except OSError:
        return None


def _described(file: LoaderFile, content: bytes) -> LoaderFile:
    try:
        found = program.look(content)
    except Invalid as error:
        return replace(file, note=str(error))
    return replace(
        file,
        machine=found.machine,
        signers=found.signers,
        sbat=found.sbat,
        trusts=found.trusts,
        revokes=found.revokes,
    )


async def _collected(name: str, pieces: AsyncIterator[bytes], size: int) -> bytes:
    if size > MOST_BYTES:
        raise Invalid(f"{name} has {size} bytes; a first loader has {MOST_BYTES} at most")
    content = bytearray()
    async for piece in pieces:
        content += piece
        if len(content) > size:
            break
    if len(content) != size:
        raise Invalid(f"{name}: other bytes came than the {size} that were announced")
    return bytes(content)


def _keep(folder: Path, name: str, content: bytes) -> None:
    """Written aside first, so that it is there whole or not at all. Raises FileExistsError, OSError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    part = folder / f".{secrets.token_hex(8)}.part"
    try:
        with part.open("xb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        part.chmod(0o644)
        os.link(part, folder / name)
    finally:
        part.unlink(missing_ok=True)
    _settle(folder)


def _settle(folder: Path) -> None:
    """Has the folder's entries written, so that they outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
