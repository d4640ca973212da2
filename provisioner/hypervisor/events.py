"""Domain events of our guests, brought into the asyncio loop in the order in which libvirt told them."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import libvirt

from provisioner.core.errors import ProvisionerError
from provisioner.core.host import Domain
from provisioner.service.ports import DomainEvent, OnDomainEvent

_log = logging.getLogger(__name__)

_LIFECYCLE: dict[int, Literal["defined"] | DomainEvent] = {
    libvirt.VIR_DOMAIN_EVENT_DEFINED: "defined",
    libvirt.VIR_DOMAIN_EVENT_UNDEFINED: "undefined",
    libvirt.VIR_DOMAIN_EVENT_STARTED: "started",
    libvirt.VIR_DOMAIN_EVENT_STOPPED: "stopped",
    libvirt.VIR_DOMAIN_EVENT_CRASHED: "crashed",
}
_CRASHES = {libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED}


@dataclass(frozen=True, slots=True)
class Seen:
    """One event as it came, of any domain."""

    name: str
    uuid: str
    event: Literal["defined"] | DomainEvent


@dataclass(slots=True)
class _Guest:
    name: str
    running: bool
    sure: bool = True
    """Whether it still carries our mark; asked before the next event of it is told."""


class Watch:
    """Tells `callbacks` what happens to our guests, what was missed while libvirt was away included.

    `touched` hears the UUID of every domain that anything happens to, and whether that is its definition, at
    once and in libvirt's thread.
    """

    def __init__(
        self,
        is_ours: Callable[[str], Awaitable[bool | None]],
        touched: Callable[[str, bool], None] = lambda uuid, defined: None,
    ) -> None:
        self.callbacks: list[OnDomainEvent] = []
        self._is_ours = is_ours
        self._touched = touched
        self._guests: dict[str, _Guest] = {}
        self._queue: asyncio.Queue[Seen] = asyncio.Queue()

    def subscribe(self, connection: libvirt.virConnect, loop: asyncio.AbstractEventLoop) -> list[int]:
        """Registers with a new connection, in a worker thread; gives the ids of the callbacks."""

        def tell(domain: libvirt.virDomain, event: Literal["defined"] | DomainEvent) -> None:
            seen = Seen(domain.name(), domain.UUIDString(), event)
            with contextlib.suppress(RuntimeError):  # the asyncio loop ended before us
                loop.call_soon_threadsafe(self._queue.put_nowait, seen)

        def lifecycle(
            _connection: libvirt.virConnect, domain: libvirt.virDomain, event: int, detail: int, _: Any
        ) -> None:
            self._touched(domain.UUIDString(), event == libvirt.VIR_DOMAIN_EVENT_DEFINED)
            if event == libvirt.VIR_DOMAIN_EVENT_STOPPED and detail in _CRASHES:
                tell(domain, "crashed")
            elif event in _LIFECYCLE:
                tell(domain, _LIFECYCLE[event])

        def reboot(_connection: libvirt.virConnect, domain: libvirt.virDomain, _: Any) -> None:
            tell(domain, "rebooted")

        register = partial(connection.domainEventRegisterAny, None)
        callbacks = [register(libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle, None)]
        with contextlib.suppress(libvirt.libvirtError):  # not every driver tells reboots
            callbacks.append(register(libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, reboot, None))
        return callbacks

    def learn(self, name: str, uuid: str, *, running: bool = False) -> None:
        """Remembers a guest of ours, so that its events need no question to libvirt."""
        if uuid not in self._guests:
            self._guests[uuid] = _Guest(name, running)

    def expect(self, name: str, uuid: str) -> None:
        """A guest of ours is about to be defined, if libvirt takes it."""
        self._guests.setdefault(uuid, _Guest(name, False, sure=False))

    def resync(self, domains: Sequence[Domain], *, again: bool) -> None:
        """Compares what is there with what was known; after a reconnect the difference is told as events."""
        there = {domain.uuid: domain for domain in domains if domain.ours}
        for uuid, guest in list(self._guests.items()):
            now = there.get(uuid)
            if again and guest.running and (now is None or now.state in ("shut off", "crashed")):
                self._queue.put_nowait(Seen(guest.name, uuid, "stopped"))
            if again and now is None:
                self._queue.put_nowait(Seen(guest.name, uuid, "undefined"))
            if again and not guest.running and now is not None and now.state == "running":
                self._queue.put_nowait(Seen(guest.name, uuid, "started"))
        for uuid, domain in there.items():
            self.learn(domain.name, uuid, running=domain.state in ("running", "paused"))

    async def run(self) -> None:
        """Delivers until cancelled."""
        while True:
            seen = await self._queue.get()
            try:
                await self._take(seen)
            except ProvisionerError as error:
                _log.warning("event %s of %s was not looked into: %s", seen.event, seen.name, error)
            except Exception:
                _log.exception("event %s of %s was not taken", seen.event, seen.name)

    async def _take(self, seen: Seen) -> None:
        known = self._guests.get(seen.uuid)
        if known is not None and seen.event == "defined":
            known.name, known.sure = seen.name, False
            return
        if seen.event != "undefined" and (known is None or not known.sure):
            await self._judge(seen, known)
        guest = self._guests.get(seen.uuid)
        if guest is None:
            return
        guest.name = seen.name
        match seen.event:
            case "defined":
                return
            case "undefined":
                del self._guests[seen.uuid]
            case "started":
                guest.running = True
            case "stopped" | "crashed":
                guest.running = False
        for callback in self.callbacks:
            callback(seen.name, seen.uuid, seen.event)

    async def _judge(self, seen: Seen, known: _Guest | None) -> None:
        ours = await self._is_ours(seen.uuid)
        if ours and known is not None:
            known.sure = True
        elif ours:
            self.learn(seen.name, seen.uuid)
        elif ours is False:  # somebody took our metadata away; one that is gone has more events to come
            self._guests.pop(seen.uuid, None)
