"""What an install's events say of it, as one table. What its log says is `distros/signs/`, by installer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from provisioner.core.install import Kind, Stage
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
_LOOPS = 3

Words = str | Callable[[Seen], str]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The first row whose `when` holds explains the install. `{guest}` and the like are filled in.

    `means` says in words when that is.
    `evidence` are the kinds of the events that it is told from. A `guess` is told from what did not happen:
    a line of the log that says what is wrong takes its place.
    """

    name: str
    means: str
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
    Diagnosis("installed", "nothing is wrong", _stage(Stage.INSTALLED), "", "{guest} is installed", ""),
    Diagnosis(
        "cancelled",
        "a person ended it",
        _stage(Stage.CANCELLED),
        "",
        lambda seen: f"the install was cancelled: {seen.text(Kind.CANCELLED)}",
        "provisioner guest rebuild {guest}",
        (Kind.CANCELLED,),
    ),
    Diagnosis(
        "create-failed",
        "libvirt or the plan refused the guest",
        _ended_by(Kind.CREATE_FAILED),
        "the guest",
        lambda seen: f"{seen.install.guest} could not be made: {seen.text(Kind.CREATE_FAILED)}",
        "mend that and create it again; nothing of it was left behind",
        (Kind.CREATE_FAILED,),
    ),
    Diagnosis(
        "tree-spoilt",
        "the mirror refused a file that is not what the tree's metadata says, and no file came since",
        lambda seen: seen.tree_failed and _NOT_AS_IT_MUST in seen.text(Kind.TREE_FAILED),
        "a file of the install tree",
        lambda seen: f"a file of the install tree has another checksum than the tree says: {seen.tree}",
        f"the mirror is half-synced or damaged: provisioner mirror verify, or name another, {AGAIN}",
        (Kind.TREE_FAILED,),
    ),
    Diagnosis(
        "tree-unreachable",
        "the mirror could not read a file of the tree, and no file came since",
        lambda seen: seen.tree_failed,
        "a file of the install tree",
        lambda seen: f"the install tree does not give its files: {seen.tree}",
        f"see that its source answers (provisioner tree list), {AGAIN}",
        (Kind.TREE_FAILED,),
    ),
    Diagnosis(
        "failure-reported",
        "the installer reported a failure, and its log says nothing that is known",
        _ended_by(Kind.FAILED),
        "a success report",
        lambda seen: f"the installer gave up: {seen.text(Kind.FAILED)}{seen.tail}",
        f"mend the profile's answer file (provisioner answer preview {{guest}}), {AGAIN}",
        (Kind.FAILED,),
        guess=True,
    ),
    Diagnosis(
        "guest-removed",
        "libvirt told that the domain is gone",
        lambda seen: seen.domain(Kind.ALARM, "removed"),
        "the guest's domain",
        "somebody removed {guest} from libvirt while it was installed",
        "create it again (provisioner guest create), or forget it: provisioner guest delete {guest}",
        (Kind.ALARM,),
    ),
    Diagnosis(
        "guest-crashed",
        "libvirt told that QEMU ended by itself",
        lambda seen: seen.domain(Kind.ALARM, "crashed"),
        "a report of success or failure",
        "QEMU or the guest's kernel broke down in the middle of the installation",
        f"read its log on the host (/var/log/libvirt/qemu/{{guest}}.log), {AGAIN}",
        (Kind.ALARM,),
        guess=True,
    ),
    Diagnosis(
        "guest-off",
        "libvirt told that the guest was switched off before it reported success",
        lambda seen: seen.reached is not Kind.SUCCEEDED and seen.domain(Kind.STOPPED, "off"),
        "a report of success or failure",
        "{guest} was switched off in the middle of its installation, by a person or by its own installer",
        "provisioner guest rebuild {guest}",
        (Kind.STOPPED,),
        guess=True,
    ),
    Diagnosis(
        "answer-refused",
        "the answer file was asked for with a token that is not good, or not any more",
        _reached_with(_FETCHING, Kind.ANSWER_REFUSED),
        "an answer file asked for with a good token",
        lambda seen: f"the answer file was asked for and refused: {seen.text(Kind.ANSWER_REFUSED)}",
        "a guest that waited too long, or another machine that guesses: provisioner guest rebuild {guest}",
        (Kind.ANSWER_REFUSED,),
    ),
    Diagnosis(
        "nothing-to-start",
        "its firmware, or the processor of its tree, is none that a loader is here for",
        lambda seen: seen.reached in _BEFORE_ITS_SCRIPT and bool(seen.remedy(*_UNANSWERED)),
        "something that it can start",
        lambda seen: f"{seen.install.guest} asked and was not answered: {seen.text(*_UNANSWERED)}",
        lambda seen: seen.remedy(*_UNANSWERED),
        _UNANSWERED,
    ),
    Diagnosis(
        "script-refused",
        "the boot script was asked for with a token that is not good",
        _reached_with(_OFFERED, Kind.ANSWER_REFUSED),
        "its boot script, asked for with a good token",
        lambda seen: f"the boot script was asked for and refused: {seen.text(Kind.ANSWER_REFUSED)}",
        "a guest whose serial number was changed, or another machine with its MAC: "
        "provisioner guest rebuild {guest}",
        (Kind.ANSWER_REFUSED,),
    ),
    Diagnosis(
        "not-started",
        "it was never seen",
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
        "waiting",
        "so many guests of its host load that it is not its turn yet",
        _reached_with((Kind.CREATING,), Kind.WAITING),
        "its turn",
        lambda seen: f"{seen.install.guest} is made and {seen.text(Kind.WAITING)}",
        "it starts by itself; the setting at_once says how many may load at a time",
        (Kind.WAITING,),
    ),
    Diagnosis(
        "creating",
        "its definition has not ended",
        _reached(Kind.CREATING),
        "the guest's start",
        "libvirt has not finished making the guest",
        "provisioner doctor; a restart of the service finishes or removes the guest",
        (Kind.CREATING,),
    ),
    Diagnosis(
        "wrong-network",
        "its DHCP question came on an interface that is not served",
        lambda seen: seen.reached in _ASKED and seen.fact(Kind.DHCP_IGNORED, "served") is False,
        "an answer to its DHCP question",
        lambda seen: f"{seen.install.mac} is on the wrong network: it {seen.text(Kind.DHCP_IGNORED)}",
        "put its card on a served network (provisioner network list), or add that interface to the setting "
        "interfaces; then reset {guest}",
        (Kind.DHCP_IGNORED,),
    ),
    Diagnosis(
        "question-ignored",
        "its DHCP question came and got no answer, for the reason that is told",
        _reached_with(_ASKED, Kind.DHCP_IGNORED),
        "an answer to its DHCP question",
        lambda seen: f"{seen.install.mac} asked and was not answered: {seen.text(Kind.DHCP_IGNORED)}",
        "let the service answer on the interface it asks on (setting interfaces, provisioner doctor)",
        (Kind.DHCP_IGNORED,),
    ),
    Diagnosis(
        "no-question",
        "it was started, and no DHCP question came",
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
        "the transfer of the loader began, and ended before its last block",
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
        "the loader was asked for, and is not here",
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
        "it had our offer, and fetched another server's file",
        lambda seen: seen.reached in _OFFERED and seen.after(Kind.LOADER_FOREIGN, Kind.LOADER_SENT),
        "the fetch of our loader",
        lambda seen: f"{seen.install.guest} listened to another server: it {seen.text(Kind.LOADER_FOREIGN)}",
        lambda seen: f"{seen.remedy(Kind.LOADER_FOREIGN)}; then reset {seen.install.guest}",
        (Kind.DHCP_RIVAL, Kind.LOADER_FOREIGN),
    ),
    Diagnosis(
        "port-silent",
        "it asked port 4011 again and again, and nobody answered there",
        lambda seen: seen.reached is Kind.DHCP_OFFER and seen.latest(Kind.DHCP_UNANSWERED) is not None,
        "an answer on port 4011",
        lambda seen: f"{seen.install.guest} waits for its boot file: {seen.text(Kind.DHCP_UNANSWERED)}",
        lambda seen: f"{seen.remedy(Kind.DHCP_UNANSWERED)}; then reset {seen.install.guest}",
        (Kind.DHCP_UNANSWERED,),
    ),
    Diagnosis(
        "rival-server",
        "another DHCP server named a boot file beside our offer",
        lambda seen: seen.reached is Kind.DHCP_OFFER and seen.latest(Kind.DHCP_RIVAL) is not None,
        "the fetch of our loader",
        lambda seen: f"the guest may have listened to another server: {seen.text(Kind.DHCP_RIVAL)}",
        "switch the netboot answers of that server off, or keep it off this network; then reset {guest}",
        (Kind.DHCP_RIVAL,),
    ),
    Diagnosis(
        "no-address",
        "it asked for an address four times after one start, and fetched nothing",
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
        "it was offered its boot file, and fetched nothing",
        _reached(Kind.DHCP_QUESTION, Kind.DHCP_OFFER),
        "the fetch of a loader or boot script",
        "the guest got no address from the network's DHCP server, or a firewall drops TFTP or HTTP",
        "see that a DHCP server gives addresses there; let UDP 69 and the guests' TCP port in",
        (Kind.DHCP_OFFER,),
        guess=True,
    ),
    Diagnosis(
        "secure-boot-refused",
        "the loader was fetched whole, and its firmware went on to something else",
        lambda seen: seen.reached is Kind.LOADER_SENT and seen.refused is not None,
        "the start of the loader",
        lambda seen: f"{seen.refused}: refused by Secure Boot?",
        "use shim and GRUB, which are signed (guests with secure=on get them), or switch Secure Boot off; "
        "then reset {guest}",
        (Kind.LOADER_SENT, Kind.LOADER_REFUSED, Kind.DHCP_IPV6),
    ),
    Diagnosis(
        "lossy-wire",
        "blocks of the loader were lost on the way, more than two in a hundred",
        lambda seen: seen.reached is Kind.LOADER_SENT and seen.lossy,
        "the fetch of its boot script",
        lambda seen: f"packets to {seen.install.guest} are lost on the way: {seen.text(Kind.LOADER_SENT)}",
        "look at the cable, and at the errors and the duplex of the switch port; then reset {guest}",
        (Kind.LOADER_SENT,),
    ),
    Diagnosis(
        "no-script",
        "the loader was fetched, and the boot script was not",
        _reached(Kind.LOADER_SENT),
        "the fetch of its boot script",
        "the loader runs, but cannot reach the guests' HTTP port, or got no address of its own",
        "let the guests' TCP port in (setting http_port, 8080) on the interface's firewall zone",
        (Kind.LOADER_SENT,),
        guess=True,
    ),
    Diagnosis(
        "boot-loop",
        "it fetched its kernel, and started again three times or more before its answer file",
        lambda seen: seen.reached in (Kind.KERNEL_SENT, Kind.INITRD_SENT) and seen.restarts >= _LOOPS,
        "the fetch of the answer file",
        lambda seen: (
            f"{seen.install.guest} starts again and again ({seen.restarts} times): its kernel breaks off "
            "early, mostly for want of memory, or of what its processor lacks"
        ),
        f"give it more memory or another processor model, read its serial log, {AGAIN}",
        (Kind.KERNEL_SENT, Kind.REBOOTED),
        guess=True,
    ),
    Diagnosis(
        "no-kernel",
        "the boot script was fetched, and the kernel was not",
        _reached(Kind.SCRIPT_SENT),
        "the fetch of the kernel",
        "the boot script was read, but no kernel came through",
        "see that the tree has a kernel (provisioner tree show), then reset the guest",
        (Kind.SCRIPT_SENT,),
        guess=True,
    ),
    Diagnosis(
        "no-answer-file",
        "the kernel was fetched, and the answer file was not",
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
        "the answer file was fetched, and nothing was reported",
        _reached(Kind.ANSWER_SERVED),
        "a report of success or failure",
        lambda seen: f"the installer has its answer file and has not reported since{seen.tail}",
        f"read the guest's serial log and its screen; it may be at a question. If it is stuck, {AGAIN}",
        (Kind.ANSWER_SERVED,),
        guess=True,
    ),
    Diagnosis(
        "no-reboot",
        "success was reported, and the guest neither rebooted nor went off",
        _reached(Kind.SUCCEEDED),
        "the reboot into the installed system",
        "the installer reported success, and the guest has not left it yet",
        "wait a moment; otherwise: provisioner guest reboot {guest}",
        (Kind.SUCCEEDED,),
    ),
)
