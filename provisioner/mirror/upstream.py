"""Files of any size, passed through from wherever a tree is without being kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from aiohttp import ClientSession

from provisioner.core.source import kind
from provisioner.mirror import ftp
from provisioner.mirror.folder import Folder
from provisioner.mirror.hot import Hot
from provisioner.mirror.http import Http
from provisioner.mirror.iso import Iso
from provisioner.mirror.nfs import Nfs
from provisioner.mirror.stream import Headers, Open, Stream, absent
from provisioner.mirror.trust import Trust

_HANDED_ON = ("Range", "If-Range", "If-None-Match", "If-Modified-Since")


class Upstream:
    """Opens files of trees, by whichever protocol. The session is closed by whoever made it.

    `trust` knows the hosts that an operator named.
    """

    def __init__(self, client: ClientSession, trust: Trust | None = None) -> None:
        self._hot = Hot()
        self.isos = Iso(self._hot)
        self._by_kind: dict[str, Open] = {
            "http": Http(client, trust).open,
            "ftp": ftp.open_file,
            "nfs": Nfs().open,
            "folder": Folder(self._hot).open,
            "iso": self.isos.open,
        }

    @asynccontextmanager
    async def open(
        self, source: str, path: str, headers: Headers | None = None, *, client: str = ""
    ) -> AsyncIterator[Stream]:
        """The file at `path` below a tree's `source`. Raises Unavailable naming the URL or the directory.

        Of a client's request headers the range and the conditions are handed on. Every `client` gets the
        same.
        """
        asked = handed_on(headers or {})
        if ".." in path.split("/"):
            yield absent()
            return
        found: str = kind(source)
        if found == "path":
            found = "iso" if await asyncio.to_thread(is_iso, Path(source)) else "folder"
        async with self._by_kind[found](source, path, asked) as stream, aclosing(stream.pieces):
            yield stream

    def hit(
        self, source: str, path: str, headers: Headers | None = None, *, client: str = ""
    ) -> Stream | None:
        """What `open` would give, at once and without waiting for anything; None where that cannot be.

        Only what lies in a file of this host (`Stream.local`), and was opened within the last second. A
        request for all of an unchanged file always gets one and the same stream.
        """
        return self._hot.hit(source, path, handed_on(headers) if headers else {})


def handed_on(headers: Headers) -> dict[str, str]:
    """What of a client's request headers decides about a body."""
    return {name: headers[name] for name in _HANDED_ON if name in headers}


def is_iso(place: Path) -> bool:
    """Whether it is a file; one that is gone is told by its name. Blocking."""
    return place.is_file() or (place.suffix.lower() == ".iso" and not place.exists())
