"""Where the files of an ISO lie in it: read once, so that they can be served without mounting it.

Rock Ridge names where there are some, else Joliet's, else ISO 9660's own, in which case does not matter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycdlib import PyCdlib

from provisioner.core.errors import Unavailable

Extents = tuple[tuple[int, int], ...]
"""Offset and length of each run of bytes that a file consists of; one beyond 4 GiB has several."""
SECTOR = 2048
_LINKS = 40
_REMEDY = "fetch the ISO again, or unpack it and name the folder"


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


def index(place: Path) -> Index:
    """Reads all folders of an ISO. Raises Unavailable for what is not one, or not a whole one."""
    iso = PyCdlib()
    try:
        with place.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(0)
            iso.open_fp(opened)
            try:
                found = _read(iso)
                end = int(iso.pvd.space_size) * SECTOR
            finally:
                iso.close()
    except OSError as error:
        raise Unavailable(f"the ISO {place} cannot be read: {error.strerror or error}") from error
    except Exception as error:
        # What pycdlib raises depends on which bytes are wrong or missing, and none of that matters here.
        raise Unavailable(f"{place} is not an ISO that can be read: {error}", remedy=_REMEDY) from error
    last = max((offset + length for runs in found.files.values() for offset, length in runs), default=0)
    if size < max(last, end):
        raise Unavailable(
            f"the ISO {place} is cut short: it has {size} of {max(last, end)} bytes", remedy=_REMEDY
        )
    return found


def _read(iso: PyCdlib) -> Index:
    if iso.has_rock_ridge():
        names, folded = "rr_path", False
    elif iso.has_joliet():
        names, folded = "joliet_path", False
    else:
        names, folded = "iso_path", True
    files: dict[str, Extents] = {}
    links: dict[str, str] = {}
    for path, record in _entries(iso, names, "/"):
        key = path.lower() if folded else path
        if names == "rr_path" and record.rock_ridge is not None and record.rock_ridge.is_symlink():
            links[key] = record.rock_ridge.symlink_path().decode(errors="surrogateescape")
        else:
            files[key] = tuple(_extents(record))
    return Index(files, links, folded)


def _entries(iso: PyCdlib, names: str, folder: str) -> Iterator[tuple[str, Any]]:
    """Path and directory record of every file and link at `folder` and below."""
    for record in iso.list_children(**{names: folder}):
        if record is None or record.is_dot() or record.is_dotdot():
            continue
        name = _name(record, names)
        if record.is_dir():
            yield from _entries(iso, names, f"{folder.rstrip('/')}/{name}")
        else:
            name = name if names == "rr_path" else name.partition(";")[0].removesuffix(".")
            yield f"{folder.rstrip('/')}/{name}".lstrip("/"), record


def _name(record: Any, names: str) -> str:
    if names == "rr_path":
        return str(record.rock_ridge.name().decode())
    return str(record.file_identifier().decode("utf-16_be" if names == "joliet_path" else "ascii"))


def _extents(record: Any) -> Iterator[tuple[int, int]]:
    while record is not None:
        if record.get_data_length():
            yield record.extent_location() * SECTOR, record.get_data_length()
        record = record.data_continuation
