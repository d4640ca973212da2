"""The media store: files inside the configured folders, and no others; each inspected before it is used.

Nothing outside the folders is opened, however its name is written. Links are followed while they stay inside.
"""

import asyncio
import os
import re
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from provisioner.core.errors import Conflict, Invalid, NotFound, Unavailable
from provisioner.core.media import MediaFile
from provisioner.media.inspect import inspect, looks_like, packing
from provisioner.media.inspect_raw import file_system, has_table
from provisioner.media.inspect_source import Ends, Opened
from provisioner.media.unpack import head

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:@=~-]{0,180}")
_ADD = "provisioner media add FILE   copies a file into the store"
_AGAIN = "fetch it again, and compare its size and checksum with what its publisher says"
_MOST_LISTED = 2000
_SUFFIXES = (".iso", ".qcow2", ".img", ".raw", ".vmdk", ".vdi", ".vhd", ".vhdx", ".gz", ".xz", ".zst", ".bz2")


class MediaStore:
    """`own` is where files are added; `others` are read only."""

    def __init__(self, own: Path, others: Sequence[Path] = ()) -> None:
        self._own = own
        self._folders = (own, *others)

    async def list(self) -> Sequence[MediaFile]:
        """Every file of the own folder, and what is a medium in the others; by path."""
        return await asyncio.to_thread(self._list)

    async def isos(self) -> Mapping[str, str]:
        """The paths of the files that are called `.iso`, with what changes when they do; none is opened."""
        return await asyncio.to_thread(self._isos)

    async def resolve(self, text: str) -> MediaFile:
        """The file that a path, or a name in one of the folders, means.

        Raises Invalid for a place outside and for an evil image, NotFound where nothing is there.
        """
        return await asyncio.to_thread(self._resolve, text)

    async def add(self, name: str, pieces: AsyncIterator[bytes], size: int) -> MediaFile:
        """Takes a file in; it is there whole and inspected, or not at all.

        Raises Invalid for a name or content that is refused, Conflict where the name is taken or there is no
        room.
        """
        if not _NAME.fullmatch(name):
            raise Invalid(f"media name {name[:80]!r} is not usable: letters, digits and . _ + : @ = ~ - only")
        target = self._own / name
        await asyncio.to_thread(self._prepare, target, size)
        part = self._own / f".{secrets.token_hex(8)}.part"
        try:
            await self._write(part, pieces, size, name)
            return await asyncio.to_thread(self._keep, part, target)
        finally:
            part.unlink(missing_ok=True)

    async def remove(self, name: str) -> None:
        """Deletes a file of the own folder. Raises NotFound, Conflict for a file of another folder."""
        await asyncio.to_thread(self._remove, name)

    def sweep(self) -> None:
        """Removes what an upload that was killed left behind. For the start of a service."""
        for part in self._own.glob(".*.part"):
            part.unlink(missing_ok=True)

    def _list(self) -> Sequence[MediaFile]:
        found: list[MediaFile] = []
        for folder in self._folders:
            base = Path(os.path.realpath(folder))
            own = folder == self._own
            for path in _files(base):
                if len(found) >= _MOST_LISTED:
                    break
                if not own and not path.name.lower().endswith(_SUFFIXES):
                    continue
                name = path.relative_to(base).as_posix()
                try:
                    found.append(self._look(path, name))
                except Invalid as error:
                    found.append(MediaFile(name, str(path), "refused", _size(path), own=own, note=str(error)))
                except NotFound:
                    pass  # it went away while the list was made
        return sorted(found, key=lambda file: file.path)

    def _isos(self) -> Mapping[str, str]:
        found = (path for folder in self._folders for path in _files(Path(os.path.realpath(folder))))
        isos = (path for path in found if path.name.lower().endswith(".iso"))
        return {str(path): _state(path) for path in islice(isos, _MOST_LISTED)}

    def _resolve(self, text: str) -> MediaFile:
        path = self._locate(text)
        found = self._look(path, path.name)
        if found.kind == "other" and path.name.lower().endswith(".iso"):
            raise Invalid(f"{text} is not an ISO image, although it is called one", remedy=_AGAIN)
        return found

    def _locate(self, text: str) -> Path:
        """Judges by names and links alone: nothing is opened here."""
        if not text or not text.isprintable() or len(text) > 4000:
            raise Invalid(f"{text[:80]!r} is not the path of a file")
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) and not os.path.exists(self._own / text):  # noqa: PTH110 - never raises
            raise Invalid(f"{text[:80]!r} names a protocol; a medium is a file of this host", remedy=_ADD)
        asked = [Path(text)] if text.startswith("/") else [folder / text for folder in self._folders]
        bases = [Path(os.path.realpath(folder)) for folder in self._folders]
        inside = False
        for path in asked:
            if ".." in path.parts:
                continue
            real = _real(path)
            if real and any(real != base and real.is_relative_to(base) for base in bases):
                inside = True
                if os.path.exists(real):  # noqa: PTH110 - never raises
                    return real
        if inside:
            raise NotFound(f"there is no file {text}", remedy="provisioner media list   shows what there is")
        named = " and ".join(str(folder) for folder in self._folders)
        raise Invalid(f"{text[:200]} is outside the media folders {named}", remedy=_ADD)

    def _look(self, path: Path, name: str) -> MediaFile:
        """What a file is. `path` has no links in it. Raises NotFound, Invalid for what is no file."""
        own = path.is_relative_to(os.path.realpath(self._own))
        try:
            # NOFOLLOW and the look at /proc: a link put in place since the path was judged leads nowhere.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise NotFound(f"there is no file {path}") from None
        except OSError as error:
            raise Invalid(f"{path} cannot be read: {error.strerror}") from None
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise Invalid(f"{path} is no regular file")
            if Path(f"/proc/self/fd/{descriptor}").readlink() != path:
                raise Invalid(f"{path} changed while it was looked at")
            return _judge(descriptor, path, name, facts.st_size, own)
        finally:
            os.close(descriptor)

    def _prepare(self, target: Path, size: int) -> None:
        self._own.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            raise Conflict(
                f"a medium called {target.name} is there already",
                remedy=f"provisioner media remove {target.name}",
            )
        free = shutil.disk_usage(self._own).free
        if size > free:
            raise Conflict(
                f"{target.name} has {size / 1024**3:,.1f} GiB, "
                f"and {self._own} has {free / 1024**3:,.1f} GiB left"
            )

    async def _write(self, part: Path, pieces: AsyncIterator[bytes], size: int, name: str) -> None:
        total = 0
        opened = await asyncio.to_thread(part.open, "xb")
        try:
            async for piece in pieces:
                total += len(piece)
                if total > size:
                    raise Invalid(f"{name}: more bytes came than the {size} that were announced")
                await asyncio.to_thread(opened.write, piece)
            if total != size:
                raise Invalid(f"{name}: {total} bytes came of the {size} that were announced")
            await asyncio.to_thread(opened.flush)
            await asyncio.to_thread(os.fsync, opened.fileno())
        except OSError as error:
            raise Unavailable(f"{name} cannot be written: {error.strerror}") from None
        finally:
            await asyncio.to_thread(opened.close)

    def _keep(self, part: Path, target: Path) -> MediaFile:
        """Inspects what came and gives it its name; of two with one name the first stays."""
        part = Path(os.path.realpath(part))
        self._look(part, target.name)
        part.chmod(0o644)
        try:
            os.link(part, target)
        except FileExistsError:
            raise Conflict(f"a medium called {target.name} is there already") from None
        folder = os.open(self._own, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return self._look(Path(os.path.realpath(target)), target.name)

    def _remove(self, name: str) -> None:
        path = self._locate(name)
        base = Path(os.path.realpath(self._own))
        if not path.is_relative_to(base):
            raise Conflict(f"{path} is not in the service's own folder {base}; it is left alone")
        if not path.is_file():
            raise Invalid(f"{path} is no regular file")
        (base / name if (base / name).is_symlink() else path).unlink()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _state(path: Path) -> str:
    """Changes whenever the file does."""
    try:
        facts = path.stat()
    except OSError:
        return ""
    return f"{facts.st_ino:x}-{facts.st_mtime_ns:x}-{facts.st_size:x}"


def _real(path: Path) -> Path | None:
    """Where a path leads, None where the kernel does not say."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return None


def _files(base: Path) -> Iterator[Path]:
    """The regular files below a folder, four levels deep; hidden ones and links are passed over."""
    for place, folders, names in os.walk(base):
        depth = len(Path(place).relative_to(base).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < 4 else []
        for name in sorted(names):
            path = Path(place) / name
            if not name.startswith(".") and not path.is_symlink() and path.is_file():
                yield path


def _judge(descriptor: int, path: Path, name: str, size: int, own: bool) -> MediaFile:
    """A file that bears no image's mark is a medium of another kind (a kernel, a driver).

    Raises Invalid for one that does and that the inspection refuses.
    """
    source: Opened | Ends = Opened(descriptor)
    packed = packing(source)
    file = MediaFile(name, str(path), "other", size, packed=packed, own=own)
    if packed:
        content = head(descriptor, packed, f"image {name}")
        source = Ends(len(content), content, whole=False)
        if packing(source):
            return file
    if not (looks_like(source) or has_table(source) or file_system(source)):
        return file
    found = inspect(source, f"image {name}")
    return MediaFile(
        name,
        str(path),
        "iso" if found.format == "iso" else "disk",
        size,
        found.format,
        found.virtual_size,
        packed,
        own,
        found.label if found.format == "iso" else "; ".join(found.findings),
    )
