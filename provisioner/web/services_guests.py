"""The use cases that take several guests at a time, as the API calls them."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from provisioner.service.rebuilds import Loss
from provisioner.service.requests import Creation, Rebuild


class Rebuilds(Protocol):
    async def rebuild(self, name: str, wish: Rebuild) -> Creation: ...
    def rebuild_each(
        self, names: Sequence[str], wish: Rebuild, *, at_once: int
    ) -> AsyncGenerator[tuple[str, Creation | Exception]]: ...
    def look_each(
        self, names: Sequence[str], wish: Rebuild
    ) -> AsyncGenerator[tuple[str, Loss | Exception]]: ...
