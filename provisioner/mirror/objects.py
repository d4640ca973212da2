"""Files of trees kept on disk: the bytes and, behind them in the same file, what is known of them.

One file a kept file, put in place by one rename: the bytes and what is said of them can never disagree,
whatever dies in between. Where a tree is at one time in several states, a file is kept once for each digest.

    ROOT/parts/XXXX                 being filled; swept away at the next start
    ROOT/SOURCE/ab/abcdef…          kept: bytes, JSON, length of the JSON, mark
"""

import fcntl
import json
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

_MARK = b"provkept"
_END = struct.Struct(">I8s")
_PARTS = "parts"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a kept file. `source` and `url` are without a password.

    `etag`, `modified` and `content_type` are what the upstream said. `by` is the metadata that has its
    digest, "" for a file that nothing vouches for; `signed` the fingerprint of the key that signed that.
    """

    source: str
    path: str
    size: int
    sha256: str
    url: str = ""
    etag: str = ""
    modified: str = ""
    content_type: str = ""
    by: str = ""
    signed: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept file, opened: the first `known.size` bytes of `file` are the tree's.

    `place` is the file on disk, `checked` when its upstream last said that it is right, `used` when it was
    last handed out, in seconds since 1970.
    """

    file: BinaryIO
    known: Known
    place: Path
    checked: float
    used: float

    def __enter__(self) -> "Kept":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()


@dataclass(frozen=True, slots=True)
class Lying:
    """A kept file as the disk tells of it: its source's folder, and its bytes with what is behind them."""

    place: Path
    folder: str
    size: int
    used: float


class Part:
    """A file that is being filled. Others may read in `file` what was written so far."""

    def __init__(self, folder: Path, place: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # as long as somebody fills it, nobody sweeps it away
        self.file: BinaryIO = os.fdopen(descriptor, "w+b", buffering=0)
        self._name = Path(name)
        self._place = place

    def put(self, data: bytes, at: int) -> None:
        """Writes at an offset: the file's position moves when the kernel sends of it. Raises OSError."""
        left = memoryview(data)
        while left:
            written = os.pwrite(self.file.fileno(), left, at)
            left, at = left[written:], at + written

    def keep(self, known: Known) -> None:
        """Puts it in place, on the disk for certain. Raises OSError; then it is gone as if dropped."""
        try:
            behind = json.dumps(asdict(known)).encode()
            self.file.truncate(known.size)
            self.put(behind + _END.pack(len(behind), _MARK), known.size)
            os.fsync(self.file.fileno())
            self._place.parent.mkdir(parents=True, exist_ok=True)
            self._name.replace(self._place)
            sync(self._place.parent)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Removes what came of it; whoever still reads in it may end."""
        self._name.unlink(missing_ok=True)


class Objects:
    """Blocking. `root` is a folder of its own; what is in it that nobody kept is no kept file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / _PARTS).mkdir(parents=True, exist_ok=True)

    def find(self, source: str, path: str, digest: str = "") -> Kept | None:
        """The kept file of that path, and of that digest where it is kept for a state of its tree."""
        return _open(self._place(source, path, digest))

    def part(self, source: str, path: str, digest: str = "") -> Part:
        """Raises OSError where the disk is full."""
        return Part(self.root / _PARTS, self._place(source, path, digest))

    def disk(self) -> os.statvfs_result:
        """What the disk is like; the folders are made anew where somebody removed them. Raises OSError."""
        (self.root / _PARTS).mkdir(parents=True, exist_ok=True)
        return os.statvfs(self.root)

    def forget(self, source: str) -> None:
        """Removes all that is kept of a source."""
        shutil.rmtree(self.folder(source), ignore_errors=True)

    def walk(self, source: str = "") -> Iterator[Kept]:
        """All kept files, or a source's, each open until the next is asked for."""
        for place in self.places(source):
            if found := _open(place):
                with found:
                    yield found

    def places(self, source: str = "", after: str = "") -> Iterator[Path]:
        """Where all kept files lie, or a source's, in order; those behind `after`, a place below the root."""
        folders = [self.folder(source)] if source else sorted(self.root.iterdir())
        for folder in folders:
            for place in sorted(folder.glob("??/*")) if folder.name != _PARTS else ():
                if not after or self.below(place) > after:
                    yield place

    def below(self, place: Path) -> str:
        """A place as it is called below the root, in the order of `places`."""
        return str(place.relative_to(self.root))

    def at(self, place: Path) -> Kept | None:
        """The kept file there, None where it has gone or is not whole."""
        return _open(place)

    def lying(self) -> Iterator[Lying]:
        """What lies there, without a look into it."""
        for folder in self.root.iterdir():
            for shelf in folder.glob("??/") if folder.name != _PARTS else ():
                with suppress(FileNotFoundError), os.scandir(shelf) as entries:
                    for entry in entries:
                        with suppress(FileNotFoundError):
                            status = entry.stat()
                            yield Lying(Path(entry.path), folder.name, status.st_size, status.st_atime)

    def sweep(self) -> int:
        """Removes what a process that is no more left half filled; the number of it."""
        return sum(_swept(part) for part in (self.root / _PARTS).iterdir())

    def folder(self, source: str) -> Path:
        """Where all that is kept of a source lies."""
        return self.root / sha256(source.encode()).hexdigest()[:16]

    def _place(self, source: str, path: str, digest: str) -> Path:
        key = sha256(f"{path}\0{digest}".encode()).hexdigest()[:40]
        return self.folder(source) / key[:2] / key


def mark_checked(kept: Kept) -> None:
    """Its upstream said that it is still right."""
    os.utime(kept.place, (kept.used, time.time()))


def mark_used(kept: Kept) -> None:
    """It was handed out: it goes last where room is needed."""
    os.utime(kept.place, (time.time(), kept.checked))


def _open(place: Path) -> Kept | None:
    """None for what is not there, and for a file that is not whole.

    Reading does not count as use: a look at all files must not make the oldest ones new.
    """
    try:
        file = open(place, "rb", opener=_unnoticed)  # noqa: SIM115 - whoever gets it closes it
    except OSError:
        return None
    try:
        status = os.fstat(file.fileno())
        end = os.pread(file.fileno(), _END.size, max(0, status.st_size - _END.size))
        length, mark = _END.unpack(end)
        said = json.loads(os.pread(file.fileno(), length, status.st_size - _END.size - length))
        known = Known(**said)
        if mark == _MARK and known.size + length + _END.size == status.st_size:
            return Kept(file, known, place, status.st_mtime, status.st_atime)
    except (OSError, ValueError, TypeError, struct.error):
        pass
    file.close()
    return None


def _unnoticed(place: str, flags: int) -> int:
    try:
        return os.open(place, flags | os.O_NOATIME)
    except PermissionError:  # another user's file
        return os.open(place, flags)


def _swept(part: Path) -> bool:
    with suppress(OSError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink(missing_ok=True)
        return True
    return False


def sync(folder: Path) -> None:
    """Has a folder's entries on the disk for certain. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
