"""Packed metadata, unpacked piece by piece and never beyond a bound."""

import bz2
import lzma
import os
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import IO, Protocol, cast

from provisioner.core.errors import Invalid, Unavailable

PIECE = 1 << 20
MOST = 512 << 20
"""Unpacked, the largest lists of packages are a third of it."""
_MEMORY = 256 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"


class _Unpacking(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, most: int, /) -> bytes: ...


def unpack(pieces: Iterable[bytes], by: str, most: int = MOST) -> Iterator[bytes]:
    """The unpacked bytes of `pieces`; what they are packed with is told by how they begin.

    gzip, xz, bzip2, and zstd where its program is installed; anything else comes out as it is. Raises Invalid
    naming `by` for what is broken, cut off, or longer than `most` bytes; Unavailable without zstd.
    """
    packed = iter(pieces)
    first = b""
    while len(first) < 6 and (piece := next(packed, b"")):
        first += piece
    total = 0
    for piece in _by_kind(first, packed, by):
        total += len(piece)
        if total > most:
            raise Invalid(f"{by} cannot be used: unpacked, it is longer than {most >> 20} MiB")
        yield piece


def _by_kind(first: bytes, packed: Iterator[bytes], by: str) -> Iterator[bytes]:
    if first.startswith(b"\x1f\x8b"):
        return _python(first, packed, by, _Gzip)
    if first.startswith(b"\xfd7zXZ\0"):
        return _python(first, packed, by, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY))
    if first.startswith(b"BZh"):
        return _python(first, packed, by, bz2.BZ2Decompressor)
    if first.startswith(_ZSTD):
        return _zstd(first, packed, by)
    return _plain(first, packed)


class _Gzip:
    """zlib's, with the manners of the other two: what it was not allowed to unpack yet, it keeps."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._full and not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, most: int, /) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, most)
        self._full = len(out) == most
        return out


def _python(
    first: bytes, packed: Iterator[bytes], by: str, make: Callable[[], _Unpacking]
) -> Iterator[bytes]:
    """Several packed streams behind each other are one."""
    inner, data = make(), first
    try:
        while True:
            if out := inner.decompress(data, PIECE):
                yield out
            if inner.eof:
                data = inner.unused_data or next(packed, b"")
                if not data:
                    return
                inner = make()
            elif inner.needs_input:
                data = next(packed, b"")
                if not data:
                    raise Invalid(f"{by} cannot be used: it is cut off")
            else:
                data = b""
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        raise Invalid(f"{by} cannot be unpacked: {error}") from None


def _zstd(first: bytes, packed: Iterator[bytes], by: str) -> Iterator[bytes]:
    """By its program: Python has none before 3.14."""
    try:
        child = subprocess.Popen(
            ["zstd", "-dcq", f"--memory={_MEMORY >> 20}MB"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise Unavailable(
            f"{by} cannot be unpacked: there is no zstd", remedy="install the package zstd"
        ) from None
    into, out = cast(IO[bytes], child.stdin), cast(IO[bytes], child.stdout)

    def feed() -> None:
        with suppress(BrokenPipeError), into:
            for piece in chain([first], packed):
                into.write(piece)

    feeder = threading.Thread(target=feed, daemon=True)
    try:
        feeder.start()
        while piece := out.read(PIECE):
            yield piece
        if child.wait() != 0:
            raise Invalid(f"{by} cannot be unpacked: it is broken, or cut off")
    finally:
        child.kill()
        feeder.join()
        out.close()
        child.wait()


def _plain(first: bytes, packed: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from packed
