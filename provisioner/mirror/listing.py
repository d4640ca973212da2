"""What is in a folder of a tree, for people who look around in it. Installers need no listing.

Folders and ISOs of this host are read; of an HTTP server the page that it shows for a folder is, and of
that only the links to what is directly below.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from provisioner.core.errors import Unavailable
from provisioner.core.source import kind, shown
from provisioner.mirror.iso import Iso
from provisioner.mirror.stream import Headers, Stream
from provisioner.mirror.upstream import is_iso

LIMIT = 4 * 1024 * 1024
"""A server's page of a folder is at most so long; the longest of Debian's pool has a third of it."""
MOST = 20_000
"""So many entries are shown."""
Open = Callable[[str, str, Headers], AbstractAsyncContextManager[Stream]]


@dataclass(frozen=True, slots=True)
class Entry:
    """`size` in bytes and `modified` in seconds since 1970, None where the source does not tell."""

    name: str
    folder: bool
    size: int | None = None
    modified: float | None = None


class Listings:
    """`open_file` reads files of trees that other servers have; `isos` those of ISOs."""

    def __init__(self, open_file: Open, isos: Iso) -> None:
        self._open = open_file
        self._isos = isos

    async def list(self, source: str, path: str) -> Sequence[Entry] | None:
        """What is in the folder at `path`, "" or ending in a slash: folders first, each by its name.

        None where there is no such folder, or its source does not tell. Raises Unavailable.
        """
        if any(part in (".", "..") for part in path.split("/")) or "\0" in path or "//" in path:
            return None
        if kind(source) == "path":
            if await asyncio.to_thread(is_iso, Path(source)):
                found = await self._isos.list(source, path.rstrip("/"))
                return (
                    None
                    if found is None
                    else _sorted(Entry(name, size is None, size) for name, size in found)
                )
            return await asyncio.to_thread(_folder, source, path)
        return await self._page(source, path) if kind(source) == "http" else None

    async def _page(self, source: str, path: str) -> Sequence[Entry] | None:
        async with self._open(source, path, {}) as stream:
            if stream.status != 200 or not stream.headers.get("Content-Type", "").startswith("text/html"):
                return None
            page = bytearray()
            async for piece in stream.chunks():
                page += piece
                if len(page) > LIMIT:
                    raise Unavailable(f"the listing of {shown(source)}/{path} is too long to be shown")
            return await asyncio.to_thread(links, bytes(page), stream.url or f"{source}/{path}")


def links(page: bytes, url: str) -> Sequence[Entry]:
    """The entries that a server's page for the folder at `url` links to; nothing outside it."""
    parser = _Links()
    parser.feed(page.decode("utf-8", "surrogateescape"))
    here = urlsplit(url)
    root = here.path if here.path.endswith("/") else f"{here.path}/"
    names: dict[str, Entry] = {}
    for link in parser.found:
        try:
            target = urlsplit(urljoin(url, link.strip()))
        except ValueError:
            continue
        same = (target.scheme, target.netloc) == (here.scheme, here.netloc) and not target.query
        if not same or not target.path.startswith(root):
            continue
        name, slash, behind = unquote(target.path[len(root) :], errors="surrogateescape").partition("/")
        if behind or name in ("", ".", "..") or any(ord(character) < 32 for character in name):
            continue
        names[name] = Entry(name, bool(slash))
    return _sorted(names.values())


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _folder(source: str, path: str) -> Sequence[Entry] | None:
    """Blocking. Links that lead outside are not shown, for nothing is found behind them."""
    root = Path(source).resolve()
    try:
        if not root.is_dir():
            raise Unavailable(
                f"the directory {source} is not there", remedy="look whether it is still mounted"
            )
        place = (root / path).resolve(strict=True)
        if place.is_relative_to(root) and place.is_dir():
            with os.scandir(place) as entries:
                return _sorted(_inside(entries, root))
    except (OSError, RuntimeError, ValueError):
        pass
    return None


def _inside(entries: Iterator[os.DirEntry[str]], root: Path) -> Iterator[Entry]:
    for entry in entries:
        try:
            status = entry.stat()
            if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
                continue
        except (OSError, RuntimeError):
            continue
        if entry.is_dir():
            yield Entry(entry.name, True, None, status.st_mtime)
        elif entry.is_file():
            yield Entry(entry.name, False, status.st_size, status.st_mtime)


def _sorted(entries: Iterable[Entry]) -> Sequence[Entry]:
    return sorted(entries, key=lambda entry: (not entry.folder, entry.name))[:MOST]
