"""The use cases that take several guests at a time, as the API calls them."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from provisioner.core.guest import Start
from provisioner.core.snapshot import Snapshot
from provisioner.service.rebuilds import Loss
from provisioner.service.requests import Creation, Guest, Rebuild
from provisioner.service.snapshots import Restored


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


class Starts(Protocol):
    def start_each(
        self, names: Sequence[str], *, at_once: int
    ) -> AsyncGenerator[tuple[str, str | Exception]]: ...


class Snapshots(Protocol):
    """Guests as they were installed."""

    async def every(self) -> Sequence[Snapshot]: ...
    async def of_lab(self, lab: str) -> Sequence[str]: ...
    def take_each(
        self, names: Sequence[str], *, force: bool
    ) -> AsyncGenerator[tuple[str, Snapshot | Exception]]: ...
    def reset_each(
        self, names: Sequence[str], *, wait: float, at_once: int
    ) -> AsyncGenerator[tuple[str, Restored | Exception]]: ...
    async def drop(self, name: str) -> object: ...
