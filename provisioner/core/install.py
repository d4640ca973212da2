"""One run of a profile on a machine, as the stages it may pass and the events that move it.

`advance` is the whole rule: a pure table. Firmware asks every question several times, so a repeat is
accepted and changes nothing; a move that cannot happen is refused by returning the same stage.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from provisioner.core.firmware import Dialect


class Stage(StrEnum):
    """Where an install stands. The order of the first seven is the order of a good run."""

    PLANNED = "planned"
    CREATING = "creating"
    BOOTING = "booting"
    LOADING = "loading"
    INSTALLING = "installing"
    FINISHING = "finishing"
    INSTALLED = "installed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ORDER = (
    Stage.PLANNED,
    Stage.CREATING,
    Stage.BOOTING,
    Stage.LOADING,
    Stage.INSTALLING,
    Stage.FINISHING,
    Stage.INSTALLED,
)
FINAL = frozenset({Stage.INSTALLED, Stage.FAILED, Stage.CANCELLED})


class Kind(StrEnum):
    """What happened. The value is the word in the timeline, in the API and in `install why`.

    `data` of what is fetched from trees (KERNEL_SENT, INITRD_SENT, TREE_BYTES): `web.counts`; of CONSOLE:
    `service.consoles`; of KEPT: `service.keeping`.
    """

    PLANNED = "planned"
    CREATING = "creating"
    STARTED = "started"
    DHCP_QUESTION = "dhcp.question"
    DHCP_OFFER = "dhcp.offer"
    DHCP_IGNORED = "dhcp.ignored"
    DHCP_RIVAL = "dhcp.rival"
    DHCP_UNANSWERED = "dhcp.unanswered"
    DHCP_IPV6 = "dhcp.ipv6"
    LOADER_SENT = "loader.sent"
    LOADER_FAILED = "loader.failed"
    LOADER_FOREIGN = "loader.foreign"
    LOADER_REFUSED = "loader.refused"
    SCRIPT_SENT = "script.sent"
    KERNEL_SENT = "kernel.sent"
    INITRD_SENT = "initrd.sent"
    ANSWER_SERVED = "answer.served"
    ANSWER_REFUSED = "answer.refused"
    TREE_BYTES = "tree.bytes"
    TREE_FAILED = "tree.failed"
    LOG = "log"
    CONSOLE = "console"
    PROGRESS = "progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REBOOTED = "rebooted"
    STOPPED = "stopped"
    FIRST_BOOT = "first-boot"
    SETTLED = "settled"
    DONE = "done"
    RESET = "reset"
    DEADLINE = "deadline"
    CREATE_FAILED = "create-failed"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    CLONED = "cloned"
    SNAPSHOT = "snapshot"
    RESTORED = "restored"
    LOCAL_BOOT = "local-boot"
    MACHINE_DISCOVERED = "machine.discovered"
    MACHINE_MOVED = "machine.moved"
    LATE = "late"
    KEPT = "kept"
    ALARM = "alarm"


# What an event proves: the stage an install has reached when it is seen.
_PROVES: Mapping[Kind, Stage] = {
    Kind.CREATING: Stage.CREATING,
    Kind.STARTED: Stage.BOOTING,
    Kind.DHCP_QUESTION: Stage.BOOTING,
    Kind.DHCP_OFFER: Stage.BOOTING,
    Kind.LOADER_SENT: Stage.LOADING,
    Kind.SCRIPT_SENT: Stage.LOADING,
    Kind.KERNEL_SENT: Stage.LOADING,
    Kind.INITRD_SENT: Stage.LOADING,
    Kind.ANSWER_SERVED: Stage.INSTALLING,
    Kind.SUCCEEDED: Stage.FINISHING,
}
# What a stage is worth of the whole, in percent; finer steps come in an event's `data["percent"]`.
_FLOOR: Mapping[Stage, int] = {
    Stage.PLANNED: 0,
    Stage.CREATING: 1,
    Stage.BOOTING: 3,
    Stage.LOADING: 6,
    Stage.INSTALLING: 20,
    Stage.FINISHING: 92,
    Stage.INSTALLED: 100,
}
# What only a machine that gets on with its install does: it keeps the tokens alive and the watchdog quiet.
LIFE = frozenset(
    {
        Kind.STARTED,
        Kind.SCRIPT_SENT,
        Kind.KERNEL_SENT,
        Kind.INITRD_SENT,
        Kind.ANSWER_SERVED,
        Kind.TREE_BYTES,
        Kind.LOG,
        Kind.PROGRESS,
        Kind.SUCCEEDED,
    }
)
# Seen once the installer said that it succeeded, each of these means that the machine left the installer.
_COMPLETES = frozenset({Kind.REBOOTED, Kind.STOPPED, Kind.FIRST_BOOT, Kind.SETTLED})
_ENDS: Mapping[Kind, Stage] = {
    Kind.DONE: Stage.INSTALLED,
    Kind.FAILED: Stage.FAILED,
    Kind.DEADLINE: Stage.FAILED,
    Kind.CREATE_FAILED: Stage.FAILED,
    Kind.CANCELLED: Stage.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `source` is the edge that saw it (dhcp, tftp, http, libvirt, syslog, service).

    `machine` is a MAC address or "" where none is known; `install` an install id or "".
    `at` is UTC with its time zone. `text` is one line for a person; `data` small JSON values.
    """

    kind: Kind
    at: datetime
    source: str
    machine: str = ""
    install: str = ""
    text: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True, slots=True)
class Install:
    """`answered` is when the answer file was served whole: from then on the machine boots its disk.

    `percent` counts inside the whole install, 0 to 100. `generation` enters the tokens, so that a rebuild's
    are new. `address` is the guest's IP address as its answer fetch showed it. `loader` is what its firmware
    is given first, where it netboots; `arch` the processor that its tree is for, "" where that is not known.
    """

    id: str
    guest: str
    mac: str
    uuid: str
    profile: str
    stage: Stage
    created: datetime
    changed: datetime
    generation: int = 1
    answered: datetime | None = None
    percent: int = 0
    failed_at: Stage | None = None
    reason: str = ""
    address: str = ""
    resets: int = 0
    loader: Dialect = "ipxe"
    arch: str = ""

    @property
    def over(self) -> bool:
        return self.stage in FINAL

    @property
    def boots_disk(self) -> bool:
        """Whether every netboot question is answered "boot your disk"."""
        return self.over or self.answered is not None


def advance(install: Install, event: Event) -> Install:
    """The install after `event`. Nothing leaves a final stage; stages and percent only move forward.

    A first boot seen before the success report (which may be lost) completes an install whose answer
    file was served: only an installed disk reports one.
    """
    if install.over:
        return install
    if event.kind is Kind.ANSWER_SERVED and install.answered is None:
        install = replace(install, answered=event.at)
    stage = _next(install, event.kind)
    percent = max(install.percent, _percent(event), _FLOOR.get(stage, 0))
    if stage is Stage.FAILED:
        install = replace(install, failed_at=install.stage, reason=event.text)
    if stage is install.stage and percent == install.percent:
        return install
    changed = install.changed if stage is install.stage else event.at
    return replace(install, stage=stage, percent=percent, changed=changed)


def sole(running: Iterable[Install], address: str) -> Install | None:
    """The install behind an address that guests share, as those on QEMU's user networks share the loopback.

    None where it may be another: one that is bound there too, or one that has not spoken yet.
    """
    found = [install for install in running if install.address in ("", address)]
    return found[0] if len(found) == 1 and found[0].address else None


def _percent(event: Event) -> int:
    value = event.data.get("percent", 0)
    return min(99, value) if isinstance(value, int) else 0


def _next(install: Install, kind: Kind) -> Stage:
    if kind in _ENDS:
        return _ENDS[kind]
    if kind is Kind.FIRST_BOOT and install.answered is not None:
        return Stage.INSTALLED
    if kind in _COMPLETES:
        return Stage.INSTALLED if install.stage is Stage.FINISHING else install.stage
    if kind is Kind.SUCCEEDED and install.answered is None:
        return install.stage
    proved = _PROVES.get(kind, install.stage)
    return max(install.stage, proved, key=ORDER.index)
