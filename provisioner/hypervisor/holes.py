"""Disks as bytes and holes: what is all zeros is told by its length, so that it costs nothing on its way."""

import os
from collections.abc import Iterable, Iterator

from provisioner.core.errors import Conflict

BLOCK = 64 * 1024
ZEROS = bytes(BLOCK)
_RUN = 3 * BLOCK
"""The most that one message of libvirt's protocol takes, in whole blocks."""
_READ = 4 * 1024 * 1024


def runs(pieces: Iterable[bytes], *, dense: int) -> Iterator[bytes | int]:
    """Runs of whole blocks of zeros as their length, wherever pieces end; none before `dense`."""
    rest, zeros = b"", 0
    for piece in pieces:
        content = rest + piece if rest else piece
        if dense > 0:
            dense -= len(piece)
            rest = b""
            yield content
            continue
        whole = len(content) // BLOCK * BLOCK
        rest = content[whole:]
        for part in _split(content, whole):
            if isinstance(part, int):
                zeros += part
                continue
            if zeros:
                yield zeros
                zeros = 0
            yield part
    if zeros:
        yield zeros
    if rest:
        yield rest


def _split(content: bytes, end: int) -> Iterator[bytes | int]:
    """The bytes up to `end`, in runs that fit one message each; a block of zeros as its length."""
    start = 0
    for at in range(0, end, BLOCK):
        zero = content.startswith(ZEROS, at, end)
        if start < at and (zero or at - start >= _RUN):
            yield content[start:at]
            start = at
        if zero:
            yield BLOCK
            start = at + BLOCK
    if start < end:
        yield content[start:end]


def extents(descriptor: int, size: int, *, dense: int) -> Iterator[bytes | int]:
    """A file as its data and its holes, as the file system knows them; no holes before `dense`."""
    at = 0
    while at < min(dense, size):
        piece = os.pread(descriptor, min(_READ, size - at), at)
        if not piece:
            raise Conflict("the file became shorter while it was sent")
        yield piece
        at += len(piece)
    while at < size:
        try:
            data = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:  # no data from here on
            data = size
        if data > at:
            yield min(data, size) - at
            at = min(data, size)
        if at >= size:
            return
        end = min(os.lseek(descriptor, at, os.SEEK_HOLE), size)
        while at < end:
            piece = os.pread(descriptor, min(_READ, end - at), at)
            if not piece:
                raise Conflict("the file became shorter while it was sent")
            yield from _split(piece, len(piece))
            at += len(piece)


def last_data(descriptor: int, size: int) -> int:
    """Where the last block that is not all zeros begins; 0 where there is none."""
    at = end = 0
    while at < size:
        try:
            at = os.lseek(descriptor, os.lseek(descriptor, at, os.SEEK_DATA), os.SEEK_HOLE)
        except OSError:  # no data from here on
            break
        end = min(at, size)
    last = max(0, end - 1) // BLOCK * BLOCK
    while last > 0 and not os.pread(descriptor, BLOCK, last).strip(b"\0"):
        last -= BLOCK
    return last
