"""Serial lines of guests on other hosts, whose text no file here keeps: their consoles, until a person asks.

A console has one holder at a time. Whoever asks the service for one gets it; once free it is taken again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from provisioner.core.errors import ProvisionerError
from provisioner.core.install import Install
from provisioner.service.ports import Channel, LifeHosts, Line, Store

_MOST = 16
"""Held at a time; each is a connection to its host."""
_AGAIN_SECONDS = 15.0
_TAIL = 256 * 1024


@dataclass(slots=True)
class _Held:
    guest: str
    reading: asyncio.Task[None]
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

    async def follow(self, active: Iterable[Install]) -> None:
        """Holds the consoles of these installs' guests as far as they can be had, and no others."""
        wanted = {install.id: install for install in active}
        for key in self._held.keys() - wanted.keys():
            await self._let_go(key)
        self._again = {key: at for key, at in self._again.items() if key in wanted}
        for key, install in wanted.items():
            held = self._held.get(key)
            if held is not None and not held.reading.done():
                continue
            if len(self._held) < _MOST and time.monotonic() >= self._again.get(key, 0.0):
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
        return bytes(held.tail) if held else b""

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
        self._again[install.id] = inf
        with suppress(ProvisionerError):  # no guest of ours; it is off, somebody else's, or its host is away
            row = await self._store.guest(install.guest)
            if row.install != install.id or not self._far(row.uri):
                return
            self._again[install.id] = time.monotonic() + _AGAIN_SECONDS
            channel = await self._hosts(row.uri).console(row.spec.name, row.spec.uuid, force=False)
            before = self._held.get(install.id)
            held = _Held(install.guest, asyncio.create_task(asyncio.sleep(0)))
            if before is not None:
                held.tail, held.came = before.tail, before.came
            held.reading = asyncio.create_task(_read(channel, held))
            self._held[install.id] = held

    async def _let_go(self, key: str) -> None:
        held = self._held.pop(key)
        held.reading.cancel()
        await asyncio.wait({held.reading})


async def _read(channel: Channel, held: _Held) -> None:
    try:
        while data := await channel.read():
            held.unread += data
            held.tail += data
            del held.unread[:-_TAIL], held.tail[:-_TAIL]
            held.came += len(data)
    finally:
        await channel.close()
