"""Each way an install stops, as its events tell it."""

from collections.abc import Mapping, Sequence

import pytest

from provisioner.core.install import Event, Install, Kind, Stage, advance
from provisioner.service.diagnoses import DIAGNOSES
from provisioner.service.seen import Seen
from provisioner.service.why import Why, explain
from tests.fakes import START

K = Kind
TO_OFFER = (K.PLANNED, K.CREATING, K.STARTED, K.DHCP_QUESTION, K.DHCP_OFFER)
TO_SCRIPT = (*TO_OFFER, K.LOADER_SENT, K.SCRIPT_SENT)
TO_INITRD = (*TO_SCRIPT, K.KERNEL_SENT, K.INITRD_SENT)
TO_ANSWER = (*TO_INITRD, K.ANSWER_SERVED)

REFUSED: tuple["Happened", ...] = (
    K.LOADER_SENT,
    (K.LOADER_REFUSED, "snponly.efi was fetched whole and not started: refused by Secure Boot?"),
)
LIBVIRT = {"source": "libvirt"}
ASKS: "Happened" = (K.DHCP_QUESTION, "asks", {"port": 67})
BY_HTTP: "Happened" = (K.LOADER_SENT, "snponly.efi by HTTP", {"file": "snponly.efi", "source": "http"})

Happened = Kind | tuple[Kind, str] | tuple[Kind, str, Mapping[str, object]]


def story(*happened: Happened) -> tuple[Install, list[Event]]:
    """An install after these events."""
    install = Install("i1", "web1", "52:54:00:00:00:01", "u", "tiny", Stage.PLANNED, START, START)
    events = []
    for number, item in enumerate(happened, 1):
        kind, text, data = (*item, {})[:3] if isinstance(item, tuple) else (item, str(item), {})
        source = str(data.get("source", "test"))
        event = Event(kind, START, source, install.mac, "i1", text, data, number)
        install = advance(install, event)
        events.append(event)
    return install, events


def told(*happened: Happened) -> Why:
    return explain(*story(*happened))


CASES: dict[str, tuple[Sequence[Happened], str, str, str]] = {
    # what happened, what is missing, the cause, the remedy: the beginning of each
    "not seen yet": ((), "the first step", "nothing was done for it yet", "switch web1 on"),
    "a machine that waits": (
        (K.PLANNED,),
        "the first step",
        "this machine was not seen yet",
        "switch web1 on",
    ),
    "not its turn": (
        (K.PLANNED, K.CREATING, (K.WAITING, "waits for its turn: 16 guests load")),
        "its turn",
        "web1 is made and waits for its turn: 16 guests load",
        "it starts by itself",
    ),
    "being made": (
        (K.PLANNED, K.CREATING),
        "the guest's start",
        "libvirt has not finished making the guest",
        "provisioner doctor",
    ),
    "create failed": (
        (K.PLANNED, K.CREATING, (K.CREATE_FAILED, "the pool is full")),
        "the guest",
        "web1 could not be made: the pool is full",
        "mend that and create it again",
    ),
    "no DHCP question": (
        (K.PLANNED, K.CREATING, K.STARTED),
        "a DHCP question from 52:54:00:00:00:01",
        "its network card is on a network that the service does not answer on",
        "compare provisioner network list",
    ),
    "question on an interface that is not served": (
        (K.STARTED, (K.DHCP_IGNORED, "asked on br9, which is not served")),
        "an answer to its DHCP question",
        "52:54:00:00:00:01 asked and was not answered: asked on br9, which is not served",
        "let the service answer on the interface",
    ),
    "question ignored": (
        (K.STARTED, K.DHCP_QUESTION, (K.DHCP_IGNORED, "no loader for arm64")),
        "an answer to its DHCP question",
        "52:54:00:00:00:01 asked and was not answered: no loader for arm64",
        "let the service answer on the interface",
    ),
    "hardware whose processor is another than its tree's": (
        (
            K.PLANNED,
            (K.DHCP_IGNORED, "its install is for aarch64, and uefi firmware …", {"remedy": "cancel that"}),
        ),
        "something that it can start",
        "web1 asked and was not answered: its install is for aarch64",
        "cancel that",
    ),
    "the same, told to its iPXE": (
        (K.PLANNED, (K.ANSWER_REFUSED, "boot script refused: its install is", {"remedy": "cancel that"})),
        "something that it can start",
        "web1 asked and was not answered: boot script refused: its install is",
        "cancel that",
    ),
    "no loader": (
        TO_OFFER,
        "the fetch of a loader or boot script",
        "the guest got no address",
        "see that a DHCP server gives addresses",
    ),
    "another server's boot file": (
        (*TO_OFFER, (K.DHCP_RIVAL, "192.0.2.9 answers as well, with pxelinux.0 from 192.0.2.9")),
        "the fetch of our loader",
        "the guest may have listened to another server: 192.0.2.9 answers as well, with pxelinux.0",
        "switch the netboot answers of that server off",
    ),
    "another server's boot file, taken": (
        (
            *TO_OFFER,
            K.DHCP_RIVAL,
            (K.LOADER_FOREIGN, "takes pxelinux.0 from 192.0.2.9, not snponly.efi from us", {"remedy": "off"}),
        ),
        "the fetch of our loader",
        "web1 listened to another server: it takes pxelinux.0 from 192.0.2.9, not snponly.efi from us",
        "off; then reset web1",
    ),
    "a question on 4011 that nobody answers": (
        (*TO_OFFER, K.DHCP_RIVAL, (K.DHCP_UNANSWERED, "192.0.2.9 was asked", {"remedy": "let it answer"})),
        "an answer on port 4011",
        "web1 waits for its boot file: 192.0.2.9 was asked",
        "let it answer; then reset web1",
    ),
    "loader refused": (
        (*TO_OFFER, *REFUSED, (K.DHCP_IPV6, "asks over IPv6"), K.DHCP_QUESTION, K.DHCP_OFFER),
        "the start of the loader",
        "snponly.efi was fetched whole and not started: refused by Secure Boot?",
        "use shim and GRUB, which are signed (guests with secure=on get them), or switch Secure Boot off; "
        "then reset web1",
    ),
    "loader refused, and fetched again since": (
        (*TO_OFFER, *REFUSED, *TO_OFFER[-2:], K.LOADER_SENT),
        "the start of the loader",
        "snponly.efi was fetched whole and not started: refused by Secure Boot?",
        "use shim and GRUB",
    ),
    "loader refused once, and started since": (
        (*TO_OFFER, *REFUSED, *TO_OFFER[-2:], K.LOADER_SENT, (K.DHCP_QUESTION, "", {"user_class": "iPXE"})),
        "the fetch of its boot script",
        "the loader runs, but cannot reach the guests' HTTP port",
        "let the guests' TCP port in",
    ),
    "loader refused over HTTP": (
        (*TO_OFFER, BY_HTTP, (K.DHCP_IPV6, "asks over IPv6")),
        "the start of the loader",
        "snponly.efi was fetched whole over HTTP, and its firmware went on to IPv6: refused by Secure Boot?",
        "use shim and GRUB",
    ),
    "loader over HTTP, and silence": (
        (*TO_OFFER, BY_HTTP, K.DHCP_QUESTION, K.DHCP_OFFER),
        "the start of the loader",
        "snponly.efi was fetched whole over HTTP, and nothing says that it ran: refused by Secure Boot?",
        "use shim and GRUB",
    ),
    "loader over HTTP that runs": (
        (*TO_OFFER, BY_HTTP, (K.DHCP_QUESTION, "", {"user_class": "iPXE"}), K.DHCP_OFFER),
        "the fetch of its boot script",
        "the loader runs, but cannot reach the guests' HTTP port",
        "let the guests' TCP port in",
    ),
    "loader failed": (
        (*TO_OFFER, (K.LOADER_FAILED, "snponly.efi: no acknowledgement")),
        "the loader",
        "the loader did not get through: snponly.efi: no acknowledgement",
        "install the package with iPXE's loaders",
    ),
    "loader failed once and then came": (
        (*TO_OFFER, K.LOADER_FAILED, K.LOADER_SENT),
        "the fetch of its boot script",
        "the loader runs, but cannot reach the guests' HTTP port",
        "let the guests' TCP port in",
    ),
    "loader over a lossy wire": (
        (
            *TO_OFFER,
            (K.LOADER_SENT, "snponly.efi: 179200 bytes in 3.20 s, 9 losses in 126 blocks", {"lossy": True}),
        ),
        "the fetch of its boot script",
        "packets to web1 are lost on the way: snponly.efi: 179200 bytes in 3.20 s, 9 losses in 126 blocks",
        "look at the cable",
    ),
    "script refused": (
        (*TO_OFFER, (K.ANSWER_REFUSED, "boot script refused: no serial")),
        "its boot script, asked for with a good token",
        "the boot script was asked for and refused: boot script refused: no serial",
        "a guest whose serial number was changed",
    ),
    "no kernel": (
        TO_SCRIPT,
        "the fetch of the kernel",
        "the boot script was read, but no kernel came through",
        "see that the tree has a kernel",
    ),
    "tree unreachable": (
        (*TO_SCRIPT, (K.TREE_FAILED, "connection refused", {"tree": "c7", "url": "http://mirror/7/vmlinuz"})),
        "a file of the install tree",
        "the install tree does not give its files: connection refused (c7, http://mirror/7/vmlinuz)",
        "see that its source answers (provisioner tree list), then: provisioner guest rebuild web1",
    ),
    "tree unreachable while packages are fetched": (
        (*TO_ANSWER, K.TREE_BYTES, (K.TREE_FAILED, "http://mirror/a.rpm: 503"), (K.DEADLINE, "late")),
        "a file of the install tree",
        "the install tree does not give its files: http://mirror/a.rpm: 503",
        "see that its source answers",
    ),
    "tree that came back": (
        (*TO_ANSWER, K.TREE_FAILED, K.TREE_BYTES),
        "a report of success or failure",
        "the installer has its answer file and has not reported since",
        "read the guest's serial log and its screen",
    ),
    "starts again and again": (
        (*TO_INITRD, K.REBOOTED, *TO_INITRD[3:], K.REBOOTED, *TO_INITRD[3:], K.REBOOTED),
        "the fetch of the answer file",
        "web1 starts again and again (3 times): its kernel breaks off early",
        "give it more memory or another processor model",
    ),
    "no answer file": (
        TO_INITRD,
        "the fetch of the answer file",
        "the kernel was fetched, but its installer never asked for its answer file",
        "read the guest's serial log",
    ),
    "answer refused": (
        (*TO_INITRD, (K.ANSWER_REFUSED, "the answer token of install i1 has expired")),
        "an answer file asked for with a good token",
        "the answer file was asked for and refused: the answer token of install i1 has expired",
        "a guest that waited too long",
    ),
    "silence": (
        (*TO_ANSWER, (K.LOG, "mkfs"), (K.LOG, "mount"), (K.DEADLINE, "late")),
        "a report of success or failure",
        "the installer has its answer file and has not reported since; its log ends: mkfs | mount",
        "read the guest's serial log",
    ),
    "failure reported": (
        (*TO_ANSWER, (K.LOG, "no space left"), (K.FAILED, "%post ended with 1")),
        "a success report",
        "the installer gave up: %post ended with 1; its log ends: no space left",
        "mend the profile's answer file (provisioner answer preview web1)",
    ),
    "failure told by the log": (
        (
            *TO_ANSWER,
            (K.LOG, "anna: No kernel modules found"),
            (K.LOG, "exit"),
            (K.FAILED, "no disk"),
        ),
        "a success report",
        "installer and mirror are of different kernels: the tree is half-synced",
        "take kernel and initrd from the mirror that is installed from; wait for its sync, or name another, "
        "then: provisioner guest rebuild web1",
    ),
    "switched off": (
        (*TO_ANSWER, (K.STOPPED, "the guest was switched off", LIBVIRT)),
        "a report of success or failure",
        "web1 was switched off in the middle of its installation",
        "provisioner guest rebuild web1",
    ),
    "switched off and started again": (
        (*TO_ANSWER, (K.STOPPED, "the guest was switched off", LIBVIRT), K.STARTED),
        "a report of success or failure",
        "the installer has its answer file",
        "read the guest's serial log",
    ),
    "crashed": (
        (*TO_ANSWER, (K.ALARM, "the guest crashed", LIBVIRT)),
        "a report of success or failure",
        "QEMU or the guest's kernel broke down",
        "read its log on the host (/var/log/libvirt/qemu/web1.log)",
    ),
    "removed": (
        (*TO_INITRD, (K.ALARM, "the guest's domain was removed from libvirt", LIBVIRT)),
        "the guest's domain",
        "somebody removed web1 from libvirt",
        "create it again",
    ),
    "a tree's file that is not what the tree says": (
        (*TO_SCRIPT, (K.TREE_FAILED, "http://mirror/7/vmlinuz is wrong: its sha256 is a, .treeinfo says b")),
        "a file of the install tree",
        "a file of the install tree has another checksum than the tree says: http://mirror/7/vmlinuz is",
        "the mirror is half-synced or damaged",
    ),
    "on the wrong network": (
        (K.STARTED, (K.DHCP_IGNORED, "asked on br9, an interface that is not served", {"served": False})),
        "an answer to its DHCP question",
        "52:54:00:00:00:01 is on the wrong network: it asked on br9, an interface that is not served",
        "put its card on a served network",
    ),
    "asks for an address again and again": (
        (*TO_OFFER, *4 * [ASKS]),
        "an address for the guest",
        "web1 asks for an address again and again (4 times): no DHCP server gives it one",
        "see that a DHCP server gives addresses there",
    ),
    "asks four times in two starts": (
        (*TO_OFFER, *3 * [ASKS], K.STARTED, ASKS),
        "the fetch of a loader or boot script",
        "the guest got no address",
        "see that a DHCP server",
    ),
    "loader broken off": (
        (
            *TO_OFFER,
            (K.LOADER_FAILED, "snponly.efi: the client fell silent after 1024 bytes", {"bytes": 1024}),
        ),
        "the whole loader",
        "the loader broke off on its way: snponly.efi: the client fell silent after 1024 bytes",
        "let UDP 69 and the high ports",
    ),
    "no reboot": (
        (*TO_ANSWER, K.SUCCEEDED),
        "the reboot into the installed system",
        "the installer reported success",
        "wait a moment; otherwise: provisioner guest reboot web1",
    ),
    "cancelled": (
        (*TO_ANSWER, (K.CANCELLED, "cancelled by request")),
        "",
        "the install was cancelled: cancelled by request",
        "provisioner guest rebuild web1",
    ),
    "installed": ((*TO_ANSWER, K.SUCCEEDED, K.REBOOTED, K.LOCAL_BOOT), "", "web1 is installed", ""),
}


@pytest.mark.parametrize(("happened", "missing", "cause", "remedy"), CASES.values(), ids=CASES)
def test_an_install_is_explained(happened: Sequence[Happened], missing: str, cause: str, remedy: str) -> None:
    why = told(*happened)

    assert why.missing == missing
    assert why.cause.startswith(cause)
    assert why.remedy.startswith(remedy)
    assert "{" not in why.missing + why.cause + why.remedy


def test_every_rule_explains_a_case() -> None:
    seen = [Seen(*story(*happened)) for happened, *_ in CASES.values()]
    used = {next(row.name for row in DIAGNOSES if row.when(case)) for case in seen}

    assert used == {row.name for row in DIAGNOSES}


def test_the_last_thing_is_not_the_verdict_of_the_service() -> None:
    why = told(*TO_SCRIPT, (K.DEADLINE, "stage loading not done after 600 s"))

    assert why.last is not None
    assert (why.last.kind, why.stage, why.install) == (K.SCRIPT_SENT, Stage.FAILED, "i1")
    assert told().last is None


def test_a_foreign_dhcp_server_is_no_gap() -> None:
    """Where another server gave the boot file there is no offer of ours, and that is not what is missing."""
    assert told(K.STARTED, K.SCRIPT_SENT).missing == "the fetch of the kernel"
