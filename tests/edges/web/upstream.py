"""An upstream that answers what a test told it to."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from provisioner.core.errors import Unavailable


@dataclass
class FakeUpstream:
    """What an upstream answers: a status, headers, pieces; an error among the pieces is raised there."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: list[bytes | Exception] = field(default_factory=list)
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    down: str = ""
    local: None = None

    @asynccontextmanager
    async def open(self, source: str, path: str, headers: Mapping[str, str]) -> AsyncIterator["FakeUpstream"]:
        self.asked.append((source, path, headers))
        if self.down:
            raise Unavailable(f"{source}/{path} does not answer: {self.down}")
        yield self

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece
