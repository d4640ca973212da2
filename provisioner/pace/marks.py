"""The marks that an install passes, and when it passed them: its events, folded one by one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from provisioner.core.install import LIFE, ORDER, Event, Install, Kind, Stage, advance


class Mark(StrEnum):
    """What a good run passes, in this order; the names of stages are where they begin.

    `stage2`, `metadata` and `package` are the first file of that kind, `fetched` the last one before a pause:
    from there on an installer works on what it has.
    """

    PLANNED = "planned"
    CREATING = "creating"
    BOOTING = "booting"
    OFFER = "offer"
    LOADING = "loading"
    SCRIPT = "script"
    KERNEL = "kernel"
    INITRD = "initrd"
    INSTALLING = "installing"
    STAGE2 = "stage2"
    METADATA = "metadata"
    PACKAGE = "package"
    FETCHED = "fetched"
    FINISHING = "finishing"
    INSTALLED = "installed"


MARKS = tuple(Mark)
INDEX: Mapping[Mark, int] = {mark: number for number, mark in enumerate(MARKS)}
_KINDS: Mapping[Kind, Mark] = {
    Kind.DHCP_OFFER: Mark.OFFER,
    Kind.SCRIPT_SENT: Mark.SCRIPT,
    Kind.KERNEL_SENT: Mark.KERNEL,
    Kind.INITRD_SENT: Mark.INITRD,
}
_PARTS: Mapping[str, Mark] = {
    "stage2": Mark.STAGE2,
    "metadata": Mark.METADATA,
    "package": Mark.PACKAGE,
    "image": Mark.PACKAGE,
}
_INSTALLERS = frozenset(_PARTS.values())
_BACKWARDS_SECONDS = 5.0
PAUSE_SECONDS = 45.0
"""What is fetched is told every half minute at least."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where a run was: seconds since it was asked for, what had been counted until then.

    `told` is the largest percentage that an event named, `size` bytes and `files` files of trees, `lines`
    those of the installer's log.
    """

    at: float = 0.0
    told: int = 0
    size: int = 0
    files: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """How a run was made: only runs made alike are compared. `by` is kvm, qemu or hardware, "" not known."""

    method: str = ""
    boot: str = ""
    by: str = ""
    host: str = ""


@dataclass(slots=True)
class Run:
    """One install as far as it came. `points` are the marks that it passed; `now` is its latest event,
    `grown` the latest by which more was fetched.

    `silence` is the longest time in stage installing without a sign of life; `broken` says that the clock
    went back in it, so that its seconds are worth nothing; `waited` that it was not its turn for a while.
    """

    install: Install
    way: Way = Way()
    points: dict[Mark, Point] = field(default_factory=dict)
    now: Point = Point()
    grown: Point = Point()
    silence: float = 0.0
    broken: bool = False
    waited: bool = False
    _alive: float = 0.0
    _parts: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def begun(cls, install: Install) -> "Run":
        """Of an install, before its first event; what is known of it by now is put aside."""
        fresh = replace(
            install, stage=Stage.PLANNED, changed=install.created, answered=None, percent=0, failed_at=None
        )
        return cls(fresh, points={Mark.PLANNED: Point()})

    @property
    def mark(self) -> Mark:
        """The furthest mark."""
        return max(self.points, key=INDEX.__getitem__)

    def paused(self, age: float) -> bool:
        """Whether an installer that fetched packages has paused, by the time that the run is `age` old."""
        return self.mark is Mark.PACKAGE and age - self.grown.at >= PAUSE_SECONDS

    def see(self, event: Event) -> None:
        """Takes the next event in. Those of other installs must not come here."""
        before, self.install = self.install.stage, advance(self.install, event)
        at = (event.at - self.install.created).total_seconds()
        self.broken = self.broken or at < self.now.at - _BACKWARDS_SECONDS
        if self.paused(at):
            self.points[Mark.FETCHED] = self.grown
        size, self.now = self.now.size, self._counted(event, max(at, self.now.at))
        if self.now.size > size:
            self.grown = self.now
        self.waited = self.waited or event.kind is Kind.WAITING
        if event.kind is Kind.PLANNED:
            self.way = way(event)
        if before is Stage.INSTALLING and (event.kind in LIFE or self.install.stage is not before):
            self.silence = max(self.silence, self.now.at - self._alive)
        if event.kind in LIFE or self.install.stage is not before:
            self._alive = self.now.at
        if self.install.stage in ORDER:
            self._pass(Mark(self.install.stage.value))
        finer = _KINDS.get(event.kind) or _PARTS.get(str(event.data.get("part")))
        if finer is not None and not self.install.over:
            self._pass(finer)

    def _pass(self, mark: Mark) -> None:
        """A mark behind one that was passed is a repeat. What only an installer fetches says that it runs."""
        if INDEX[mark] > INDEX[self.mark]:
            if mark in _INSTALLERS:
                self.points.setdefault(Mark.INSTALLING, self.now)
            self.points[mark] = self.now
            if mark is Mark.PACKAGE:
                self.grown = self.now

    def _counted(self, event: Event, at: float) -> Point:
        now, data = replace(self.now, at=at), event.data
        if _count(data.get("percent")):
            now = replace(now, told=max(now.told, min(99, _count(data["percent"]))))
        if event.kind is Kind.LOG:
            now = replace(now, lines=now.lines + 1)
        if isinstance(part := data.get("part"), str):
            files, size = _count(data.get("n")), _count(data.get("bytes"))
            old_files, old_size = self._parts.get(part, (0, 0))
            self._parts[part] = files, size
            # A count that went back was begun anew.
            files -= old_files if files >= old_files else 0
            size -= old_size if size >= old_size else 0
            now = replace(now, files=now.files + files, size=now.size + size)
        return now


def way(event: Event) -> Way:
    """How an install is made, as its first event says."""
    said = {name: event.data.get(name) for name in ("method", "boot", "by", "host")}
    return Way(**{name: value for name, value in said.items() if isinstance(value, str)})


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
