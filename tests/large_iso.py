"""An ISO of any size that hardly takes room: what is zero in its files is a hole."""

import io
from pathlib import Path
from typing import Any, BinaryIO, cast

from pycdlib import PyCdlib

GIB = 1024**3
BEYOND = 4 * GIB + 10_000
"""Bytes of a file that no single run of an ISO can hold."""


class Zeros(io.RawIOBase):
    """A file of zeros with marks at given places, that is nowhere."""

    def __init__(self, size: int, marks: dict[int, bytes]) -> None:
        self._size, self._marks, self._at = size, marks, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        size = min(size if size >= 0 else self._size, self._size - self._at)
        data = bytearray(size)
        for place, mark in self._marks.items():
            if self._at <= place < self._at + size:
                data[place - self._at : place - self._at + len(mark)] = mark
        self._at += size
        return bytes(data)


class Sparse(io.FileIO):
    """Leaves out the writing of zeros."""

    def write(self, data: Any) -> int:
        if any(data[:64]) or any(data[-64:]) or data.count(0) != len(data):
            return super().write(data)
        self.seek(len(data), 1)
        return len(data)


class LargeIso:
    """Files are added by their path and written at the end; names are Rock Ridge's."""

    def __init__(self, label: str = "LARGE") -> None:
        self._iso = PyCdlib()
        self._iso.new(interchange_level=3, rock_ridge="1.09", vol_ident=label)
        self._folders = {"": ""}
        self._number = 0

    def add(self, path: str, data: bytes) -> None:
        self._iso.add_fp(io.BytesIO(data), len(data), f"{self._place(path)}.;1", rr_name=_name(path))

    def add_beyond(self, path: str, marks: dict[int, bytes]) -> None:
        """A file of zeros that is longer than 4 GiB, with marks in it."""
        source = cast(BinaryIO, Zeros(BEYOND, marks))
        self._iso.add_fp(source, BEYOND, f"{self._place(path)}.;1", rr_name=_name(path))

    def write(self, place: Path) -> Path:
        with Sparse(place, "wb") as out:
            self._iso.write_fp(out, blocksize=4 * 1024 * 1024)
            out.truncate(out.tell())
        self._iso.close()
        return place

    def _place(self, path: str) -> str:
        """An ISO 9660 path for a new entry, in folders that are made where they are missing."""
        above = path.rpartition("/")[0]
        if above not in self._folders:
            self._folders[above] = self._place(above)
            self._iso.add_directory(self._folders[above], rr_name=_name(above))
        self._number += 1
        return f"{self._folders[above]}/N{self._number}"


def _name(path: str) -> str:
    return path.rpartition("/")[2]
