"""What HTTP notes of a guest's downloads: whose they are, and how far, at most one event a second.

A download carries no token; it belongs to the install whose machine spoke from that address before.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from provisioner.core.errors import ProvisionerError
from provisioner.core.install import Event, Install, Kind, sole
from provisioner.service.ports import Clock, Store
from provisioner.web.recent import Recent

log = logging.getLogger(__name__)
_REMEMBERED = 1024
_COMPLAINTS = 30
_EVENT_SECONDS = 1.0


@dataclass(slots=True)
class Tally:
    """What one install has fetched from trees since the service started."""

    files: int = 0
    size: int = 0
    noted: float = 0.0
    failed: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """A file's place in the install: the event that its last byte is, and its share of the percents."""

    kind: Kind
    start: int = 0
    end: int = 0

    def percent(self, sent: int, total: int) -> int:
        return self.start + (self.end - self.start) * sent // max(total, 1)


KERNEL = Part(Kind.KERNEL_SENT, 6, 10)
INITRD = Part(Kind.INITRD_SENT, 10, 19)
IMAGE = Part(Kind.TREE_BYTES, 20, 90)
PACKAGE = Part(Kind.TREE_BYTES)


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
        self._tallies: dict[str, Tally] = {}
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
        """Notes `sent` of `total` bytes of a file; `done` when this request is."""
        tally = self._tally(install)
        now = time.monotonic()
        if done:
            tally.files += 1
            tally.size += sent
        whole = done and sent == total
        landmark = whole and part is not PACKAGE
        if not landmark and now - tally.noted < _EVENT_SECONDS:
            return
        tally.noted = now
        data: dict[str, object] = {"path": path, "sent": sent, "total": total}
        if part.end:
            data["percent"] = part.percent(sent, total)
        if landmark or not done:
            text = f"{path}: {size(sent)}" + ("" if whole else f" of {size(total)}")
        else:
            text = f"{tally.files} files, {size(tally.size)}; last {path}"
        kind = part.kind if whole else Kind.TREE_BYTES
        await self.tell(kind, install, text, data)

    async def failed(self, install: Install | None, text: str, data: dict[str, object]) -> None:
        """Notes that a tree could not be read, at most once a second for an install."""
        if install is None:
            return
        tally = self._tally(install)
        now = time.monotonic()
        if now - tally.failed >= _EVENT_SECONDS:
            tally.failed = now
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
        event = Event(
            kind=kind,
            at=self._clock(),
            source="http",
            machine=install.mac if install else "",
            install=install.id if install else "",
            text=text,
            data=data or {},
        )
        await self._store.record([event])

    def _tally(self, install: Install) -> Tally:
        if len(self._tallies) >= _REMEMBERED:
            self._tallies.clear()
        return self._tallies.setdefault(install.id, Tally())


def size(count: int) -> str:
    """`12.3 MB`, as people write sizes of downloads."""
    if count < 1000:
        return f"{count} bytes"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"
    return f"{value / 1000:.1f} TB"
