"""An upstream that answers what a test told it to; what is on this host is truly read."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.listing import Entry, Listings
from provisioner.mirror.stream import Stream
from provisioner.mirror.upstream import Upstream


@dataclass
class FakeUpstream:
    """What an upstream answers: a status, headers, pieces; an error among the pieces is raised there."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: list[bytes | Exception] = field(default_factory=list)
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    down: str = ""
    local: None = None
    grows: None = None
    url: str = ""
    here: Upstream = field(default_factory=lambda: Upstream(cast(ClientSession, None)))

    def hit(self, source: str, path: str, headers: Mapping[str, str], *, client: str = "") -> Stream | None:
        return self.here.hit(source, path, headers)

    async def list(self, source: str, path: str) -> Sequence[Entry] | None:
        return await Listings(self.here.open, self.here.isos).list(source, path)

    @asynccontextmanager
    async def open(
        self, source: str, path: str, headers: Mapping[str, str], *, client: str = ""
    ) -> AsyncIterator["FakeUpstream | Stream"]:
        if source.startswith("/"):
            async with self.here.open(source, path, headers) as stream:
                yield stream
            return
        self.asked.append((source, path, headers))
        if self.down:
            raise Unavailable(f"{source}/{path} does not answer: {self.down}")
        yield self

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece
