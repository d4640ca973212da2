"""Mirror lists: a URL whose answer is other URLs, one a line, or metalink XML (version 3; 4 is RFC 5854)."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from aiohttp import ClientSession
from yarl import URL

from provisioner.core.errors import Invalid, Unavailable
from provisioner.core.source import is_mirror_list, kind, normalise
from provisioner.mirror.client import fetch, pieces
from provisioner.mirror.stream import whole
from provisioner.mirror.trust import Erred, Trust, check_spelling

log = logging.getLogger(__name__)

FRESH_SECONDS = 24 * 3600.0
AGAIN_SECONDS = 60.0
"""A list that could not be read is asked for again after so long."""
_PATIENCE_SECONDS = 3.0
"""So long whoever asks first waits for a list; others, and those who come later, never do."""
_LIMIT = 1024 * 1024
_USED = 16
_KEY_FILE = "/repodata/repomd.xml"
"""Metalinks of repositories name this file in place of the root."""


@dataclass(slots=True)
class _List:
    roots: Sequence[str] = ()
    again: float = 0.0
    loading: "asyncio.Task[None] | None" = field(default=None)


class Mirrorlists:
    """What lists name is no operator's choice: only public addresses of it are asked. For one event loop."""

    def __init__(self, client: ClientSession, trust: Trust) -> None:
        self._client = client
        self._trust = trust
        self._known: dict[str, _List] = {}

    async def expand(self, urls: Sequence[str]) -> list[str]:
        """The URLs, each list replaced by what it names. Raises nothing: a list that fails is empty."""
        found: list[str] = []
        for url in urls:
            found += await self._of(url) if is_mirror_list(url) else [url]
        return found

    async def _of(self, url: str) -> Sequence[str]:
        known = self._known.setdefault(url, _List())
        if known.loading is None and time.monotonic() >= known.again:
            first = not known.again
            known.loading = asyncio.create_task(self._load(url, known))
            if first:
                await asyncio.wait([known.loading], timeout=_PATIENCE_SECONDS)
        return known.roots

    async def _load(self, url: str, known: _List) -> None:
        try:
            async with asyncio.timeout(30):
                known.roots = roots(await self._read(url))[:_USED]
            for root in known.roots:
                self._trust.distrust(root)
            known.again = time.monotonic() + FRESH_SECONDS
            if not known.roots:
                log.warning("the mirror list %s names no mirror", url)
        except (Unavailable, TimeoutError) as error:
            known.again = time.monotonic() + AGAIN_SECONDS
            log.warning("the mirror list %s cannot be read: %s", url, error or "no answer within 30 s")
        finally:
            known.loading = None

    async def _read(self, url: str) -> bytes:
        async with fetch(self._client, URL(url), source=url, trust=self._trust) as answer:
            if answer.response.status != 200:
                raise Erred(f"{url} answered {answer.response.status}")
            data = await whole(pieces(answer), _LIMIT)
        if data is None:
            raise Erred(f"{url} is longer than a list of mirrors")
        return data

    async def close(self) -> None:
        loading = [known.loading for known in self._known.values() if known.loading]
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)


def roots(data: bytes) -> list[str]:
    """The trees' roots that a list names, the preferred first; none of what is no list."""
    named = _metalink(data) if data.lstrip()[:1] == b"<" else data.decode("utf-8", "replace").split("\n")
    return list(dict.fromkeys(root for line in named if (root := _root(line.strip()))))


def _root(line: str) -> str:
    """A line's root as sources are written, "" for a comment and for a place that is not asked."""
    try:
        root = normalise(line.removesuffix(_KEY_FILE)) if "://" in line and "$" not in line else ""
        host = URL(root).host or "" if root else ""
    except (Invalid, ValueError):
        return ""
    return root if root and kind(root) == "http" and not check_spelling(host) else ""


def _metalink(data: bytes) -> list[str]:
    """The URLs of the first file; a document type, which could name or grow anything, is refused."""
    found: list[tuple[int, str]] = []
    open_url: list[str] = []
    rank = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal rank
        if name.rpartition(" ")[2] == "url":
            open_url.append("")
            number = attributes.get("priority") or f"-{attributes.get('preference') or 0}"
            rank = int(number) if number.lstrip("-").isdecimal() else 0

    def text(piece: str) -> None:
        if open_url:
            open_url[-1] += piece

    def end(name: str) -> None:
        if name.rpartition(" ")[2] == "url" and open_url:
            found.append((rank, open_url.pop()))

    def refuse(*_: object) -> None:
        raise Invalid("a metalink has no document type")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, Invalid):
        return []
    return [url.strip() for _, url in sorted(found, key=lambda row: row[0])]
