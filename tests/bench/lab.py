"""A lab applied: linked clones beside a loop of virt-clone, and a thousand guests of which none changed.

The clones are of the images that `clone` measures with. What is timed is the request `apply`, from the file's
text to the last line of its answer; the peer gets a loop of its commands, a shorter one, and is told by the
clone.
"""

import json
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site
from tests.bench.clone import OURS, THEIRS, Ask, answering, ground
from tests.bench.measure import at_rest, cpu, spread
from tests.lab.networks import run

DEFINED_GATE, PAUSED_GATE, UNCHANGED_GATE = 40, 6, 10
CLONES, PEERS, MANY = 100, 5, 1000
AIM_SECONDS = 2.0
LAB = """
lab: bench-{name}
guests:
  - {{name: 'bench-clone-{name}{{1..{count}}}', clone: {original}, start: {start}}}
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds for one clone: ours as one of a lab, virt-clone's."""

    ours: float
    theirs: float


def labs(state: Path, quick: bool, tell: Callable[[str], None]) -> bool:
    """Whether the gates hold."""
    state.mkdir(mode=0o755)
    runs, many = (1, MANY // 10) if quick else (5, MANY)
    with ground(state) as folder, answering(state, folder) as (site, ask):
        with applied(ask, "warm", 5, "off"):
            pass
        tell(f"a lab of {CLONES} linked clones beside a loop of virt-clone, {runs} alternations:")
        defined = [turn(ask, folder, number, "off") for number in range(runs)]
        held = _judge("defined", defined, DEFINED_GATE, tell)
        paused = [turn(ask, folder, runs + number, "paused") for number in range(runs)]
        held = _judge("started paused", paused, PAUSED_GATE, tell) and held
        return unchanged(site, ask, many, tell) and held


def turn(ask: Ask, folder: Path, number: int, start: str) -> Turn:
    with applied(ask, str(number), CLONES, start) as took:
        ours = took / CLONES
    return Turn(ours, peers(folder, number, start) / PEERS)


@contextmanager
def applied(ask: Ask, name: str, count: int, start: str) -> Iterator[float]:
    """The seconds of an apply; what it made is removed afterwards, untimed."""
    begun = time.perf_counter()
    apply(ask, LAB.format(name=name, count=count, start=start, original=OURS), count)
    try:
        yield time.perf_counter() - begun
    finally:
        apply(ask, f"lab: bench-{name}\n", count, prune=True)


def apply(ask: Ask, text: str, done: int, *, prune: bool = False) -> None:
    """Raises RuntimeError where not so many things were done."""
    told = ask("POST", f"/lab/apply?prune={int(prune)}", text)
    ended = json.loads(told.splitlines()[-1])["ended"]
    if ended != {"done": done, "failed": 0, "left": 0}:
        raise RuntimeError(told)


def peers(folder: Path, number: int, start: str) -> float:
    """The seconds of a loop of virt-clone, with `virsh start --paused` where guests are to start."""
    names = [f"bench-clone-theirs{number}-{one}" for one in range(PEERS)]
    begun = time.perf_counter()
    for name in names:
        words = ["virt-clone", "--connect", "qemu:///system", "--original", THEIRS, "--quiet"]
        run(*words, "--name", name, "--file", str(folder / name))
        if start == "paused":
            run("virsh", "-q", "start", "--paused", name)
    took = time.perf_counter() - begun
    for name in names:
        if start == "paused":
            run("virsh", "-q", "destroy", name)
        run("virsh", "-q", "undefine", name, "--remove-all-storage")
    return took


def unchanged(site: Site, ask: Ask, many: int, tell: Callable[[str], None]) -> bool:
    """The CPU seconds of a second apply of so many guests; one that was edited behind us is seen."""
    text = LAB.format(name="many", count=many, start="off", original=OURS)
    apply(ask, text, many)
    try:
        pids = of_session(service.running(site))
        at_rest(lambda: cpu(pids))
        used = []
        for _ in range(5):
            before = cpu(pids)
            apply(ask, text, 0)
            used.append(cpu(pids) - before)
        edit("bench-clone-many7")
        plan = json.loads(ask("POST", "/lab/plan", text))
        seen = [one["name"] for one in plan["changes"] if one["action"] == "change"]
        theirs = by_virsh([f"bench-clone-many{number}" for number in range(1, many // 10 + 1)]) * 10
    finally:
        apply(ask, "lab: bench-many\n", many, prune=True)
    ratio = theirs / median(used)
    aim = AIM_SECONDS * many / MANY
    tell(f"{many} guests unchanged       {spread(used)} CPU s   (aim: {aim:g})")
    tell(f"virsh dumpxml of each       {theirs:6.2f} CPU s")
    verdict = "holds" if ratio >= UNCHANGED_GATE else "DOES NOT HOLD"
    tell(f"times less                  {ratio:6.1f}   (gate: {UNCHANGED_GATE}, {verdict})")
    tell(f"edited behind us            {', '.join(seen) or 'NOT SEEN'}")
    return ratio >= UNCHANGED_GATE and seen == ["bench-clone-many7"]


def of_session(leader: int) -> list[int]:
    """A process that leads a session, and all in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            found.append(int(entry.name))
    return found


def edit(name: str) -> None:
    """What `virsh edit` does."""
    root = ElementTree.fromstring(run("virsh", "-q", "dumpxml", "--inactive", "--security-info", name))
    crash = root.find("on_crash")
    assert crash is not None
    crash.text = "restart" if crash.text == "destroy" else "destroy"
    subprocess.run(
        ["virsh", "-q", "define", "/dev/stdin"],
        input=ElementTree.tostring(root),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def by_virsh(names: Sequence[str]) -> float:
    """The CPU seconds of looking at each by virsh."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for name in names:
        run("virsh", "-q", "dumpxml", "--inactive", name)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _judge(what: str, turns: Sequence[Turn], gate: float, tell: Callable[[str], None]) -> bool:
    ratio = median(turn.theirs for turn in turns) / median(turn.ours for turn in turns)
    tell(f"one of {CLONES}, {what:<14}  {spread([turn.ours * 1000 for turn in turns])} ms")
    tell(f"virt-clone                  {spread([turn.theirs for turn in turns])} s")
    verdict = "holds" if ratio >= gate else "DOES NOT HOLD"
    tell(f"times faster                {ratio:6.1f}   (gate: {gate}, {verdict})")
    return ratio >= gate
