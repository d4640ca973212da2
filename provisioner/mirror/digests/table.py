"""Many files and what each must be, kept small: one blob of rows in order, and where each begins."""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import pairwise

from provisioner.core.digest import Expected
from provisioner.core.errors import Invalid

ALGORITHMS = {16: "md5", 20: "sha1", 28: "sha224", 32: "sha256", 48: "sha384", 64: "sha512"}
"""By the length of a digest in bytes: the longer, the stronger."""
MOST = 1_000_000
"""Files that one table names at most."""
_UNTOLD = (1 << 64) - 1
_ODD = re.compile(rb"[\x00-\x1f\x7f]|^[./]|/[./]|/$|^$")


class Table(Mapping[str, Expected]):
    """Path to what the file must be. About 50 bytes a file and the path itself."""

    __slots__ = ("_blob", "_starts", "by", "signed")

    def __init__(self, rows: list[bytes], by: str, signed: str = "") -> None:
        """`rows` in order, as `Rows` makes them."""
        self._starts = array("I", [0])
        end = 0
        for row in rows:
            end += len(row)
            self._starts.append(end)
        self._blob = b"".join(rows)
        self.by = by
        self.signed = signed

    def __getitem__(self, path: str) -> Expected:
        at = self._at(path)
        if at < len(self) and self._row(at).startswith(_key(path)):
            return self._expected(self._row(at))
        raise KeyError(path)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[str]:
        return (self._row(at).partition(b"\0")[0].decode() for at in range(len(self)))

    def below(self, folder: str) -> Iterator[tuple[str, Expected]]:
        """The files whose path begins with `folder`, in order of their paths."""
        start = folder.encode()
        for at in range(bisect_left(range(len(self)), start, key=self._row), len(self)):
            row = self._row(at)
            if not row.startswith(start):
                return
            yield row.partition(b"\0")[0].decode(), self._expected(row)

    def bytes_held(self) -> int:
        """Memory of the rows."""
        return len(self._blob) + len(self._starts) * self._starts.itemsize

    def _at(self, path: str) -> int:
        return bisect_left(range(len(self)), _key(path), key=self._row)

    def _row(self, at: int) -> bytes:
        return self._blob[self._starts[at] : self._starts[at + 1]]

    def _expected(self, row: bytes) -> Expected:
        behind = row.partition(b"\0")[2]
        size, digest = int.from_bytes(behind[1:9], "big"), behind[9:]
        told = None if size == _UNTOLD else size
        return Expected(ALGORITHMS[len(digest)], digest.hex(), told, self.by, self.signed)


class Rows:
    """Collects what a table is made of. Its paths are below `folder`, "" for the tree's root."""

    def __init__(self, by: str, folder: str = "") -> None:
        self._by = by
        self._folder = f"{folder}/".encode() if folder else b""
        self._rows: list[bytes] = []

    def add(self, path: bytes, digest: bytes, size: str | bytes | int | None = None) -> None:
        """`digest` in hex, `size` in decimal. Raises Invalid naming what is wrong."""
        name = path if _ODD.search(path) is None else self._plain(path)
        try:
            raw = bytes.fromhex(digest.decode())
            length = _UNTOLD if size is None else int(size)
            # Behind the name first the digest's length: in order, the strongest of a file is the last.
            row = b"%b%b\0%c%b%b" % (self._folder, name, len(raw), length.to_bytes(8, "big"), raw)
            name.decode()
        except (ValueError, OverflowError):
            raise self.broken(f"digest, size or name of {path[:80]!r} cannot be read") from None
        if len(raw) not in ALGORITHMS:
            raise self.broken(f"the digest of {path[:80]!r} is of no known kind")
        self._rows.append(row)
        if len(self._rows) > 4 * MOST:
            raise self.broken(f"it names more than {MOST} files")

    def table(self, signed: str = "") -> Table:
        """Of several digests of a file the strongest counts. Raises Invalid where two of a kind differ."""
        rows = sorted(self._rows)
        last = [
            row
            for row, following in pairwise([*rows, b"\0"])
            if row != following and not self._weaker(row, following)
        ]
        if len(last) > MOST:
            raise self.broken(f"it names more than {MOST} files")
        return Table(last, self._by, signed)

    def broken(self, why: str) -> Invalid:
        """The error to raise: one sentence with the metadata's path."""
        return Invalid(f"{self._by} cannot be used: {why}")

    def _weaker(self, row: bytes, following: bytes) -> bool:
        """Whether the row behind it is of the same file. Raises Invalid where they contradict each other."""
        path, _, behind = row.partition(b"\0")
        other, _, stronger = following.partition(b"\0")
        if path != other:
            return False
        sizes = {behind[1:9], stronger[1:9]} - {_UNTOLD.to_bytes(8, "big")}
        if len(sizes) > 1 or (behind[0] == stronger[0] and behind[9:] != stronger[9:]):
            raise self.broken(f"it names {path[:80].decode()!r} twice, and not alike")
        return True

    def _plain(self, path: bytes) -> bytes:
        """Without `./` and double slashes. Raises Invalid for a path that leads out, or is none."""
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if path.startswith(b"/") or b".." in parts or not parts or any(byte < 32 for byte in path):
            raise self.broken(f"{path[:80]!r} is no path inside of the tree")
        return b"/".join(parts)


def _key(path: str) -> bytes:
    return path.encode(errors="replace") + b"\0"
