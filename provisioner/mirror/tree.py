"""The small files that tell what a tree is."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from provisioner.core.errors import Invalid, Unavailable
from provisioner.core.source import shown
from provisioner.mirror.stream import Headers, Stream, whole

LIMIT = 4 * 1024 * 1024
"""A small file is at most this long; the rest of a tree is streamed and never read whole."""
_THERE = (200, 206, 416)
"""416: the file is there, and empty."""


class Opens(Protocol):
    """Whatever gives a tree's files: an upstream, several of them, or what is kept of them."""

    def open(
        self, source: str, path: str, headers: Headers | None = None
    ) -> AbstractAsyncContextManager[Stream]: ...


class Reader:
    """Satisfies `service.ports.TreeReader`."""

    def __init__(self, upstream: Opens, archive: Callable[[str], str] = lambda _: "") -> None:
        self._upstream = upstream
        self._archive = archive

    def archive(self, source: str) -> str:
        """The archive that a source is read from in its place, "" where it is not."""
        return self._archive(source)

    async def read(self, source: str, path: str) -> bytes | None:
        """The file's bytes, None where the tree has no such file.

        Raises Unavailable naming the URL or directory, and Invalid for a file that is not small.
        """
        name = shown(f"{source.rstrip('/')}/{path}")
        async with self._upstream.open(source, path) as stream:
            if stream.status == 404:
                return None
            if stream.status != 200:
                raise Unavailable(f"{name} answered {stream.status} to a question for the whole")
            data = None if (stream.total or 0) > LIMIT else await whole(stream.chunks(), LIMIT)
            if data is None:
                raise Invalid(f"{name} is longer than {LIMIT >> 20} MiB, too long for what it should be")
            return data

    async def exists(self, source: str, path: str) -> bool:
        """Whether the tree has the file, of any size; nothing of it is read. Raises Unavailable."""
        async with self._upstream.open(source, path, {"Range": "bytes=0-0"}) as stream:
            return stream.status in _THERE

    async def matches(self, source: str, path: str, checksum: str) -> bool:
        """Whether the file has that checksum: `sha256:` and the digest. Raises Unavailable."""
        name, _, digest = checksum.partition(":")
        found = hashlib.new(name, usedforsecurity=False)
        async with self._upstream.open(source, path) as stream:
            if stream.status != 200:
                return False
            async for piece in stream.chunks():
                found.update(piece)
        return found.hexdigest() == digest
