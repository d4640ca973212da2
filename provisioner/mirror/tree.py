"""The small files that tell what a tree is."""

import asyncio

from aiohttp import ClientSession

from provisioner.core.errors import Invalid, Unavailable
from provisioner.mirror.client import ABSENT, address, fetch, pieces
from provisioner.mirror.folder import locate

LIMIT = 4 * 1024 * 1024
"""A small file is at most this long; the rest of a tree is streamed and never read whole."""


class Reader:
    """Satisfies `service.ports.TreeReader`. The session is closed by whoever made it."""

    def __init__(self, client: ClientSession) -> None:
        self._client = client

    async def read(self, source: str, path: str) -> bytes | None:
        """The file's bytes, None where the tree has no such file.

        Raises Unavailable naming the URL or directory, and Invalid for a file that is not small.
        """
        if source.startswith(("http://", "https://")):
            return await self._over_http(source, path)
        return await asyncio.to_thread(_from_directory, source, path)

    async def exists(self, source: str, path: str) -> bool:
        """Whether the tree has the file, of any size; nothing of it is read. Raises Unavailable."""
        if not source.startswith(("http://", "https://")):
            return await asyncio.to_thread(locate, source, path) is not None
        url = address(source, path)
        async with fetch(self._client, url, headers={"Range": "bytes=0-0"}) as response:
            if response.status in ABSENT:
                return False
            if response.status in (200, 206):
                return True
            raise Unavailable(f"{url} answered {response.status} {response.reason or ''}".rstrip())

    async def _over_http(self, source: str, path: str) -> bytes | None:
        if ".." in path.split("/"):
            return None
        url = address(source, path)
        async with fetch(self._client, url) as response:
            if response.status in ABSENT:
                return None
            if response.status != 200:
                raise Unavailable(f"{url} answered {response.status} {response.reason or ''}".rstrip())
            data = bytearray()
            async for piece in pieces(response):
                data += piece
                _check_size(len(data), str(url))
            return bytes(data)


def _from_directory(source: str, path: str) -> bytes | None:
    file = locate(source, path)
    if file is None:
        return None
    _check_size(file.stat().st_size, str(file))
    try:
        return file.read_bytes()
    except OSError as error:
        raise Unavailable(f"{file} cannot be read: {error.strerror}") from error


def _check_size(size: int, name: str) -> None:
    if size > LIMIT:
        raise Invalid(f"{name} is longer than {LIMIT // 1024 // 1024} MiB, too long for what it should be")
