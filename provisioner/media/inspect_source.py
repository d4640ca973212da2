"""The bytes that an inspection looks at: a whole file, or the two ends of one that streams by."""

import os
import struct
from dataclasses import dataclass
from typing import Any, Protocol

from provisioner.core.errors import Invalid

HEAD = 4 * 1024 * 1024
TAIL = 64 * 1024


class Source(Protocol):
    """`whole` tells whether `size` is the file's true one."""

    @property
    def size(self) -> int: ...
    @property
    def whole(self) -> bool: ...
    def read(self, offset: int, count: int) -> bytes:
        """`count` bytes, fewer where the file ends before."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file. `whole` is False for nothing: its size is what the kernel says."""

    descriptor: int

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    @property
    def whole(self) -> bool:
        return True

    def read(self, offset: int, count: int) -> bytes:
        if offset < 0 or offset >= self.size:
            return b""
        return os.pread(self.descriptor, count, offset)


@dataclass(frozen=True, slots=True)
class Ends:
    """The first HEAD bytes of a file and, where they have come already, its last TAIL bytes.

    With `whole` False even the size is a guess: the beginning of what a compressed file holds.
    """

    size: int
    head: bytes
    tail: bytes | None = None
    whole: bool = True

    def read(self, offset: int, count: int) -> bytes:
        end = min(offset + count, self.size)
        if offset < 0 or offset >= end:
            return b""
        if end <= len(self.head):
            return self.head[offset:end]
        start = self.size - len(self.tail or b"")
        if self.tail is not None and offset >= start:
            return self.tail[offset - start : end - start]
        if not self.whole or (self.tail is None and offset >= self.size - TAIL):
            return self.head[offset:end]
        raise Invalid(f"keeps a part of its header at byte {offset}, which no ordinary image does")


def numbers(source: Source, form: str, offset: int) -> tuple[Any, ...]:
    """The numbers at an offset, in `struct`'s notation. Raises Invalid where the file ends before."""
    raw = source.read(offset, struct.calcsize(form))
    if len(raw) < struct.calcsize(form):
        raise Invalid("is cut short inside its header")
    return struct.unpack(form, raw)


def shown(raw: bytes) -> str:
    """Bytes of a file as a short text that is safe to print."""
    text = raw[:120].rstrip(b"\0").decode("utf-8", "backslashreplace")
    return repr(text)
