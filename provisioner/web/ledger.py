"""What HTTP notes of a guest's downloads: whose they are, and how far.

A download carries no token; it belongs to the install whose machine spoke from that address before.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from provisioner.core.errors import ProvisionerError
from provisioner.core.install import Event, Install, Kind, sole
from provisioner.service.ports import Clock, Store
from provisioner.web.counts import Counts, Part
from provisioner.web.recent import Recent

log = logging.getLogger(__name__)
_REMEMBERED = 1024
_COMPLAINTS = 30
_EVENT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Running:
    """The installs that ran at one moment, the latest first, and which was found behind an address."""

    latest: Sequence[Install]
    behind: dict[tuple[str, bool], Install | None] = field(default_factory=dict)


class Ledger:
    """`record` goes to the store; everything else is this process's memory and may be lost.

    `neighbour` turns an address into a MAC address where the kernel knows it.
    """

    def __init__(
        self, store: Store, clock: Clock, neighbour: Callable[[str], str | None] = lambda address: None
    ) -> None:
        self._store = store
        self._clock = clock
        self._neighbour = neighbour
        self._running = Recent(self._load)
        self._claims: dict[str, str] = {}
        self._counts = Counts()
        self._telling: asyncio.Task[None] | None = None
        self._complaints: Counter[str] = Counter()
        self._minute = 0

    def claim(self, address: str, install: Install) -> None:
        """An answer token spoke from this address: from now on its downloads belong to that install.

        The installer may have another address than the firmware had, though its machine is the same.
        """
        if len(self._claims) >= _REMEMBERED:
            self._claims.clear()
        self._claims[address] = install.id
        self.greet(address)

    def greet(self, address: str) -> None:
        """A machine spoke from this address with a token of its own: whose it is has to be asked anew."""
        self._running.forget("")

    async def owner(self, address: str, *, shared: bool = False) -> Install | None:
        """The running install of the machine at an address, as it was at most a second ago.

        A `shared` address is several guests': a download from there is somebody's only where one install
        alone can be meant, and nobody's otherwise.
        """
        return self._behind(await self._running.get(""), address, shared=shared)

    def peek(self, address: str, *, shared: bool) -> tuple[Install | None] | None:
        """What `owner` would give from memory, None where it would have to ask."""
        known = self._running.peek("")
        return None if known is None else (self._behind(known[0], address, shared=shared),)

    async def _load(self, _: str) -> _Running:
        """All at once: hundreds of machines fetch at a time, and each is to be known every second."""
        return _Running(await self._store.installs(active=True))

    def _behind(self, running: _Running, address: str, *, shared: bool) -> Install | None:
        if (address, shared) not in running.behind:
            found = self._sole(running, address) if shared else self._owner(running, address)
            running.behind[address, shared] = found
        return running.behind[address, shared]

    def _sole(self, running: _Running, address: str) -> Install | None:
        claimed = self._claims.get(address)
        return sole((replace(i, address=address) if i.id == claimed else i for i in running.latest), address)

    def _owner(self, running: _Running, address: str) -> Install | None:
        claimed = self._claims.get(address)
        for install in running.latest:
            if install.id == claimed:
                return install
        for install in running.latest:
            if install.address == address:
                return install
        mac = self._neighbour(address)  # PXELINUX and GRUB fetch a kernel before any token was shown
        return next((install for install in running.latest if mac and install.mac == mac), None)

    async def sent(self, install: Install, part: Part, path: str, sent: int, total: int, done: bool) -> None:
        """Counts `sent` of `total` bytes of a file; `done` when this request is.

        A landmark is recorded at once, everything else within a second, for all installs together.
        """
        landmark = self._counts.count(install, part, path, sent, total, done=done)
        if landmark is not None:
            await self.tell(landmark.kind, install, landmark.text, landmark.data)
        elif self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_counts())

    async def flush(self) -> None:
        """Records what was counted; nothing waits any more after it."""
        if self._telling is not None:
            self._telling.cancel()
        await self._tell_due(all=True)

    async def _tell_counts(self) -> None:
        while self._counts.waiting:
            await asyncio.sleep(_EVENT_SECONDS)
            await self._tell_due()

    async def _tell_due(self, *, all: bool = False) -> None:
        news = [
            self._event(one.kind, one.install, one.text, one.data)
            for one in self._counts.due(time.monotonic(), all=all)
        ]
        try:
            await self._store.record(news)
        except ProvisionerError as error:
            log.warning("what %d installs fetched could not be noted: %s", len(news), error)

    async def failed(self, install: Install | None, text: str, data: dict[str, object]) -> None:
        """Notes that a tree could not be read, at most once a second for an install."""
        if install is not None and self._counts.may_fail(install, time.monotonic()):
            await self.tell(Kind.TREE_FAILED, install, text, data)

    def may_complain(self, address: str) -> bool:
        """Whether a refusal to an address is still worth an event within this minute."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute = minute
            self._complaints.clear()
        self._complaints[address] += 1
        return self._complaints[address] <= _COMPLAINTS

    async def tell(
        self, kind: Kind, install: Install | None, text: str, data: dict[str, object] | None = None
    ) -> None:
        """Like `note`, for what must not fail because the store is away."""
        try:
            await self.note(kind, install, text, data)
        except ProvisionerError as error:
            log.warning(
                "%s of install %s could not be noted: %s", kind, install.id if install else "?", error
            )

    async def note(
        self, kind: Kind, install: Install | None, text: str, data: dict[str, object] | None = None
    ) -> None:
        """Records one event of the HTTP edge."""
        await self._store.record([self._event(kind, install, text, data or {})])

    def _event(self, kind: Kind, install: Install | None, text: str, data: dict[str, object]) -> Event:
        return Event(
            kind=kind,
            at=self._clock(),
            source="http",
            machine=install.mac if install else "",
            install=install.id if install else "",
            text=text,
            data=data,
        )
