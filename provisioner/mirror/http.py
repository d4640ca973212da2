"""Files of a tree behind an HTTP server, its answers passed on where they can be meant."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientResponse, ClientSession

from provisioner.mirror.client import ABSENT, Answer, address, fetch, pieces
from provisioner.mirror.stream import Headers, Stream, absent
from provisioner.mirror.trust import Erred, Trust

_STATUSES = (200, 206, 304, 416)
_PASSED_ON = ("Accept-Ranges", "Content-Length", "Content-Range", "Content-Type", "ETag", "Last-Modified")
_NO_PAGE = re.compile(
    r"\.(rpm|drpm|deb|udeb|img|iso|gz|xz|bz2|zst|lz4|zck|squashfs|efi|gpg|asc|sqlite)$"
    r"|(^|/)(vmlinuz|linux$|initrd|InRelease$|Packages$|repomd\.xml$)",
    re.IGNORECASE,
)
"""Paths that are never a web page. Those that tell a tree are left to whoever recognises it."""
_PACKED = {
    "gzip": (".gz", ".tgz", ".svgz"),
    "bzip2": (".bz2",),
    "xz": (".xz",),
    "lzma": (".lzma", ".xz"),
    "zstd": (".zst",),
    "compress": (".z",),
}
"""What servers say of a file that is itself packed: these bytes are the file's own."""


class Http:
    """The session is closed by whoever made it."""

    def __init__(self, client: ClientSession, trust: Trust | None = None) -> None:
        self._client = client
        self._trust = trust

    @asynccontextmanager
    async def open(self, source: str, path: str, asked: Headers) -> AsyncIterator[Stream]:
        """As `stream.Open`; range and conditions are the server's to answer."""
        url = address(source, path)
        async with fetch(self._client, url, source=source, trust=self._trust, headers=dict(asked)) as answer:
            yield _passed_on(answer, path, asked)


def _passed_on(answer: Answer, path: str, asked: Headers) -> Stream:
    response = answer.response
    if response.status in ABSENT:
        return absent()
    if response.status not in _STATUSES:
        raise Erred(f"{answer.url} answered {response.status} {response.reason or ''}".rstrip())
    if wrong := _wrong(response, path, asked):
        raise Erred(f"{answer.url} {wrong}")
    headers = {name: response.headers[name] for name in _PASSED_ON if name in response.headers}
    framed = response.content_length is not None or "Transfer-Encoding" in response.headers
    body, url = pieces(answer), str(answer.url)
    return Stream(response.status, headers, _total(response), body, url=url, framed=framed)


def _wrong(response: ClientResponse, path: str, asked: Headers) -> str:
    """Why an answer is not taken for the file, "" for one that is."""
    lengths = response.headers.getall("Content-Length", [])
    codings = response.headers.getall("Transfer-Encoding", [])
    if len(lengths) > 1 or any(not re.fullmatch(r"[0-9]{1,18}", length) for length in lengths):
        return f"answers with a length that is none: {', '.join(lengths)[:80]}"
    if codings and (lengths or [coding.lower() for coding in codings] != ["chunked"]):
        return f"answers with a length that cannot be told: {', '.join(codings)[:80]}"
    packing = response.headers.get("Content-Encoding", "identity").strip().lower().removeprefix("x-")
    if packing != "identity" and not path.lower().endswith(_PACKED.get(packing, ())):
        return f"answers packed ({packing[:40]}), which was not asked for"
    if response.status == 206 and "Range" not in asked:
        return f"answers with a part that was not asked for: {response.headers.get('Content-Range', '')[:80]}"
    if response.status == 200 and response.content_type == "text/html" and _NO_PAGE.search(path):
        return "is answered with a web page: the server asks for a login, or shows one for what it lacks"
    return ""


def _total(response: ClientResponse) -> int | None:
    whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    if whole.isdecimal():
        return int(whole)
    return response.content_length if response.status == 200 else None
