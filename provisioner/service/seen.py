"""An install's events, asked for what a diagnosis wants to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from provisioner.core.install import LIFE, Event, Install, Kind, Stage
from provisioner.distros.scan import Sign, scan

CHAIN: Final = (
    Kind.CREATING,
    Kind.STARTED,
    Kind.DHCP_QUESTION,
    Kind.DHCP_OFFER,
    Kind.LOADER_SENT,
    Kind.SCRIPT_SENT,
    Kind.KERNEL_SENT,
    Kind.INITRD_SENT,
    Kind.ANSWER_SERVED,
    Kind.SUCCEEDED,
)
"""The landmarks of an install, in their order."""
_BEGINNINGS: Final = (Kind.STARTED, Kind.REBOOTED)
_LOADED: Final = CHAIN[CHAIN.index(Kind.LOADER_SENT) :]
_ANSWERED: Final = CHAIN[CHAIN.index(Kind.ANSWER_SERVED) :]
_PAST: Final = {Stage.BOOTING: _LOADED, Stage.LOADING: _ANSWERED, Stage.INSTALLING: (Kind.SUCCEEDED,)}
"""What shows that trouble of a stage was got over."""
_LOOKED_THROUGH: Final = 2000
"""Lines of a log, from its end, that are looked through for what is wrong."""
_TAIL: Final = 3
_SPOKEN: Final = (Kind.LOG, Kind.CONSOLE, Kind.FAILED)


@dataclass(frozen=True, slots=True)
class Seen:
    """Events oldest first, without what the watchdog did."""

    install: Install
    events: Sequence[Event]

    def latest(self, *kinds: Kind) -> Event | None:
        return next((event for event in reversed(self.events) if event.kind in kinds), None)

    def text(self, *kinds: Kind) -> str:
        event = self.latest(*kinds)
        return event.text if event else ""

    def remedy(self, *kinds: Kind) -> str:
        """What the event itself says that mends it."""
        event = self.latest(*kinds)
        return str(event.data.get("remedy", "")) if event else ""

    def fact(self, kind: Kind, name: str) -> object:
        """One value of the latest of a kind, None where there is none."""
        event = self.latest(kind)
        return event.data.get(name) if event else None

    def after(self, kind: Kind, *others: Kind) -> bool:
        """Whether the latest of a kind came after every one of the others."""
        this, that = self.latest(kind), self.latest(*others)
        return this is not None and (that is None or self.index(this) > self.index(that))

    def index(self, event: Event) -> int:
        return next(number for number, other in enumerate(self.events) if other is event)

    @property
    def log(self) -> list[Event]:
        """The last lines of what was logged."""
        return [event for event in self.events if event.kind is Kind.LOG][-_TAIL:]

    @property
    def reached(self) -> Kind | None:
        """The furthest landmark of the chain that was seen."""
        kinds = {event.kind for event in self.events}
        return next((kind for kind in reversed(CHAIN) if kind in kinds), None)

    @property
    def questions(self) -> int:
        """DHCP questions for an address since the machine was last started."""
        begun = self.latest(*_BEGINNINGS)
        since = self.events[self.index(begun) :] if begun else self.events
        return sum(event.kind is Kind.DHCP_QUESTION and event.data.get("port") == 67 for event in since)

    @property
    def restarts(self) -> int:
        """How often it started again since it first fetched its kernel."""
        first = next((n for n, event in enumerate(self.events) if event.kind is Kind.KERNEL_SENT), None)
        return 0 if first is None else sum(e.kind is Kind.REBOOTED for e in self.events[first:])

    @property
    def lossy(self) -> bool:
        """Whether the loader came over a wire that loses packets."""
        return self.fact(Kind.LOADER_SENT, "lossy") is True

    @property
    def tree_failed(self) -> bool:
        """Whether the tree was out of reach after the last file that came from it."""
        came = (Kind.KERNEL_SENT, Kind.INITRD_SENT, Kind.TREE_BYTES)
        return self.after(Kind.TREE_FAILED, *came) and self.reached is not Kind.SUCCEEDED

    @property
    def tail(self) -> str:
        """What the installer logged last, if it sent anything."""
        return f"; its log ends: {' | '.join(event.text for event in self.log)}" if self.log else ""

    @property
    def tree(self) -> str:
        """What the tree did not give, and why."""
        event = self.latest(Kind.TREE_FAILED)
        if event is None:
            return ""
        named = [str(event.data[key]) for key in ("tree", "url") if event.data.get(key)]
        missing = [name for name in named if name not in event.text]
        return event.text + (f" ({', '.join(missing)})" if missing else "")

    @property
    def refused(self) -> str | None:
        """What shows that the loader was fetched and not started; None where nothing does.

        iPXE asks for an address of its own as soon as it runs, and every other loader for a further file.
        """
        refused = self.latest(Kind.LOADER_REFUSED)
        if refused is not None and not self._ran_since(refused):
            return refused.text.partition(":")[0]
        loader = self.latest(Kind.LOADER_SENT)
        name = str(loader.data.get("file", "")) if loader else ""
        if loader is None or loader.source != "http" or not name.lower().endswith(".efi"):
            return None
        if self._ran_since(loader):
            return None
        went_on = self.after(Kind.DHCP_IPV6, Kind.LOADER_SENT)
        then = "its firmware went on to IPv6" if went_on else "nothing says that it ran"
        return f"{name} was fetched whole over HTTP, and {then}"

    def _ran_since(self, event: Event) -> bool:
        """Whether an iPXE asked after an event."""
        later = self.events[self.index(event) :]
        return any(e.kind is Kind.DHCP_QUESTION and e.data.get("user_class") == "iPXE" for e in later)

    def domain(self, kind: Kind, word: str) -> bool:
        """Whether libvirt told of the guest's end after everything that the guest itself did."""
        event = self.latest(kind)
        if event is None or event.source != "libvirt" or word not in event.text:
            return False
        return not any(other.kind in LIFE for other in self.events[self.index(event) :])

    def trouble(self) -> tuple[Sign, Event] | None:
        """The line that explains most, and what it says is wrong; the earliest of several alike.

        What was got over since says nothing. While the install runs, neither does a mere warning, nor
        trouble after which the guest went on.
        """
        found: tuple[Sign, Event] | None = None
        lines = [event for event in self.events if event.kind in _SPOKEN]
        for event in lines[-_LOOKED_THROUGH:]:
            sign = scan(event.text)
            if sign is None or (found and sign.rank >= found[0].rank) or self._over(sign, event):
                continue
            found = (sign, event)
        return found

    def _over(self, sign: Sign, event: Event) -> bool:
        later = self.events[self.index(event) + 1 :]
        if any(other.kind in _PAST.get(sign.stage, ()) for other in later):
            return True
        if self.install.over or sign.severity == "fatal":
            return False
        went_on = any(other.kind in LIFE and other.kind is not Kind.LOG for other in later)
        return sign.severity == "warning" or went_on
