"""What each install has fetched from trees, counted in memory: which part of its system, how much, how far.

An event of it has `data` = `{"part", "n", "bytes", "total", "path"}`, and `"percent"` where the part has a
share of the whole. `part` is `kernel`, `initrd`, `image`, `stage2`, `metadata`, `package` or `other`; `n` the
files of that part that went whole. Of a part that is one file `bytes` is how far that came and `total` its
size, 0 where nobody knows it; of `metadata`, `package` and `other` `bytes` are those of all files so far, and
`total` is 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from provisioner.core.install import Install, Kind

PartName = Literal["kernel", "initrd", "image", "stage2", "metadata", "package", "other"]
_REMEMBERED = 1024
_FIRST_SECONDS, _LAST_SECONDS = 1.0, 30.0
_EACH_SLOWER = 1 / 15
"""Seconds by which each event of a part makes the next wait longer: an hour of packages is 330 events."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A file's place in the install: the event that its last byte is, its share of the percents."""

    name: PartName
    kind: Kind = Kind.TREE_BYTES
    start: int = 0
    end: int = 0
    many: bool = False

    @property
    def needed(self) -> bool:
        """Whether no install goes on without it."""
        return self.end > 0

    def percent(self, sent: int, total: int) -> int:
        return self.start + (self.end - self.start) * sent // max(total, 1)


KERNEL = Part("kernel", Kind.KERNEL_SENT, 6, 10)
INITRD = Part("initrd", Kind.INITRD_SENT, 10, 19)
IMAGE = Part("image", Kind.TREE_BYTES, 20, 90)
STAGE2 = Part("stage2")
METADATA = Part("metadata", many=True)
PACKAGE = Part("package", many=True)
OTHER = Part("other", many=True)
ROLES = {"stage2": STAGE2, "metadata": METADATA, "package": PACKAGE, "other": OTHER}


@dataclass(slots=True)
class Tally:
    """One part of one install. `told` counts its events; `due` is when the next may be, in seconds."""

    files: int = 0
    size: int = 0
    sent: int = 0
    total: int = 0
    path: str = ""
    told: int = 0
    due: float = 0.0

    def data(self, part: Part) -> dict[str, object]:
        many = {"bytes": self.size, "total": 0} if part.many else {"bytes": self.sent, "total": self.total}
        data: dict[str, object] = {"part": part.name, "n": self.files, **many, "path": self.path}
        if part.needed:
            data["percent"] = part.percent(self.sent, self.total)
        return data

    def text(self, part: Part) -> str:
        if part.many and self.files:
            what = "" if part is OTHER else f"{part.name} "
            files = "file" if self.files == 1 else "files"
            return f"{self.files} {what}{files}, {size(self.size)}; last {self.path}"
        of = "" if self.sent == self.total else f" of {size(self.total)}"
        return f"{self.path}: {size(self.sent)}{of}"


@dataclass(frozen=True, slots=True)
class News:
    """What an event is made of."""

    install: Install
    kind: Kind
    text: str
    data: dict[str, object]


@dataclass(slots=True)
class _Book:
    install: Install
    parts: dict[Part, Tally] = field(default_factory=dict)
    failed: float = 0.0


class Counts:
    """Bounded: where more installs fetch than are remembered, all begin anew. Times in seconds."""

    def __init__(self) -> None:
        self._books: dict[str, _Book] = {}
        self._news: set[tuple[str, Part]] = set()

    def count(
        self, install: Install, part: Part, path: str, sent: int, total: int, *, done: bool
    ) -> News | None:
        """`sent` of `total` bytes of a file went; `done` when this request is.

        Given at once is what begins a part, and the last byte of a part that is one file.
        """
        parts = self._book(install).parts
        tally = parts.get(part)
        if tally is None:
            tally = parts[part] = Tally()
        begins = not tally.told and (done or not part.many)
        whole = done and sent == total
        tally.path, tally.sent, tally.total = path, sent, total
        if done:
            tally.size += sent
            tally.files += whole
        if begins or (whole and not part.many):
            tally.told += 1
            self._news.discard((install.id, part))
            kind = part.kind if whole else Kind.TREE_BYTES
            return News(install, kind, tally.text(part), tally.data(part))
        self._news.add((install.id, part))
        return None

    def due(self, now: float, *, all: bool = False) -> Iterator[News]:
        """What may be told now, each part of each install by one event; `all`: whatever is new."""
        for key in list(self._news):
            name, part = key
            book = self._books.get(name)
            if book is None:
                self._news.discard(key)
                continue
            tally = book.parts[part]
            if now < tally.due and not all:
                continue
            self._news.discard(key)
            tally.told += 1
            tally.due = now + min(_LAST_SECONDS, max(_FIRST_SECONDS, tally.told * _EACH_SLOWER))
            yield News(book.install, Kind.TREE_BYTES, tally.text(part), tally.data(part))

    @property
    def waiting(self) -> bool:
        return bool(self._news)

    def may_fail(self, install: Install, now: float) -> bool:
        """Whether another failure of an install's tree is worth an event: one a second is."""
        book = self._book(install)
        if now - book.failed < _FIRST_SECONDS:
            return False
        book.failed = now
        return True

    def _book(self, install: Install) -> _Book:
        if install.id not in self._books and len(self._books) >= _REMEMBERED:
            self._books.clear()
        return self._books.setdefault(install.id, _Book(install))


def size(count: int) -> str:
    """`12.3 MB`, as people write sizes of downloads."""
    if count < 1000:
        return f"{count} bytes"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"
    return f"{value / 1000:.1f} TB"
