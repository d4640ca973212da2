"""The TFTP servers that are compared: ours as it is, and its peers on the same addresses and files."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from provisioner import state as states
from tests.bench.measure import at_rest, resident
from tests.bench.tftp_load import (
    CABLE_DEVICE,
    CABLE_THERE,
    ENVIRONMENT,
    LINE_DEVICE,
    Ground,
    Load,
    Place,
    Seen,
    inside,
    pinned,
)
from tests.bench.tftp_peers import PORTS, command
from tests.lab.networks import Lan
from tests.lab.service import Service, until

OURS = "ours"
_SETTLE = 0.3
"""Seconds after a run in which a server writes down what it did; they are counted."""


@dataclass(frozen=True, slots=True)
class Server:
    """`group` is where the kernel counts for one whose children end unwaited for, and so in no /proc."""

    name: str
    pid: int
    port: int
    group: Path | None = None

    def cpu(self) -> float:
        """User and system seconds of the process and all that it started, those that ended included."""
        if self.group is not None:
            return int((self.group / "cpu.stat").read_text().split()[1]) / 1e6
        return sum(_clock(pid) + reaped for pid, reaped in _tree(self.pid).items())

    def resident(self) -> float:
        """MB in memory."""
        return resident(_tree(self.pid))

    def turn(self, ground: Ground, load: Load, place: Place) -> "Turn":
        before = self.cpu()
        seen = ground.ask(load, ground.fresh(place), self.port)
        time.sleep(_SETTLE)
        return Turn(seen, self.cpu() - before)


@dataclass(frozen=True, slots=True)
class Turn:
    seen: Seen
    cpu: float

    @property
    def per_gb(self) -> float:
        """CPU seconds of the server for 10⁹ bytes."""
        return self.cpu / max(self.seen.bytes, 1) * 1e9


@contextmanager
def serving(state: Path, ground: Ground) -> Iterator[Server]:
    """Our service, whole, in the ground's namespace; its statistics, checks, events and limits as always."""
    (state / "cache").mkdir(exist_ok=True)
    settings = {
        "API_ADDRESS": CABLE_THERE,
        "INTERFACES": json.dumps(["lo", LINE_DEVICE]),
        "LOADER_DIRS": json.dumps([str(ground.root)]),
        "TFTP_PORT": str(PORTS[OURS]),
    }
    service = Service(state, Lan("tftp", "", CABLE_DEVICE, CABLE_THERE, ground.netns, settings))
    states.remember_proof(state / "cache" / "kvm.json", (False, "no guest is made here"))
    # The namespace reaches no mirror: apt is to say so at once, when it is asked for an installer's kernel.
    apt = state / "apt.conf"
    apt.write_text(f'Dir::State::lists "{state / "none"}";\n')
    service.environment["APT_CONFIG"] = str(apt)
    service.log.unlink(missing_ok=True)
    try:
        with pinned(0):
            service.start()
        done = ("KVM:", "installer is not there")
        until(lambda: any(word in service.tail() for word in done), 120, "the end of its preparations")
        assert service.child is not None
        ours = Server(OURS, service.child.pid, PORTS[OURS])
        at_rest(ours.cpu)
        yield ours
    finally:
        service.stop()


@contextmanager
def peers(
    names: Sequence[str], ground: Ground, place: Place
) -> Iterator[tuple[list[Server], dict[str, str]]]:
    """Those of the names that serve at the place, and for each other why not."""
    up, why, state = [], {}, ground.folder.parent
    with ExitStack() as stack:
        for name in names:
            try:
                words = command(name, ground.root, place.server, PORTS[name])
                log = ground.folder / f"{name}.log"
                group = stack.enter_context(_group()) if name == "tftpd-hpa" else None
                pid = stack.enter_context(_child([*inside(ground.netns, 0), *words], log, state))
                if group is not None:
                    (group / "cgroup.procs").write_text(str(pid))
                time.sleep(_SETTLE)
                if not ground.warm(place, PORTS[name]).whole:
                    raise LookupError(f"does not serve: {log.read_text().strip()[-200:]}")
                up.append(Server(name, pid, PORTS[name], group))
            except LookupError as error:
                why[name] = str(error)
        yield up, why


@contextmanager
def _child(words: Sequence[str], log: Path, state: Path) -> Iterator[int]:
    # By this mark the lab finds what a run that was killed left behind.
    marked = ENVIRONMENT | {"PROVISIONER_STATE_DIR": str(state)}
    with log.open("w") as out:
        child = subprocess.Popen(words, env=marked, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield child.pid
    finally:
        family = _tree(child.pid)
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pid in family.keys() - {child.pid}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def _group() -> Iterator[Path]:
    """A control group. Raises LookupError where there can be none."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    top = next((Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"), None)
    if top is None or not os.access(top / "cgroup.procs", os.W_OK):
        raise LookupError("its children's CPU cannot be counted: no cgroup2 here that may be written")
    group = top / "plab-tftp"
    group.mkdir(exist_ok=True)
    try:
        yield group
    finally:
        until(lambda: not (group / "cgroup.procs").read_text(), 5, "the end of all in the control group")
        group.rmdir()


def _clock(pid: int) -> float:
    """The kernel's own clock of that process (see clock_getcpuclockid): user and system, in nanoseconds.

    /proc/PID/stat has the same in ticks of 10 ms, which is a tenth of what some rows last.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0


def _tree(top: int) -> dict[int, float]:
    """The process and its living descendants, each with CPU seconds of the children it has waited for."""
    parents: dict[int, int] = {}
    reaped: dict[int, float] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(entry.parent.name)
        parents[pid] = int(fields[1])
        reaped[pid] = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    found, unseen = {}, [top]
    while unseen:
        pid = unseen.pop()
        found[pid] = reaped.get(pid, 0)
        unseen += [child for child, parent in parents.items() if parent == pid]
    return found
