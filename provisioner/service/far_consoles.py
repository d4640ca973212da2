"""Serial lines of guests on other hosts, whose text no file here keeps: their consoles, until a person asks.

A console has one holder at a time. Whoever asks the service for one gets it; once free it is taken again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf

from provisioner.core.errors import ProvisionerError
from provisioner.core.install import Install
from provisioner.service.installs import guest_of
from provisioner.service.ports import GuestRow, LifeHosts, Line, Store

_MOST = 16
"""Held at a time; each is a connection to its host."""
_AGAIN_SECONDS, _PATIENCE = 15.0, 10.0
_TAIL = 256 * 1024


@dataclass(slots=True)
class _Held:
    """`work` opens the console and reads it; what it said last stays when that has ended."""

    guest: str
    work: asyncio.Task[None] | None = None
    unread: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    came: int = 0


class FarConsoles:
    """`far` tells whether a host's guests write their serial text elsewhere."""

    def __init__(self, store: Store, hosts: LifeHosts, far: Callable[[str], bool]) -> None:
        self._store = store
        self._hosts = hosts
        self._far = far
        self._held: dict[str, _Held] = {}
        self._again: dict[str, float] = {}
        self._ends: dict[str, bytes] = {}
        """What those said last that are followed no more."""

    async def follow(self, active: Iterable[Install]) -> None:
        """Holds the consoles of these installs' guests as far as they can be had, and no others."""
        wanted = {install.id: install for install in active}
        for key in self._held.keys() - wanted.keys():
            self._ends[key] = bytes(self._held[key].tail)
            await self._let_go(key)
        for key in list(self._ends)[:-_MOST]:
            del self._ends[key]
        self._again = {key: at for key, at in self._again.items() if key in wanted}
        for key, install in wanted.items():
            if time.monotonic() >= self._again.get(key, 0.0):
                await self._take(install)

    def said(self) -> Iterable[tuple[tuple[str, Line], tuple[bytes, int]]]:
        """What came since it was asked last, as `GuestLogs.since` gives it."""
        for key, held in self._held.items():
            if held.unread:
                data = bytes(held.unread)
                held.unread.clear()
                yield (key, "serial"), (data, held.came)

    def tail(self, install: str) -> bytes:
        held = self._held.get(install)
        return bytes(held.tail) if held else self._ends.get(install, b"")

    async def release(self, guest: str) -> None:
        """A person wants the console."""
        for key, held in list(self._held.items()):
            if held.guest == guest:
                await self._let_go(key)
                self._again[key] = time.monotonic() + _AGAIN_SECONDS

    async def close(self) -> None:
        for key in list(self._held):
            await self._let_go(key)

    async def _take(self, install: Install) -> None:
        """Begins to; nobody waits for a host that may be away."""
        held = self._held.get(install.id)
        if (held is None and len(self._held) >= _MOST) or (held and held.work and not held.work.done()):
            return
        row = await guest_of(self._store, install)
        if row is None or not self._far(row.uri):
            self._again[install.id] = inf
            return
        self._again[install.id] = time.monotonic() + _AGAIN_SECONDS
        held = self._held.setdefault(install.id, _Held(install.guest))
        held.work = asyncio.create_task(self._hold(row, held))

    async def _hold(self, row: GuestRow, held: _Held) -> None:
        try:
            channel = await self._hosts(row.uri).console(row.spec.name, row.spec.uuid, force=False)
        except ProvisionerError:
            return  # it is off, somebody else's, or its host is away
        try:
            while data := await channel.read():
                held.unread += data
                held.tail += data
                del held.unread[:-_TAIL], held.tail[:-_TAIL]
                held.came += len(data)
        finally:
            await channel.close()

    async def _let_go(self, key: str) -> None:
        held = self._held.pop(key)
        if held.work is not None:
            held.work.cancel()
            await asyncio.wait({held.work}, timeout=_PATIENCE)
