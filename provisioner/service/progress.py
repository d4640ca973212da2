"""What libvirt and the use cases see of an install, noted as its events."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

from provisioner.core.errors import ProvisionerError
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.service.installs import guest_of
from provisioner.service.ports import Clock, DomainEvent, GuestRow, Store

_LOG = logging.getLogger(__name__)
# A domain's start is noted by who starts it. A crash is no end, for only a reboot or a power-off completes;
# nor is a removal, for libvirt may be about to define the domain anew: the watchdog sees what stays.
_KINDS: Mapping[DomainEvent, tuple[Kind, str]] = {
    "stopped": (Kind.STOPPED, "the guest was switched off"),
    "rebooted": (Kind.REBOOTED, "the guest rebooted"),
    "crashed": (Kind.ALARM, "the guest crashed"),
    "undefined": (Kind.ALARM, "the guest's domain was removed from libvirt"),
}


async def _no_care(name: str) -> None:
    return None


class Progress:
    """`first_stage_over` is told the name of a guest that went off in its first stage."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        first_stage_over: Callable[[str], Awaitable[None]] = _no_care,
    ) -> None:
        self._store = store
        self._clock = clock
        self._first_stage_over = first_stage_over
        self._waiting: deque[tuple[str, Kind, str]] = deque()
        self._writer: asyncio.Task[None] | None = None

    def on_domain_event(self, name: str, uuid: str, event: DomainEvent) -> None:
        """Called in the event loop. Events are written one after another, in the order they came."""
        if event not in _KINDS:
            return
        self._waiting.append((uuid, *_KINDS[event]))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def drain(self) -> None:
        """Returns when everything seen so far is written."""
        if self._writer is not None:
            await self._writer

    async def note(
        self,
        kind: Kind,
        *,
        source: str = "service",
        install: str = "",
        machine: str = "",
        text: str = "",
        data: Mapping[str, object] | None = None,
    ) -> Sequence[Install]:
        """Records one event now. Returns the installs that it changed."""
        event = Event(kind, self._clock(), source, machine, install, text, data or {})
        return await self._store.record([event])

    async def _write(self) -> None:
        while self._waiting:
            uuid, kind, text = self._waiting.popleft()
            try:
                install = await self._store.install_of(uuid=uuid)
                if install is not None:
                    await self._take(install, kind, text)
            except ProvisionerError as error:
                # Nothing is lost for good: the next comparison with libvirt finds the guest's state.
                _LOG.warning("a domain event of %s was not kept: %s", uuid, error)

    async def _take(self, install: Install, kind: Kind, text: str) -> None:
        row = await self._first_stage(install) if kind is Kind.STOPPED else None
        if row is not None and row.spec.unmanaged:
            kind, text = Kind.DONE, f"{text}: its first stage is over"
        if not install.over:
            await self.note(kind, source="libvirt", install=install.id, text=text)
        if row is not None:
            await self._first_stage_over(row.spec.name)

    async def _first_stage(self, install: Install) -> GuestRow | None:
        """The guest's row where it is in the first stage of this very install.

        While an install is being made, what goes off is what was there before it.
        """
        if install.stage in (Stage.PLANNED, Stage.CREATING):
            return None
        row = await guest_of(self._store, install)
        return row if row is not None and row.first_stage else None
