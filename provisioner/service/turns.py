"""Whose turn it is to be started: so many guests of a host load at a time, the others wait in their order.

A guest loads from its start until its answer file was served. While TFTP loses packets, or an upstream is
asked for all that it gives, one is started for one that has loaded only: their number does not grow.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from provisioner.core.errors import Conflict, ProvisionerError
from provisioner.core.install import Install, Stage
from provisioner.service.ports import Store

_log = logging.getLogger(__name__)
_LOADS = frozenset({Stage.PLANNED, Stage.CREATING, Stage.BOOTING, Stage.LOADING})
_STARTED = frozenset({Stage.BOOTING, Stage.LOADING})
_LOOK_SECONDS = 1.0

Tell = Callable[[str], Awaitable[None]]
Strained = Callable[[], Awaitable[str]]
"""A clause that says what is saturated, "" while nothing is."""


async def _never() -> str:
    return ""


@dataclass
class _Host:
    """`loading` are the installs that were let through and may still load, None before the first look."""

    loading: set[str] | None = None
    waiting: deque[tuple[str, "asyncio.Future[None]"]] = field(default_factory=deque)
    usher: "asyncio.Task[None] | None" = None


class Turns:
    """`limit` gives how many guests of a host, by its URI, load at a time; 0: as many as may be."""

    def __init__(
        self, store: Store, limit: Callable[[str], int] = lambda uri: 0, strained: Strained = _never
    ) -> None:
        self._store = store
        self._limit = limit
        self._strained = strained
        self._hosts: defaultdict[str, _Host] = defaultdict(_Host)

    async def take(self, uri: str, install: str, tell: Tell) -> None:
        """Returns when it is its turn; `tell` is told once why it is not yet.

        Raises Conflict where the install is ended meanwhile.
        """
        if not self._limit(uri):
            return
        host = self._hosts[uri]
        full = f"{len(host.waiting)} before it" if host.waiting else await self._full(uri, host)
        if not full and host.loading is not None:
            host.loading.add(install)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        host.waiting.append((install, turn))
        if host.usher is None or host.usher.done():
            host.usher = asyncio.create_task(self._usher(uri, host))
        await tell(f"waits for its turn: {full}")
        await turn

    async def _usher(self, uri: str, host: _Host) -> None:
        """Lets those that wait through, in their order, until nobody waits."""
        while host.waiting:
            try:
                await self._admit(uri, host)
            except ProvisionerError as error:
                _log.warning("whose turn it is to start cannot be told now: %s", error)
            if host.waiting:
                await asyncio.sleep(_LOOK_SECONDS)

    async def _admit(self, uri: str, host: _Host) -> None:
        running = {install.id for install in await self._store.installs(active=True)}
        for install, turn in host.waiting:
            if install not in running and not turn.done():
                turn.set_exception(Conflict(f"install {install} was ended while it waited for its turn"))
        while host.waiting:
            install, turn = host.waiting[0]
            if not turn.done():
                if await self._full(uri, host):
                    return
                assert host.loading is not None  # noqa: S101 - just looked at
                host.loading.add(install)
                turn.set_result(None)
            host.waiting.popleft()

    async def _full(self, uri: str, host: _Host) -> str:
        """Why nobody is let through now, "" where somebody may be."""
        limit = self._limit(uri)
        if host.loading is None:
            host.loading = await self._loading(uri)
        if limit and len(host.loading) >= limit:
            active = {install.id: install for install in await self._store.installs(active=True)}
            host.loading = {key for key in host.loading if _loads(active.get(key))}
        if limit and len(host.loading) >= limit:
            return f"{_guests(len(host.loading))}"
        if host.loading and (why := await self._strained()):
            return f"{_guests(len(host.loading))}, and {why}"
        return ""

    async def _loading(self, uri: str) -> set[str]:
        """What a service before this one let through."""
        mine = {row.install for row in await self._store.guests() if row.uri == uri}
        active = await self._store.installs(active=True)
        return {install.id for install in active if install.id in mine and install.stage in _STARTED}


def _loads(install: Install | None) -> bool:
    return install is not None and install.stage in _LOADS


def _guests(count: int) -> str:
    return "1 guest loads" if count == 1 else f"{count} guests load"
