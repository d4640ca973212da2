"""Where the files of an ISO lie in it: read once, so that they can be served without mounting it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from provisioner.core.errors import Unavailable
from provisioner.mirror.iso9660 import Damaged, Read, volume
from provisioner.mirror.isofolders import Extents, Folders
from provisioner.mirror.stream import Descriptor

_LINKS = 40
_AGAIN = "fetch the ISO again, or unpack it and name the folder"
_BY_HAND = "start a guest from it by hand: provisioner guest create NAME --cdrom FILE"
_WINDOWS = frozenset({"sources/boot.wim", "sources/install.wim", "sources/install.esd"})


@dataclass(frozen=True, slots=True)
class Index:
    """`folded`: names are kept in lower case, and asked for in any."""

    files: Mapping[str, Extents]
    links: Mapping[str, str]
    folded: bool

    def find(self, path: str) -> Extents | None:
        """The file at a path, links followed inside the ISO; None where there is none."""
        todo = list(reversed(path.lower().split("/") if self.folded else path.split("/")))
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not done:
                    return None
                done.pop()
                continue
            target = self.links.get("/".join([*done, part]))
            if target is None:
                done.append(part)
                continue
            links += 1
            if links > _LINKS or target.startswith("/"):
                return None
            todo.extend(reversed(target.split("/")))
        return self.files.get("/".join(done))

    def inside(self, folder: str) -> Sequence[tuple[str, int | None]] | None:
        """Names and sizes in a folder, None as the size of one in it; None where there is no such folder.

        A link is shown where it leads to a file. It takes as long as there are files.
        """
        root = f"{folder}/" if folder else ""
        names: dict[str, int | None] = {}
        for path in (*self.files, *self.links):
            if not path.startswith(root):
                continue
            name, below, _ = path[len(root) :].partition("/")
            extents = self.files.get(path) or (() if below else self.find(path))
            if below or extents is not None:
                names[name] = None if below else sum(length for _, length in extents or ())
        return list(names.items()) if names or not folder else None


def opened(place: Path) -> BinaryIO:
    """Raises Unavailable."""
    try:
        return place.open("rb", 0)
    except OSError as error:
        raise Unavailable(
            f"the ISO {place} cannot be read: {error.strerror or error}",
            remedy="look whether it is there, and whether the service's user may read it",
        ) from error


def index(place: Path, file: Descriptor | None = None) -> Index:
    """Reads all folders of an ISO, of `file` where it is open already.

    Raises Unavailable for what is not one, not a whole one, or Windows.
    """
    if file is None:
        with opened(place) as read_once:
            return index(place, read_once)
    try:
        size = os.fstat(file.fileno()).st_size
        found, end, windows = read(partial(_bytes, file.fileno()), size)
    except OSError as error:
        raise Unavailable(f"the ISO {place} cannot be read: {error.strerror or error}") from error
    except Damaged as error:
        raise Unavailable(f"{place} is not an ISO that can be read: {error}", remedy=_AGAIN) from error
    if windows:
        raise Unavailable(f"{place} is a medium of Windows, which no tree is made of", remedy=_BY_HAND)
    if size < end:
        raise Unavailable(f"the ISO {place} is cut short: it has {size} of {end} bytes", remedy=_AGAIN)
    return found


def _bytes(descriptor: int, offset: int, length: int) -> bytes:
    return os.pread(descriptor, length, offset)


def read(at: Read, size: int) -> tuple[Index, int, bool]:
    """The index, where the image must end at the earliest, and whether it is a medium of Windows.

    Raises Damaged.
    """
    found = volume(at)
    if found.root is None and found.udf:
        raise Damaged("its files are in UDF alone, and ISO 9660 is what is read here")
    if found.size > size:
        return Index({}, {}, folded=False), found.size, False
    folders = Folders(at, found)
    folders.walk()
    files = folders.files
    # Beside UDF these media have a text in ISO 9660 that says that they have it.
    hidden = found.udf and len(files) <= 1
    windows = any(name.lower() in _WINDOWS for name in files) or (hidden and "MICROSOFT" in found.publisher)
    if hidden and not windows:
        raise Damaged("its files are in UDF alone, and ISO 9660 is what is read here")
    end = max((offset + length for runs in files.values() for offset, length in runs), default=0)
    return Index(files, folders.links, folders.folded), max(end, found.size), windows
