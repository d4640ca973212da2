"""Compressed images: the beginning of what they hold, and all of it as a sparse file, both within limits."""

import bz2
import lzma
import os
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

from provisioner.core.errors import Invalid, Unavailable
from provisioner.core.media import Packing
from provisioner.media import hosttools
from provisioner.media.inspect_source import HEAD

Progress = Callable[[int, int], None]
"""Called with (bytes of the compressed file read, its size). What it raises ends the work."""

_PIECE = 1024 * 1024
_BLOCK = 64 * 1024
_ZEROS = bytes(_BLOCK)
_DICTIONARY = 512 * 1024 * 1024
"""The most memory that a decompressor is given: xz -9 needs 65 MiB, zstd --long=27 128 MiB."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class _Gzip:
    """zlib's object in the shape of the other two."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_DECOMPRESSORS: dict[Packing, Callable[[], _Decompressor]] = {
    "gz": _Gzip,
    "xz": lambda: lzma.LZMADecompressor(memlimit=_DICTIONARY),
    "bz2": bz2.BZ2Decompressor,
}
_FAULTS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


def head(descriptor: int, packed: Packing, what: str) -> bytes:
    """The first bytes of what a compressed file holds, HEAD at most. Raises Invalid for a damaged one."""
    found = bytearray()
    for piece in pieces(descriptor, packed, what):
        found += piece
        if len(found) >= HEAD:
            break
    return bytes(found[:HEAD])


def unpack(
    descriptor: int, packed: Packing, target: Path, what: str, *, most: int, progress: Progress | None = None
) -> int:
    """Everything, into a new file whose zeros take no place; returns its size.

    Raises Invalid for a damaged file, and for one that holds more than `most` bytes.
    """
    total = 0
    size = os.fstat(descriptor).st_size
    with target.open("xb") as out:
        for piece in pieces(descriptor, packed, what):
            total += len(piece)
            if total > most:
                raise Invalid(f"{what} holds more than {most / 1024**3:,.1f} GiB, which is the most here")
            for at in range(0, len(piece), _BLOCK):
                block = piece[at : at + _BLOCK]
                if block == _ZEROS[: len(block)]:
                    out.seek(len(block), os.SEEK_CUR)
                else:
                    out.write(block)
            if progress is not None:
                progress(min(os.lseek(descriptor, 0, os.SEEK_CUR), size), size)
        out.truncate(total)
        out.flush()
        os.fsync(out.fileno())
    return total


def pieces(descriptor: int, packed: Packing, what: str) -> Iterator[bytes]:
    """What the file holds, in pieces of at most a mebibyte. Raises Invalid."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    if packed == "zst":
        yield from _zstd(descriptor, what)
        return
    try:
        yield from _stdlib(descriptor, _DECOMPRESSORS[packed], what)
    except _FAULTS as error:
        raise Invalid(f"{what} is damaged: {error}") from None


def _stdlib(descriptor: int, make: Callable[[], _Decompressor], what: str) -> Iterator[bytes]:
    """A file may be several streams one after the other."""
    decompressor, raw, begun = make(), b"", False
    while True:
        if not raw and decompressor.needs_input:
            raw = os.read(descriptor, _PIECE)
            if not raw:
                if begun and not decompressor.eof:
                    raise Invalid(f"{what} is cut short")
                return
        begun = True
        piece = decompressor.decompress(raw, _PIECE)
        raw = b""
        if piece:
            yield piece
        if decompressor.eof:
            raw, decompressor, begun = decompressor.unused_data, make(), False
            if not raw.strip(b"\0"):
                raw = b""


def _zstd(descriptor: int, what: str) -> Iterator[bytes]:
    program = hosttools.find("zstd", "unpacking an image")
    argv = [str(program), "-q", "-d", "-c", f"--memory={_DICTIONARY}"]
    pipe = subprocess.PIPE
    with (
        TemporaryFile() as words,
        subprocess.Popen(
            argv, stdin=descriptor, stdout=pipe, stderr=words, env=hosttools.environment()
        ) as child,
    ):
        try:
            while child.stdout is not None and (piece := child.stdout.read(_PIECE)):
                yield piece
            if child.wait(30):
                words.seek(0)
                said = words.read(2000).decode(errors="replace").strip().splitlines()
                raise Invalid(f"{what} is damaged: {said[-1] if said else 'zstd gave up'}")
        except subprocess.TimeoutExpired:
            raise Unavailable("zstd does not end") from None
        finally:
            child.kill()
