"""The use cases that take several guests at a time, as the API calls them."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from provisioner.core.guest import Start
from provisioner.service.rebuilds import Loss
from provisioner.service.requests import Creation, Guest, Rebuild


class Clones(Protocol):
    async def clone(self, source: str, name: str, *, linked: bool, start: Start) -> Guest: ...
    def clone_each(
        self, source: str, names: Sequence[str], *, linked: bool, start: Start
    ) -> AsyncGenerator[tuple[str, Guest | Exception]]: ...


class Rebuilds(Protocol):
    async def rebuild(self, name: str, wish: Rebuild) -> Creation: ...
    def rebuild_each(
        self, names: Sequence[str], wish: Rebuild, *, at_once: int
    ) -> AsyncGenerator[tuple[str, Creation | Exception]]: ...
    def look_each(
        self, names: Sequence[str], wish: Rebuild
    ) -> AsyncGenerator[tuple[str, Loss | Exception]]: ...
