"""Files of a tree behind an HTTP server, its answers passed on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientResponse, ClientSession

from provisioner.mirror.client import ABSENT, Erred, address, fetch, pieces
from provisioner.mirror.stream import Headers, Stream, absent

_STATUSES = (200, 206, 304, 416)
_PASSED_ON = ("Accept-Ranges", "Content-Length", "Content-Range", "Content-Type", "ETag", "Last-Modified")

_ON_THE_WAY = ("gzip", "deflate", "br", "zstd")
_PACKED = (".gz", ".tgz", ".br", ".zst", ".svgz")
"""Servers tell of such a file what they tell of one that they pack on its way; `x-gzip` is never that."""


class Http:
    """The session is closed by whoever made it."""

    def __init__(self, client: ClientSession) -> None:
        self._client = client

    @asynccontextmanager
    async def open(self, source: str, path: str, asked: Headers) -> AsyncIterator[Stream]:
        """As `stream.Open`; range and conditions are the server's to answer."""
        async with fetch(self._client, address(source, path), headers=dict(asked)) as response:
            yield _passed_on(response, path)


def _passed_on(response: ClientResponse, path: str) -> Stream:
    if response.status in ABSENT:
        return absent()
    if response.status not in _STATUSES:
        raise Erred(f"{response.url} answered {response.status} {response.reason or ''}".rstrip())
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding in _ON_THE_WAY and not path.endswith(_PACKED):
        raise Erred(f"{response.url} comes packed ({encoding}), which nobody asked for")
    headers = {name: response.headers[name] for name in _PASSED_ON if name in response.headers}
    framed = response.content_length is not None or "Transfer-Encoding" in response.headers
    body, url = pieces(response), str(response.url)
    return Stream(response.status, headers, _total(response), body, url=url, framed=framed)


def _total(response: ClientResponse) -> int | None:
    whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    if whole.isdecimal():
        return int(whole)
    return response.content_length if response.status == 200 else None
