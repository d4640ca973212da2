"""osinfo-db, the list of systems that the distribution installs: names, and where their trees lie.

Its XML is read when it is first needed and again when a folder of it changes. Source: osinfo-db's
docs/install-layout.md; a file in a later folder stands for one of the same name in an earlier one.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

FOLDERS = tuple(map(Path, ("/usr/share/osinfo", "/usr/local/share/osinfo", "/etc/osinfo")))
_LONGEST = 1024 * 1024
_DEBIAN = "/dists/"
_LIKE = ("clones", "derives-from")


_MIB, _GIB = 1024**2, 1024**3


@dataclass(frozen=True, slots=True)
class _System:
    """`id` is a URL, and `parents` are those of systems that it is like in what it does not say itself."""

    id: str
    names: tuple[str, ...]
    trees: dict[str, str]
    parents: tuple[str, ...]
    ram: int
    storage: int
    ended: date | None


class Osinfo:
    """`folders` are the database's, each with a folder `os` in it; one that is not there is empty."""

    def __init__(self, folders: Sequence[Path] = FOLDERS) -> None:
        self._folders = folders
        self._mark: tuple[object, ...] = ()
        self._known: dict[str, _System] = {}
        self._reading = threading.Lock()

    def tree(self, name: str, arch: str) -> str:
        """The URL of a system's tree, "" where none is known. Blocks while the database is read."""
        found = self._systems().get(name)
        return found.trees.get(arch, "") if found else ""

    def least(self, name: str) -> tuple[int, float]:
        """Memory in MiB and disk in GiB that a system asks for, 0 where that is not known. Blocks."""
        asked: set[str] = set()
        waiting = [name]
        ram = storage = 0
        while waiting and not (ram and storage):
            found = self._systems().get(waiting.pop(0))
            if found and found.id not in asked:
                asked.add(found.id)
                waiting += found.parents
                ram, storage = ram or found.ram, storage or found.storage
        return ram // _MIB, storage / _GIB

    def ended(self, name: str) -> date | None:
        """When a system's maker stopped mending it, or will; None where that is not known. Blocks."""
        found = self._systems().get(name)
        return found.ended if found else None

    def names(self) -> list[str]:
        """Every name of every system. Blocks while the database is read."""
        return [name for name in self._systems() if "/" not in name]

    def _systems(self) -> dict[str, _System]:
        with self._reading:
            mark = tuple(_changed(folder / "os") for folder in self._folders)
            if mark != self._mark:
                self._known = {
                    name: system
                    for folder in self._folders
                    for file in sorted((folder / "os").rglob("*.xml"))
                    for system in _read(file)
                    for name in (*system.names, system.id)
                }
                self._mark = mark
            return self._known


def _changed(folder: Path) -> object:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None


def _read(file: Path) -> Iterator[_System]:
    """A file that cannot be read, is no XML, or has a DTD (which could name other files) is passed over."""
    try:
        text = file.read_bytes()
        if len(text) > _LONGEST or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            return
        root = ElementTree.fromstring(text)  # noqa: S314 - without a DTD there is nothing to expand
    except (OSError, ElementTree.ParseError):
        return
    for system in root.iter("os"):
        names = tuple(found.text.strip() for found in system.findall("short-id") if found.text)
        trees: dict[str, str] = {}
        for tree in system.findall("tree"):
            url = (tree.findtext("url") or "").strip().rstrip("/")
            if url.startswith(("http://", "https://", "ftp://")):
                # Debian's are folders of installer images: the tree is the mirror that they are in.
                trees.setdefault(tree.get("arch", ""), url.partition(_DEBIAN)[0])
        parents = tuple(one.get("id", "") for kind in _LIKE for one in system.findall(kind))
        ram, storage = (_largest(system, f"resources/minimum/{what}") for what in ("ram", "storage"))
        if names:
            ended = _day(system.findtext("eol-date") or "")
            yield _System(system.get("id", ""), names, trees, parents, ram, storage, ended)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _largest(system: ElementTree.Element, path: str) -> int:
    """Of the numbers for several processors the largest, 0 where there is none."""
    return max(
        (int(one.text or 0) for one in system.findall(path) if (one.text or "").isdecimal()), default=0
    )
