"""Who lives on a host: its domains, read with a handful of questions however many there are.

Which domains there are and which are on is asked each time. What only a domain's XML tells is kept, until
libvirt says that the domain changed, and for seconds at most: not every change of a definition is told
(attaching a card to one that is off is not).
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import libvirt

from provisioner.core.host import Domain
from provisioner.hypervisor import guest
from provisioner.hypervisor.errors import is_code

_KEPT_SECONDS = 5.0
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
    until: float


class Census:
    """Read in worker threads; told of changes in libvirt's event thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int | str, _Kept] = {}
        """As libvirt lists them: by its number while a domain is on, by its name while it is off."""
        self._turn = 0
        self._floor = 0
        self._touched: dict[str, int] = {}
        """When anything was last told of a domain; of one that is not in here, at `_floor` or before."""
        self._expected: set[str] = set()
        """UUIDs of domains that are being defined by us: libvirt will tell, and it is no news."""

    def subscribe(self, connection: libvirt.virConnect) -> list[int]:
        """Registers with a new connection, of which nothing is known yet; gives the ids of the callbacks.

        Whoever hears what becomes of domains, which one callback alone can, passes it on to `touch`.
        """
        self.forget()

        def touch(_connection: libvirt.virConnect, domain: libvirt.virDomain, *_: Any) -> None:
            self.touch(domain.UUIDString())

        callbacks = []
        for event in _EVENTS:
            with contextlib.suppress(libvirt.libvirtError):  # not every driver has them all
                callbacks.append(connection.domainEventRegisterAny(None, event, touch, None))
        return callbacks

    def forget(self) -> None:
        """Nothing that is known of any domain is good enough."""
        with self._lock:
            self._turn += 1
            self._floor = self._turn
            self._kept.clear()
            self._touched.clear()
            self._expected.clear()

    @contextlib.contextmanager
    def expecting(self, domain: Domain) -> Iterator[None]:
        """A domain that is defined by us in the meantime, and off: nobody needs to read it."""
        with self._lock:
            turn = self._turn
            self._expected.add(domain.uuid)
        try:
            yield
        except BaseException:
            with self._lock:
                self._expected.discard(domain.uuid)
            raise
        self._keep(domain, domain.name, turn)

    def touch(self, uuid: str, defined: bool = False) -> None:
        """What is known of this domain is no longer good."""
        with self._lock:
            if defined and uuid in self._expected:
                self._expected.remove(uuid)
                return
            self._turn += 1
            if len(self._touched) >= _MOST:
                self._touched.clear()
                self._floor = self._turn
            self._touched[uuid] = self._turn
            for place in [place for place, kept in self._kept.items() if kept.domain.uuid == uuid]:
                del self._kept[place]

    def read(self, connection: libvirt.virConnect) -> list[Domain]:
        """All domains, ours and others, by name."""
        turn = self._turn
        there = connection.listAllDomains()
        autostart, paused, odd = (_uuids(connection, flag) for flag in (_AUTOSTART, _PAUSED, _ODD))
        found = []
        for domain in there:
            uuid, place = domain.UUIDString(), _place(domain)
            with _still_there():
                state: guest.State = "running" if domain.ID() != -1 else "shut off"
                if uuid in odd:
                    state = guest.state(domain)
                elif uuid in paused:
                    state = "paused"
                kept = self._known(place, uuid) or self._read(domain, place, turn)
                if (kept.state, kept.autostart) != (state, uuid in autostart):
                    kept = self._keep(replace(kept, state=state, autostart=uuid in autostart), place, turn)
                found.append(kept)
        self._drop(set(map(_place, there)))
        return sorted(found, key=lambda domain: domain.name)

    def glance(self, connection: libvirt.virConnect) -> list[Domain]:
        """All domains in any order, for who does not ask which of them start with their host.

        Two questions, and one more for each domain that is new, or changed by what libvirt told.
        """
        turn = self._turn
        there: list[int | str] = [*connection.listDomainsID(), *connection.listDefinedDomains()]
        found = []
        for place in there:
            known = self._known(place)
            if known is None:
                with _still_there():
                    known = self._found(connection, place, turn)
            if known is not None:
                found.append(known)
        self._drop(set(there))
        return found

    def _found(self, connection: libvirt.virConnect, place: int | str, turn: int) -> Domain:
        if isinstance(place, str):
            return self._read(connection.lookupByName(place), place, turn)
        domain = connection.lookupByID(place)
        return self._keep(replace(guest.read(domain), state=guest.state(domain)), place, turn)

    def _known(self, place: int | str, uuid: str = "") -> Domain | None:
        kept = self._kept.get(place)
        if kept is None or kept.until <= time.monotonic() or uuid not in ("", kept.domain.uuid):
            return None
        return kept.domain

    def _read(self, domain: libvirt.virDomain, place: int | str, turn: int) -> Domain:
        return self._keep(guest.read(domain), place, turn)

    def _keep(self, domain: Domain, place: int | str, turn: int) -> Domain:
        """`turn` was taken before it was read: what was touched since then is not kept."""
        with self._lock:
            if self._touched.get(domain.uuid, self._floor) <= turn:
                self._kept[place] = _Kept(domain, time.monotonic() + _KEPT_SECONDS)
        return domain

    def _drop(self, there: set[int | str]) -> None:
        """Forgets those that are gone."""
        if len(self._kept) > len(there):
            with self._lock:
                self._kept = {place: kept for place, kept in self._kept.items() if place in there}


def _place(domain: libvirt.virDomain) -> int | str:
    number = domain.ID()
    return domain.name() if number == -1 else number


@contextlib.contextmanager
def _still_there() -> Iterator[None]:
    """Passes over a domain that goes away while the list of them is read."""
    try:
        yield
    except libvirt.libvirtError as error:
        if not is_code(error, "NO_DOMAIN"):
            raise


def _uuids(connection: libvirt.virConnect, flag: int) -> set[str]:
    return {domain.UUIDString() for domain in connection.listAllDomains(flag)}
