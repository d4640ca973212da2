"""What an install's events say of it, as one table. What its log says is `distros/signs/`, by installer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from provisioner.core.install import Event, Kind, Stage
from provisioner.service.seen import Seen

AGAIN: Final = "then: provisioner guest rebuild {guest}"
_FETCHING = (Kind.SCRIPT_SENT, Kind.KERNEL_SENT, Kind.INITRD_SENT)
_OFFERED = (Kind.DHCP_OFFER, Kind.LOADER_SENT)
_ASKED = (Kind.STARTED, Kind.DHCP_QUESTION)
_BEFORE_ITS_SCRIPT = (None, *_ASKED, *_OFFERED)
_UNANSWERED = (Kind.DHCP_IGNORED, Kind.ANSWER_REFUSED)
_NOT_AS_IT_MUST = " is wrong: "
"""In what the mirror says of a file that is not what its metadata names."""
_PERSISTENT = 4
"""Questions for an address after one start that firmware which gets one does not ask."""

Words = str | Callable[[Seen], str]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The first row whose `when` holds explains the install. `{guest}` and the like are filled in.

    `evidence` are the kinds of the events that it is told from. A `guess` is told from what did not happen:
    a line of the log that says what is wrong takes its place.
    """

    name: str
    when: Callable[[Seen], bool]
    missing: Words
    cause: Words
    remedy: Words
    evidence: tuple[Kind, ...] = ()
    guess: bool = False


def _stage(stage: Stage) -> Callable[[Seen], bool]:
    return lambda seen: seen.install.stage is stage


def _ended_by(kind: Kind) -> Callable[[Seen], bool]:
    return lambda seen: seen.install.stage is Stage.FAILED and seen.latest(kind) is not None


def _reached(*kinds: Kind | None) -> Callable[[Seen], bool]:
    return lambda seen: seen.reached in kinds


def _reached_with(kinds: tuple[Kind | None, ...], kind: Kind) -> Callable[[Seen], bool]:
    return lambda seen: seen.reached in kinds and seen.latest(kind) is not None


DIAGNOSES: Final = (
    Diagnosis("installed", _stage(Stage.INSTALLED), "", "{guest} is installed", ""),
    Diagnosis(
        "cancelled",
        _stage(Stage.CANCELLED),
        "",
        lambda seen: f"the install was cancelled: {seen.text(Kind.CANCELLED)}",
        "provisioner guest rebuild {guest}",
        (Kind.CANCELLED,),
    ),
    Diagnosis(
        "create-failed",
        _ended_by(Kind.CREATE_FAILED),
        "the guest",
        lambda seen: f"{seen.install.guest} could not be made: {seen.text(Kind.CREATE_FAILED)}",
        "mend that and create it again; nothing of it was left behind",
        (Kind.CREATE_FAILED,),
    ),
    Diagnosis(
        "tree-spoilt",
        lambda seen: seen.tree_failed and _NOT_AS_IT_MUST in seen.text(Kind.TREE_FAILED),
        "a file of the install tree",
        lambda seen: f"a file of the install tree has another checksum than the tree says: {_tree(seen)}",
        f"the mirror is half-synced or damaged: provisioner mirror verify, or name another, {AGAIN}",
        (Kind.TREE_FAILED,),
    ),
    Diagnosis(
        "tree-unreachable",
        lambda seen: seen.tree_failed,
        "a file of the install tree",
        lambda seen: f"the install tree does not give its files: {_tree(seen)}",
        f"see that its source answers (provisioner tree list), {AGAIN}",
        (Kind.TREE_FAILED,),
    ),
    Diagnosis(
        "failure-reported",
        _ended_by(Kind.FAILED),
        "a success report",
        lambda seen: f"the installer gave up: {seen.text(Kind.FAILED)}{_tail(seen)}",
        f"mend the profile's answer file (provisioner answer preview {{guest}}), {AGAIN}",
        (Kind.FAILED,),
        guess=True,
    ),
    Diagnosis(
        "guest-removed",
        lambda seen: seen.domain(Kind.ALARM, "removed"),
        "the guest's domain",
        "somebody removed {guest} from libvirt while it was installed",
        "create it again (provisioner guest create), or forget it: provisioner guest delete {guest}",
        (Kind.ALARM,),
    ),
    Diagnosis(
        "guest-crashed",
        lambda seen: seen.domain(Kind.ALARM, "crashed"),
        "a report of success or failure",
        "QEMU or the guest's kernel broke down in the middle of the installation",
        f"read its log on the host (/var/log/libvirt/qemu/{{guest}}.log), {AGAIN}",
        (Kind.ALARM,),
        guess=True,
    ),
    Diagnosis(
        "guest-off",
        lambda seen: seen.reached is not Kind.SUCCEEDED and seen.domain(Kind.STOPPED, "off"),
        "a report of success or failure",
        "{guest} was switched off in the middle of its installation, by a person or by its own installer",
        "provisioner guest rebuild {guest}",
        (Kind.STOPPED,),
        guess=True,
    ),
    Diagnosis(
        "answer-refused",
        _reached_with(_FETCHING, Kind.ANSWER_REFUSED),
        "an answer file asked for with a good token",
        lambda seen: f"the answer file was asked for and refused: {seen.text(Kind.ANSWER_REFUSED)}",
        "a guest that waited too long, or another machine that guesses: provisioner guest rebuild {guest}",
        (Kind.ANSWER_REFUSED,),
    ),
    Diagnosis(
        "nothing-to-start",
        lambda seen: seen.reached in _BEFORE_ITS_SCRIPT and bool(seen.remedy(*_UNANSWERED)),
        "something that it can start",
        lambda seen: f"{seen.install.guest} asked and was not answered: {seen.text(*_UNANSWERED)}",
        lambda seen: seen.remedy(*_UNANSWERED),
        _UNANSWERED,
    ),
    Diagnosis(
        "script-refused",
        _reached_with(_OFFERED, Kind.ANSWER_REFUSED),
        "its boot script, asked for with a good token",
        lambda seen: f"the boot script was asked for and refused: {seen.text(Kind.ANSWER_REFUSED)}",
        "a guest whose serial number was changed, or another machine with its MAC: "
        "provisioner guest rebuild {guest}",
        (Kind.ANSWER_REFUSED,),
    ),
    Diagnosis(
        "not-started",
        _reached(None),
        "the first step",
        lambda seen: (
            "this machine was not seen yet: it is not a guest of ours and waits to be switched on"
            if seen.events
            else "nothing was done for it yet"
        ),
        "switch {guest} on and let it boot from its network card",
    ),
    Diagnosis(
        "creating",
        _reached(Kind.CREATING),
        "the guest's start",
        "libvirt has not finished making the guest",
        "provisioner doctor; a restart of the service finishes or removes the guest",
        (Kind.CREATING,),
    ),
    Diagnosis(
        "wrong-network",
        lambda seen: seen.reached in _ASKED and seen.fact(Kind.DHCP_IGNORED, "served") is False,
        "an answer to its DHCP question",
        lambda seen: f"{seen.install.mac} is on the wrong network: it {seen.text(Kind.DHCP_IGNORED)}",
        "put its card on a served network (provisioner network list), or add that interface to the setting "
        "interfaces; then reset {guest}",
        (Kind.DHCP_IGNORED,),
    ),
    Diagnosis(
        "question-ignored",
        _reached_with(_ASKED, Kind.DHCP_IGNORED),
        "an answer to its DHCP question",
        lambda seen: f"{seen.install.mac} asked and was not answered: {seen.text(Kind.DHCP_IGNORED)}",
        "let the service answer on the interface it asks on (setting interfaces, provisioner doctor)",
        (Kind.DHCP_IGNORED,),
    ),
    Diagnosis(
        "no-question",
        _reached(Kind.STARTED),
        "a DHCP question from {mac}",
        "its network card is on a network that the service does not answer on, "
        "or its firmware does not netboot",
        "compare provisioner network list with the setting interfaces; provisioner doctor",
        (Kind.STARTED,),
        guess=True,
    ),
    Diagnosis(
        "loader-stalled",
        lambda seen: (
            seen.reached in _OFFERED
            and seen.after(Kind.LOADER_FAILED, Kind.LOADER_SENT, Kind.LOADER_FOREIGN)
            and seen.fact(Kind.LOADER_FAILED, "bytes") is not None
        ),
        "the whole loader",
        lambda seen: f"the loader broke off on its way: {seen.text(Kind.LOADER_FAILED)}",
        "let UDP 69 and the high ports of its answers through, look at the cable and the switch port; "
        "then reset {guest}",
        (Kind.LOADER_FAILED,),
    ),
    Diagnosis(
        "loader-missing",
        lambda seen: (
            seen.reached in _OFFERED and seen.after(Kind.LOADER_FAILED, Kind.LOADER_SENT, Kind.LOADER_FOREIGN)
        ),
        "the loader",
        lambda seen: f"the loader did not get through: {seen.text(Kind.LOADER_FAILED)}",
        "install the package with iPXE's loaders (provisioner doctor names it) and let UDP port 69 in",
        (Kind.LOADER_FAILED,),
    ),
    Diagnosis(
        "foreign-loader",
        lambda seen: seen.reached in _OFFERED and seen.after(Kind.LOADER_FOREIGN, Kind.LOADER_SENT),
        "the fetch of our loader",
        lambda seen: f"{seen.install.guest} listened to another server: it {seen.text(Kind.LOADER_FOREIGN)}",
        lambda seen: f"{seen.remedy(Kind.LOADER_FOREIGN)}; then reset {seen.install.guest}",
        (Kind.DHCP_RIVAL, Kind.LOADER_FOREIGN),
    ),
    Diagnosis(
        "port-silent",
        lambda seen: seen.reached is Kind.DHCP_OFFER and seen.latest(Kind.DHCP_UNANSWERED) is not None,
        "an answer on port 4011",
        lambda seen: f"{seen.install.guest} waits for its boot file: {seen.text(Kind.DHCP_UNANSWERED)}",
        lambda seen: f"{seen.remedy(Kind.DHCP_UNANSWERED)}; then reset {seen.install.guest}",
        (Kind.DHCP_UNANSWERED,),
    ),
    Diagnosis(
        "rival-server",
        lambda seen: seen.reached is Kind.DHCP_OFFER and seen.latest(Kind.DHCP_RIVAL) is not None,
        "the fetch of our loader",
        lambda seen: f"the guest may have listened to another server: {seen.text(Kind.DHCP_RIVAL)}",
        "switch the netboot answers of that server off, or keep it off this network; then reset {guest}",
        (Kind.DHCP_RIVAL,),
    ),
    Diagnosis(
        "no-address",
        lambda seen: seen.reached is Kind.DHCP_OFFER and seen.questions >= _PERSISTENT,
        "an address for the guest",
        lambda seen: (
            f"{seen.install.guest} asks for an address again and again ({seen.questions} times): "
            "no DHCP server gives it one"
        ),
        "see that a DHCP server gives addresses there (provisioner network show) and has some left; "
        "then reset {guest}",
        (Kind.DHCP_QUESTION,),
    ),
    Diagnosis(
        "no-loader",
        _reached(Kind.DHCP_QUESTION, Kind.DHCP_OFFER),
        "the fetch of a loader or boot script",
        "the guest got no address from the network's DHCP server, or a firewall drops TFTP or HTTP",
        "see that a DHCP server gives addresses there; let UDP 69 and the guests' TCP port in",
        (Kind.DHCP_OFFER,),
        guess=True,
    ),
    Diagnosis(
        "secure-boot-refused",
        lambda seen: seen.reached is Kind.LOADER_SENT and _refused(seen) is not None,
        "the start of the loader",
        lambda seen: f"{_refused(seen)}: refused by Secure Boot?",
        "use shim and GRUB, which are signed (guests with secure=on get them), or switch Secure Boot off; "
        "then reset {guest}",
        (Kind.LOADER_SENT, Kind.LOADER_REFUSED, Kind.DHCP_IPV6),
    ),
    Diagnosis(
        "lossy-wire",
        lambda seen: seen.reached is Kind.LOADER_SENT and seen.lossy,
        "the fetch of its boot script",
        lambda seen: f"packets to {seen.install.guest} are lost on the way: {seen.text(Kind.LOADER_SENT)}",
        "look at the cable, and at the errors and the duplex of the switch port; then reset {guest}",
        (Kind.LOADER_SENT,),
    ),
    Diagnosis(
        "no-script",
        _reached(Kind.LOADER_SENT),
        "the fetch of its boot script",
        "the loader runs, but cannot reach the guests' HTTP port, or got no address of its own",
        "let the guests' TCP port in (setting http_port, 8080) on the interface's firewall zone",
        (Kind.LOADER_SENT,),
        guess=True,
    ),
    Diagnosis(
        "no-kernel",
        _reached(Kind.SCRIPT_SENT),
        "the fetch of the kernel",
        "the boot script was read, but no kernel came through",
        "see that the tree has a kernel (provisioner tree show), then reset the guest",
        (Kind.SCRIPT_SENT,),
        guess=True,
    ),
    Diagnosis(
        "no-answer-file",
        _reached(Kind.KERNEL_SENT, Kind.INITRD_SENT),
        "the fetch of the answer file",
        "the kernel was fetched, but its installer never asked for its answer file: too little memory, "
        "no driver for the network card, or no address",
        f"read the guest's serial log; give it more memory or another network, {AGAIN}",
        (Kind.KERNEL_SENT, Kind.INITRD_SENT),
        guess=True,
    ),
    Diagnosis(
        "silence",
        _reached(Kind.ANSWER_SERVED),
        "a report of success or failure",
        lambda seen: f"the installer has its answer file and has not reported since{_tail(seen)}",
        f"read the guest's serial log and its screen; it may be at a question. If it is stuck, {AGAIN}",
        (Kind.ANSWER_SERVED,),
        guess=True,
    ),
    Diagnosis(
        "no-reboot",
        _reached(Kind.SUCCEEDED),
        "the reboot into the installed system",
        "the installer reported success, and the guest has not left it yet",
        "wait a moment; otherwise: provisioner guest reboot {guest}",
        (Kind.SUCCEEDED,),
    ),
)


def _tail(seen: Seen) -> str:
    """What the installer logged last, if it sent anything."""
    lines = [event.text for event in seen.log]
    return f"; its log ends: {' | '.join(lines)}" if lines else ""


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
    later = seen.events[seen.index(event) :]
    return any(e.kind is Kind.DHCP_QUESTION and e.data.get("user_class") == "iPXE" for e in later)
