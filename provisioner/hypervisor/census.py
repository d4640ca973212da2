"""Who lives on a host: its domains, read with a handful of questions however many there are.

Which domains there are and how they are is asked each time. What only a domain's XML tells is kept, until
libvirt says that the domain changed, and a minute at most: not every change of a definition is told.
"""

import contextlib
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

import libvirt

from provisioner.core.host import Domain
from provisioner.hypervisor import guest
from provisioner.hypervisor.errors import is_code

_KEPT_SECONDS = 60.0
_MOST = 10000
_EVENTS = (
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
    libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
    libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
)
_AUTOSTART = libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART
_PAUSED = libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED
_ODD = libvirt.VIR_CONNECT_LIST_DOMAINS_OTHER


@dataclass(frozen=True, slots=True)
class _Kept:
    domain: Domain
    running: bool
    until: float


class Census:
    """Read in worker threads; told of changes in libvirt's event thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._turn = 0
        self._floor = 0
        self._touched: dict[str, int] = {}
        """When anything was last told of a domain; of one that is not in here, at `_floor` or before."""

    def subscribe(self, connection: libvirt.virConnect) -> list[int]:
        """Registers with a new connection, of which nothing is known yet; gives the ids of the callbacks.

        Whoever hears what becomes of domains, which one callback alone can, passes it on to `touch`.
        """
        with self._lock:
            self._kept.clear()

        def touch(_connection: libvirt.virConnect, domain: libvirt.virDomain, *_: Any) -> None:
            self.touch(domain.UUIDString())

        callbacks = []
        for event in _EVENTS:
            with contextlib.suppress(libvirt.libvirtError):  # not every driver has them all
                callbacks.append(connection.domainEventRegisterAny(None, event, touch, None))
        return callbacks

    def touch(self, uuid: str) -> None:
        """What is known of this domain is no longer good."""
        with self._lock:
            self._turn += 1
            if len(self._touched) >= _MOST:
                self._touched.clear()
                self._floor = self._turn
            self._touched[uuid] = self._turn
            self._kept.pop(uuid, None)

    def read(self, connection: libvirt.virConnect) -> list[Domain]:
        """All domains, ours and others, by name."""
        turn = self._turn
        there = connection.listAllDomains()
        autostart, paused, odd = (_uuids(connection, flag) for flag in (_AUTOSTART, _PAUSED, _ODD))
        found = []
        for domain in there:
            uuid, running = domain.UUIDString(), domain.ID() != -1
            try:
                state = guest.state(domain) if uuid in odd else _state(running, uuid in paused)
                found.append(self._one(domain, uuid, running, state, uuid in autostart, turn))
            except libvirt.libvirtError as error:
                if not is_code(error, "NO_DOMAIN"):  # it went away while the list was read
                    raise
        if len(self._kept) > len(found):
            self._drop({domain.uuid for domain in found})
        return sorted(found, key=lambda domain: domain.name)

    def _one(
        self, domain: libvirt.virDomain, uuid: str, running: bool, state: guest.State, auto: bool, turn: int
    ) -> Domain:
        """`turn` was taken before the list was read: what was touched since then is not kept."""
        kept, now = self._kept.get(uuid), time.monotonic()
        if kept is not None and kept.running == running and kept.until > now:
            if kept.domain.state == state and kept.domain.autostart == auto:
                return kept.domain
            read, until = kept.domain, kept.until
        else:
            read, until = guest.read(domain), now + _KEPT_SECONDS
        one = replace(read, state=state, autostart=auto)
        with self._lock:
            if self._touched.get(uuid, self._floor) <= turn:
                self._kept[uuid] = _Kept(one, running, until)
        return one

    def _drop(self, there: set[str]) -> None:
        """Forgets those that are gone."""
        with self._lock:
            self._kept = {uuid: kept for uuid, kept in self._kept.items() if uuid in there}


def _uuids(connection: libvirt.virConnect, flag: int) -> set[str]:
    return {domain.UUIDString() for domain in connection.listAllDomains(flag)}


def _state(running: bool, paused: bool) -> guest.State:
    return "paused" if paused else "running" if running else "shut off"
