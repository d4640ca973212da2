"""The shelf of first loaders: found when they are asked for, read at first use, never all at once.

A name is looked up among those that are known or were added; no asked name ever becomes part of a path.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from provisioner.core.loaders import MOST_BYTES, SEARCH

REMEMBERED = 0.5
"""Seconds for which a search is not repeated: it takes a hundred looks, and a DHCP answer waits for it."""
Stamp = tuple[str, int, int, int]
"""Path, inode, modification time in nanoseconds, size: a file of the same stamp has the same content."""


class Shelf(Mapping[str, bytes]):
    """Bytes by name. While a file is unchanged its bytes are one object, which TFTP keys its frames by.

    `own` holds what was added, under our names, and comes first; then the first of `folders` that has one.
    """

    def __init__(
        self, own: Path, folders: Sequence[Path], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.own = own
        self.folders = tuple(folders)
        self._clock = clock
        self._looked = -REMEMBERED
        self._mine: frozenset[str] = frozenset()
        self._places: dict[str, str | None] = {}
        self._held: dict[str, tuple[Stamp, bytes]] = {}

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._place(name) is not None

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*self.added(), *(name for name in SEARCH if name in self)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, name: str) -> bytes:
        path = self._place(name)
        if path is None:
            self._held.pop(name, None)
            raise KeyError(name)
        held = self._held.get(name)
        try:
            if held is not None and held[0] == _stamp(path, os.stat(path)):  # noqa: PTH116 - a hot path
                return held[1]
            with open(path, "rb") as opened:  # noqa: PTH123 - the same
                stamp = _stamp(path, os.fstat(opened.fileno()))
                content = opened.read(MOST_BYTES)
        except OSError:
            raise KeyError(name) from None
        self._held[name] = (stamp, content)
        return content

    def _place(self, name: str) -> str | None:
        """`where`, as it was a moment ago."""
        now = self._clock()
        if now - self._looked >= REMEMBERED:
            self._looked, self._mine, self._places = now, frozenset(self.added()), {}
        if name not in self._places:
            if name not in self._mine and name not in SEARCH:
                return None  # names of strangers are not remembered
            self._places[name] = self.where(name)
        return self._places[name]

    def where(self, name: str) -> str | None:
        """The file behind a name as it is now, None where there is none that can be read."""
        if name in self.added():
            return os.path.join(self.own, name)  # noqa: PTH118 - the same
        found = SEARCH.get(name)
        if found is None:
            return None
        places = (f"{folder}/{file}" for folder in self.folders for file in found.files)
        return next((place for place in places if _is_usable(place)), None)

    def added(self) -> list[str]:
        """The names of what was added here, in order."""
        try:
            with os.scandir(self.own) as entries:
                return sorted(each.name for each in entries if each.name[0] != "." and _is_plain(each))
        except OSError:
            return []


def _stamp(path: str, facts: os.stat_result) -> Stamp:
    return path, facts.st_ino, facts.st_mtime_ns, facts.st_size


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def _is_usable(path: str) -> bool:
    try:
        facts = os.stat(path)  # noqa: PTH116 - the same
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and facts.st_size <= MOST_BYTES and os.access(path, os.R_OK)
