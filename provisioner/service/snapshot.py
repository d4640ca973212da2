"""What netboot decides from: machines and running installs as they were a moment ago, in memory.

A DHCP answer waits for no database. While the store is away the last snapshot goes on answering.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from provisioner.boot import loader
from provisioner.boot.client import PROBE, Ignore, Local, Question, identify
from provisioner.boot.decide import Offer, Verdict, decide, refusal, verdict
from provisioner.boot.loader import Content, canonical
from provisioner.core import urls
from provisioner.core.errors import NotFound, ProvisionerError
from provisioner.core.firmware import LOADERS, Dialect
from provisioner.core.install import Install, sole
from provisioner.core.machine import Machine
from provisioner.core.network import interfaces
from provisioner.service.ports import Store
from provisioner.service.recipes import Recipe, Recipes, recipe
from provisioner.service.sightings import Sightings

_log = logging.getLogger(__name__)
_LEARNED = 4096
_MOST = 10000
_PERIOD, _LONGEST, _REST = 0.25, 2.0, 5
"""Seconds between two looks at the store, and how many times a look's own time is at least between them."""
_EVERYTHING_AFTER = 8
_TOGETHER = 100
"""What is sorted in one go, so that no answer waits long for it."""
Known = TypeVar("Known", Machine, Install)


class Snapshot:
    """Answers by MAC address first, then by UUID: a machine may be known by either.

    `loaders` are the first programs by name, `recipes` what others than iPXE read next. `neighbour` turns an
    address into a MAC address where the kernel knows it. `sightings` are told of strangers and of addresses.
    """

    def __init__(
        self,
        store: Store,
        *,
        http_port: int = 8080,
        loaders: Mapping[str, bytes] | None = None,
        recipes: Recipes | None = None,
        neighbour: Callable[[str], str | None] = lambda address: None,
        sightings: Sightings | None = None,
    ) -> None:
        self._store = store
        self._sightings = sightings
        self._http_port = http_port
        self._loaders = {} if loaders is None else loaders
        self._recipes = recipes
        self._recipe: dict[str, Recipe] = {}
        self._neighbour = neighbour
        self._machines: dict[str, Machine] = {}
        self._installs: dict[str, Install] = {}
        self._bound: dict[str, str] = {}
        self._learned: OrderedDict[str, str] = OrderedDict()
        self._version: object = None
        self._seen = -1
        self._skipped = 0
        self.repaired: tuple[str, ...] = ()
        """Interfaces that are served because of a repair, beside those of the setting."""

    async def refresh(self) -> None:
        """Reads everything where anything was written.

        A store that cannot tell is asked for its last event; machines are added without one, so every
        eighth time all is read, and what was repaired every second time.
        """
        version = await self._store.version()
        if version is not None and version == self._version:
            return
        if version is not None or not self._skipped % 2:
            self.repaired = interfaces(await self._store.repairs())
        latest = await self._store.last_event_id() if version is None else self._seen
        self._skipped += 1
        if version is None and latest == self._seen and self._skipped < _EVERYTHING_AFTER:
            return
        machines = await self._store.machines()
        installs = sorted(
            await self._store.installs(active=True, limit=_MOST), key=lambda install: install.created
        )
        self._machines, self._installs = await _by_key(machines), await _by_key(installs)
        if self._sightings is not None:
            self._sightings.known(machines)
        self._bound = {install.address: install.mac for install in installs if install.address}
        for address in [address for address in self._bound if address.startswith("127.")]:
            if sole(installs, address) is None:  # several guests on user networks: it may be any of them
                del self._bound[address]
        if self._recipes is not None:
            self._recipe = {row.install.id: row for row in [await self._of(i) for i in installs] if row}
        self._version, self._seen, self._skipped = version, latest, 0

    async def _of(self, install: Install) -> Recipe | None:
        """Read once for an install: what it is made from does not change while it runs."""
        if install.loader == "ipxe" or install.boots_disk:
            return None
        if install.id in self._recipe:
            return self._recipe[install.id]
        try:
            return await recipe(self._store, install)
        except NotFound as error:
            _log.warning("install %s cannot netboot: %s", install.id, error)
            return None

    async def keep(self) -> None:
        """Refreshes until cancelled; a store that is away is said once and waited for."""
        away = False
        while True:
            begun = time.monotonic()
            try:
                await self.refresh()
                away = False
            except Exception as error:
                if not away:
                    _log.warning("the store is away, answering from the last snapshot: %s", error)
                away = True
            took = time.monotonic() - begun
            await asyncio.sleep(min(_LONGEST, max(_PERIOD, _REST * took)))

    def decide(self, question: Question, local: Local) -> Offer | Ignore:
        """What a DHCP question gets. Every question also teaches which address a machine has."""
        for address in (question.ciaddr, question.requested):
            if address:
                self._learn(address, question.mac)
                if self._sightings is not None:
                    self._sightings.spoke(self._machines.get(question.mac), address, local)
        client = identify(question)
        if isinstance(client, Ignore):
            return client
        root = urls.base(local.address, self._http_port)
        if question.user_class == PROBE:
            return decide(client, "netboot", "we ask ourselves", root, local.address, LOADERS)
        install = self._install(client.mac, client.uuid)
        told, why = self._verdict(install, client.mac, client.uuid)
        if told == "unknown" and self._sightings is not None:
            met = self._sightings.meet(client, question, local, question.ciaddr or question.requested)
            if met is not None:
                return met
        dialect: Dialect = install.loader if install is not None else "ipxe"
        arch = install.arch if install is not None else ""
        return decide(client, told, why, root, local.address, self._names(install), dialect, arch)

    def loader(self, name: str, address: str, local: Local) -> Content | Ignore | None:
        """A loader, menu or kernel for the machine behind an address, None where there is no such file."""
        asked = canonical(name)
        mac = self.mac_of(address) or loader.mac_in(asked) or ""
        install = self._installs.get(mac)
        row = self._recipe.get(install.id) if install is not None else None
        content: Content | None = None
        if row is not None and self._recipes is not None:
            try:
                content = self._recipes.by_tftp(row, asked, local.address)
            except ProvisionerError as error:
                return Ignore(f"{asked} cannot be made: {error}")
        if content is None:
            content = loader.pick(asked, self._loaders)
        if content is None:
            return None
        return self.loader_verdict(name, address) or content

    def _names(self, install: Install | None) -> Container[str]:
        """The loaders that there are for an install: this host's, and those of its tree."""
        row = self._recipe.get(install.id) if install is not None else None
        if row is None or self._recipes is None:
            return self._loaders
        return _Either(self._recipes.loaders(row), self._loaders)

    def loader_verdict(self, name: str, address: str) -> Ignore | None:
        """Why the machine behind an address gets no loader, None where it may have it.

        A loader is public and holds no secret, so an address that leads to no machine is not refused.
        """
        mac = self.mac_of(address)
        return refusal(*self._verdict(self._install(mac), mac)) if mac else None

    def mac_of(self, address: str) -> str | None:
        """The machine behind an address: by the kernel's neighbours, its DHCP questions, its install."""
        return self._neighbour(address) or self._learned.get(address) or self._bound.get(address)

    def known(self, address: str) -> str | None:
        """Like `mac_of`, for machines that we know only."""
        mac = self.mac_of(address)
        return mac if mac in self._machines else None

    def knows(self, mac: str) -> bool:
        """Whether a machine, or an install under way, has this MAC address."""
        return mac in self._machines or mac in self._installs

    def _verdict(self, install: Install | None, mac: str, uuid: str = "") -> tuple[Verdict, str]:
        known = install is not None or any(key in self._machines for key in _keys(mac, uuid))
        return verdict(install, known)

    def _install(self, mac: str, uuid: str = "") -> Install | None:
        return next((self._installs[key] for key in _keys(mac, uuid) if key in self._installs), None)

    def _learn(self, address: str, mac: str) -> None:
        self._learned[address] = mac
        self._learned.move_to_end(address)
        if len(self._learned) > _LEARNED:
            self._learned.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Either:
    """Asked for a name at a time: to list this host's would look through its folders."""

    tree: Container[str]
    host: Container[str]

    def __contains__(self, name: object) -> bool:
        return name in self.tree or name in self.host


async def _by_key(known: Sequence[Known]) -> dict[str, Known]:
    """By MAC address and UUID, a later one in place of an earlier. Answers go out meanwhile."""
    found: dict[str, Known] = {}
    for begin in range(0, len(known), _TOGETHER):
        if begin:
            await asyncio.sleep(0)
        for each in known[begin : begin + _TOGETHER]:
            found |= dict.fromkeys(_keys(each.mac, each.uuid), each)
    return found


@lru_cache(4 * _MOST)
def _keys(mac: str, uuid: str | None) -> tuple[str, ...]:
    """What a machine is found by: its MAC address, and its UUID in both orders that firmware sends."""
    if not uuid or set(uuid) <= set("0-") or set(uuid) <= set("f-"):
        return (mac,)
    return (mac, uuid, _swapped(uuid))


def _swapped(text: str) -> str:
    """The UUID whose first three fields are in the other byte order, as SMBIOS keeps them."""
    return str(UUID(bytes_le=UUID(text).bytes))
