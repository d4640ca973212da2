"""Why an install stands where it stands: pure, from its events, by one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.distros.scan import scan


@dataclass(frozen=True, slots=True)
class Why:
    """`missing` is the first thing that did not happen; "" where nothing is missing."""

    install: str
    stage: Stage
    last: Event | None
    missing: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Seen:
    """An install's events, asked for what a rule wants to know."""

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

    def after(self, kind: Kind, *others: Kind) -> bool:
        """Whether the latest of a kind came after every one of the others."""
        this, that = self.latest(kind), self.latest(*others)
        return this is not None and (that is None or self._after(this, that))

    def tail(self) -> str:
        """The line of the installer's log that says what is wrong, else its last ones, if it sent any."""
        lines = [event.text for event in self.events if event.kind is Kind.LOG]
        for line in reversed(lines[-_LOOKED_THROUGH:]):
            if sign := scan(line):
                return f"; its log says that {sign.cause}: {line}"
        return f"; its log ends: {' | '.join(lines[-3:])}" if lines else ""

    @property
    def reached(self) -> Kind | None:
        """The furthest landmark of the chain that was seen."""
        kinds = {event.kind for event in self.events}
        return next((kind for kind in reversed(CHAIN) if kind in kinds), None)

    @property
    def lossy(self) -> bool:
        """Whether the loader came over a wire that loses packets."""
        sent = self.latest(Kind.LOADER_SENT)
        return sent is not None and sent.data.get("lossy") is True

    @property
    def tree_failed(self) -> bool:
        """Whether the tree was out of reach after the last file that came from it."""
        broken = self.latest(Kind.TREE_FAILED)
        came = self.latest(Kind.KERNEL_SENT, Kind.INITRD_SENT, Kind.TREE_BYTES)
        return bool(broken) and (not came or self._after(broken, came)) and self.reached is not Kind.SUCCEEDED

    def _after(self, one: Event | None, other: Event) -> bool:
        return one is not None and self.events.index(one) > self.events.index(other)


CHAIN = (
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
_WATCHDOG = frozenset({Kind.RESET, Kind.DEADLINE})
_FETCHING = (Kind.SCRIPT_SENT, Kind.KERNEL_SENT, Kind.INITRD_SENT)
_BEFORE_ITS_SCRIPT = (None, Kind.STARTED, Kind.DHCP_QUESTION, Kind.DHCP_OFFER, Kind.LOADER_SENT)
_UNANSWERED = (Kind.DHCP_IGNORED, Kind.ANSWER_REFUSED)
_LOOKED_THROUGH = 500
"""Lines of a log, from its end, that are looked through for what is wrong."""
_AGAIN = "then: provisioner guest rebuild {guest}"

Words = str | Callable[[Seen], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """The first rule whose `when` holds explains the install. `{guest}` and the like are filled in."""

    name: str
    when: Callable[[Seen], bool]
    missing: Words
    cause: Words
    remedy: Words


def _stage(stage: Stage) -> Callable[[Seen], bool]:
    return lambda seen: seen.install.stage is stage


def _ended_by(kind: Kind) -> Callable[[Seen], bool]:
    return lambda seen: seen.install.stage is Stage.FAILED and seen.latest(kind) is not None


def _reached(*kinds: Kind | None) -> Callable[[Seen], bool]:
    return lambda seen: seen.reached in kinds


RULES = (
    Rule("installed", _stage(Stage.INSTALLED), "", "{guest} is installed", ""),
    Rule(
        "cancelled",
        _stage(Stage.CANCELLED),
        "",
        lambda seen: f"the install was cancelled: {seen.text(Kind.CANCELLED)}",
        "provisioner guest rebuild {guest}",
    ),
    Rule(
        "create failed",
        _ended_by(Kind.CREATE_FAILED),
        "the guest",
        lambda seen: f"{seen.install.guest} could not be made: {seen.text(Kind.CREATE_FAILED)}",
        "mend that and create it again; nothing of it was left behind",
    ),
    Rule(
        "failure reported",
        _ended_by(Kind.FAILED),
        "a success report",
        lambda seen: f"the installer gave up: {seen.text(Kind.FAILED)}{seen.tail()}",
        f"mend the profile's answer file (provisioner answer preview {{guest}}), {_AGAIN}",
    ),
    Rule(
        "tree unreachable",
        lambda seen: seen.tree_failed,
        "a file of the install tree",
        lambda seen: f"the install tree does not give its files: {_tree(seen)}",
        f"see that its source answers (provisioner tree list), {_AGAIN}",
    ),
    Rule(
        "answer refused",
        lambda seen: seen.reached in _FETCHING and seen.latest(Kind.ANSWER_REFUSED) is not None,
        "an answer file asked for with a good token",
        lambda seen: f"the answer file was asked for and refused: {seen.text(Kind.ANSWER_REFUSED)}",
        "a guest that waited too long, or another machine that guesses: provisioner guest rebuild {guest}",
    ),
    Rule(
        "nothing that it starts",
        lambda seen: seen.reached in _BEFORE_ITS_SCRIPT and bool(seen.remedy(*_UNANSWERED)),
        "something that it can start",
        lambda seen: f"{seen.install.guest} asked and was not answered: {seen.text(*_UNANSWERED)}",
        lambda seen: seen.remedy(*_UNANSWERED),
    ),
    Rule(
        "script refused",
        lambda seen: (
            seen.reached in (Kind.DHCP_OFFER, Kind.LOADER_SENT)
            and seen.latest(Kind.ANSWER_REFUSED) is not None
        ),
        "its boot script, asked for with a good token",
        lambda seen: f"the boot script was asked for and refused: {seen.text(Kind.ANSWER_REFUSED)}",
        "a guest whose serial number was changed, or another machine with its MAC: "
        "provisioner guest rebuild {guest}",
    ),
    Rule(
        "not created",
        _reached(None),
        "the first step",
        lambda seen: (
            "this machine was not seen yet: it is not a guest of ours and waits to be switched on"
            if seen.events
            else "nothing was done for it yet"
        ),
        "switch {guest} on and let it boot from its network card",
    ),
    Rule(
        "creating",
        _reached(Kind.CREATING),
        "the guest's start",
        "libvirt has not finished making the guest",
        "provisioner doctor; a restart of the service finishes or removes the guest",
    ),
    Rule(
        "question ignored",
        lambda seen: (
            seen.reached in (Kind.STARTED, Kind.DHCP_QUESTION) and seen.latest(Kind.DHCP_IGNORED) is not None
        ),
        "an answer to its DHCP question",
        lambda seen: f"{seen.install.mac} asked and was not answered: {seen.text(Kind.DHCP_IGNORED)}",
        "let the service answer on the interface it asks on (setting interfaces, provisioner doctor)",
    ),
    Rule(
        "no question",
        _reached(Kind.STARTED),
        "a DHCP question from {mac}",
        "its network card is on a network that the service does not answer on, "
        "or its firmware does not netboot",
        "compare provisioner network list with the setting interfaces; provisioner doctor",
    ),
    Rule(
        "no offer",
        _reached(Kind.DHCP_QUESTION),
        "an answer to its DHCP question",
        "the question came and no answer was made",
        "look at the service's own log for a netboot error",
    ),
    Rule(
        "loader failed",
        lambda seen: (
            seen.reached in (Kind.DHCP_OFFER, Kind.LOADER_SENT)
            and seen.after(Kind.LOADER_FAILED, Kind.LOADER_SENT, Kind.LOADER_FOREIGN)
        ),
        "the loader",
        lambda seen: f"the loader did not get through: {seen.text(Kind.LOADER_FAILED)}",
        "install the package with iPXE's loaders (provisioner doctor names it) and let UDP port 69 in",
    ),
    Rule(
        "foreign loader",
        lambda seen: (
            seen.reached in (Kind.DHCP_OFFER, Kind.LOADER_SENT)
            and seen.after(Kind.LOADER_FOREIGN, Kind.LOADER_SENT)
        ),
        "the fetch of our loader",
        lambda seen: f"{seen.install.guest} listened to another server: it {seen.text(Kind.LOADER_FOREIGN)}",
        lambda seen: f"{seen.remedy(Kind.LOADER_FOREIGN)}; then reset {seen.install.guest}",
    ),
    Rule(
        "port 4011",
        lambda seen: seen.reached is Kind.DHCP_OFFER and seen.latest(Kind.DHCP_UNANSWERED) is not None,
        "an answer on port 4011",
        lambda seen: f"{seen.install.guest} waits for its boot file: {seen.text(Kind.DHCP_UNANSWERED)}",
        lambda seen: f"{seen.remedy(Kind.DHCP_UNANSWERED)}; then reset {seen.install.guest}",
    ),
    Rule(
        "rival",
        lambda seen: seen.reached is Kind.DHCP_OFFER and seen.latest(Kind.DHCP_RIVAL) is not None,
        "the fetch of our loader",
        lambda seen: f"the guest may have listened to another server: {seen.text(Kind.DHCP_RIVAL)}",
        "switch the netboot answers of that server off, or keep it off this network; then reset {guest}",
    ),
    Rule(
        "no loader",
        _reached(Kind.DHCP_OFFER),
        "the fetch of a loader or boot script",
        "the guest got no address from the network's DHCP server, or a firewall drops TFTP or HTTP",
        "see that a DHCP server gives addresses there; let UDP 69 and the guests' TCP port in",
    ),
    Rule(
        "loader refused",
        lambda seen: seen.reached is Kind.LOADER_SENT and _refused(seen) is not None,
        "the start of the loader",
        lambda seen: f"{_refused(seen)}: refused by Secure Boot?",
        "use shim and GRUB, which are signed (guests with secure=on get them), or switch Secure Boot off; "
        "then reset {guest}",
    ),
    Rule(
        "lossy wire",
        lambda seen: seen.reached is Kind.LOADER_SENT and seen.lossy,
        "the fetch of its boot script",
        lambda seen: f"packets to {seen.install.guest} are lost on the way: {seen.text(Kind.LOADER_SENT)}",
        "look at the cable, and at the errors and the duplex of the switch port; then reset {guest}",
    ),
    Rule(
        "no script",
        _reached(Kind.LOADER_SENT),
        "the fetch of its boot script",
        "the loader runs, but cannot reach the guests' HTTP port, or got no address of its own",
        "let the guests' TCP port in (setting http_port, 8080) on the interface's firewall zone",
    ),
    Rule(
        "no kernel",
        _reached(Kind.SCRIPT_SENT),
        "the fetch of the kernel",
        "the boot script was read, but no kernel came through",
        "see that the tree has a kernel (provisioner tree show), then reset the guest",
    ),
    Rule(
        "no answer file",
        _reached(Kind.KERNEL_SENT, Kind.INITRD_SENT),
        "the fetch of the answer file",
        "the kernel was fetched, but its installer never asked for its answer file: too little memory, "
        "no driver for the network card, or no address",
        f"read the guest's serial log; give it more memory or another network, {_AGAIN}",
    ),
    Rule(
        "silence",
        _reached(Kind.ANSWER_SERVED),
        "a report of success or failure",
        lambda seen: f"the installer has its answer file and has not reported since{seen.tail()}",
        f"read the guest's serial log and its screen; it may be at a question. If it is stuck, {_AGAIN}",
    ),
    Rule(
        "no reboot",
        _reached(Kind.SUCCEEDED),
        "the reboot into the installed system",
        "the installer reported success, and the guest has not left it yet",
        "wait a moment; otherwise: provisioner guest reboot {guest}",
    ),
)


def explain(install: Install, events: Sequence[Event]) -> Why:
    """`events` oldest first, all of the install. What the watchdog did is not what happened last."""
    seen = Seen(install, [event for event in events if event.kind not in _WATCHDOG])
    rule = next(rule for rule in RULES if rule.when(seen))
    last = seen.events[-1] if seen.events else None
    said = (_say(words, seen) for words in (rule.missing, rule.cause, rule.remedy))
    return Why(install.id, install.stage, last, *said)


def _say(words: Words, seen: Seen) -> str:
    if not isinstance(words, str):
        return words(seen)
    return words.replace("{guest}", seen.install.guest).replace("{mac}", seen.install.mac)


def _tree(seen: Seen) -> str:
    event = seen.latest(Kind.TREE_FAILED)
    if event is None:
        return ""
    named = [str(event.data[key]) for key in ("tree", "url") if event.data.get(key)]
    missing = [name for name in named if name not in event.text]
    return event.text + (f" ({', '.join(missing)})" if missing else "")


def _refused(seen: Seen) -> str | None:
    """What shows that the loader was fetched and not started; None where nothing does.

    iPXE asks for an address of its own as soon as it runs, and every other loader for a further file.
    """
    refused = seen.latest(Kind.LOADER_REFUSED)
    if refused is not None and not _ran_since(seen, refused):
        return refused.text.partition(":")[0]
    loader = seen.latest(Kind.LOADER_SENT)
    name = str(loader.data.get("file", "")) if loader else ""
    if loader is None or loader.source != "http" or not name.lower().endswith(".efi"):
        return None
    if _ran_since(seen, loader):
        return None
    then = (
        "its firmware went on to IPv6"
        if seen.after(Kind.DHCP_IPV6, Kind.LOADER_SENT)
        else "nothing says that it ran"
    )
    return f"{name} was fetched whole over HTTP, and {then}"


def _ran_since(seen: Seen, event: Event) -> bool:
    """Whether an iPXE asked after an event."""
    later = seen.events[seen.events.index(event) :]
    return any(e.kind is Kind.DHCP_QUESTION and e.data.get("user_class") == "iPXE" for e in later)
