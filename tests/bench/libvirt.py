"""Guests made, not installed: ours over the API, virt-install beside it, alternating."""

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from provisioner import state as states
from tests.bench.measure import spread
from tests.lab.networks import Lan, bridge, run, virsh
from tests.lab.service import Service, until

Tell = Callable[[str], None]
Work = Callable[["Bench", Sequence[str]], None]

_LAN = Lan("create", "network=default", "plab6", "10.213.6.2")
_MEMORY = "128"
_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: `ours` and `theirs` make the guests of the names that they are given.

    `disks` says that a disk image is laid into the pool for each beforehand. `gate` is the least ratio, 0
    for a row that is only printed; `full` and `quick` are the guests of one alternation, ours and theirs.
    """

    what: str
    peer: str
    ours: Work
    theirs: Work
    gate: float
    full: tuple[int, int]
    quick: tuple[int, int]
    disks: bool = True
    starts: bool = False


@dataclass(slots=True)
class Bench:
    """A service of its own, a pool of its own, and what all names here begin with."""

    service: Service
    folder: Path
    pool: str
    prefix: str
    made: int = 0
    image: Path = field(default=Path())

    def names(self, count: int, *, disks: bool) -> list[str]:
        """New names, each with an empty disk of its own in the pool where `disks` says so."""
        self.made += count
        names = [f"{self.prefix}{number}" for number in range(self.made - count, self.made)]
        if disks:
            for name in names:
                shutil.copyfile(self.image, self.folder / name)
            virsh("pool-refresh", self.pool)
        return names


def creation(
    state: Path, quick: bool, tell: Tell, *, pool: str = "plab", prefix: str = "plab-create"
) -> bool:
    """Prints a row for each figure; whether every gate holds."""
    held = True
    with bench(state, pool, prefix) as one:
        for figure in FIGURES:
            held = _row(one, figure, quick, tell) and held
    return held


def _row(one: Bench, figure: Figure, quick: bool, tell: Tell) -> bool:
    counts = figure.quick if quick else figure.full
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(3 if quick else 5):
        for count, work, took in ((counts[0], figure.ours, ours), (counts[1], figure.theirs, theirs)):
            names = one.names(count, disks=figure.disks)
            begun = time.monotonic()
            work(one, names)
            took.append((time.monotonic() - begun) * 1000 / count)
            if figure.starts:
                _forget(names)
    _forget(_domains(one.prefix))
    ratios = [by / us for us, by in zip(ours, theirs, strict=True)]
    ratio = median(ratios)
    verdict = "holds" if ratio >= figure.gate else "DOES NOT HOLD"
    gate = f"gate: {figure.gate:g}, {verdict}" if figure.gate else "no gate"
    tell(f"{figure.what}, ms a guest:")
    tell(f"  ours          {spread(ours)}")
    tell(f"  theirs        {spread(theirs)}   {figure.peer}")
    tell(f"  times faster  {spread(ratios)}   ({gate}; of the medians {median(theirs) / median(ours):.1f})")
    return verdict != "DOES NOT HOLD"


@contextmanager
def bench(state: Path, pool: str, prefix: str) -> Iterator[Bench]:
    """The service at rest: what it prepares at its start is done, and no KVM, as for the peer."""
    state.mkdir(mode=0o755, exist_ok=True)
    folder = state / "pool"
    folder.mkdir()
    states.prepare(state)
    states.remember_proof(state / "cache" / "kvm.json", (False, "the peer is not given it either"))
    with ExitStack() as stack:
        stack.enter_context(bridge(_LAN.device, _LAN.address))
        virsh("pool-create-as", pool, "dir", "--target", str(folder))
        stack.callback(virsh, "pool-destroy", pool, check=False)
        stack.callback(lambda: _forget(_domains(prefix)))
        service = Service(state, _LAN)
        stack.callback(service.stop)
        service.start()
        until(lambda: "KVM:" in service.tail(), 120, "the end of the service's preparations")
        image = state / "media/empty.qcow2"
        image.parent.mkdir(exist_ok=True)
        run("qemu-img", "create", "-q", "-f", "qcow2", str(image), "1G")
        yield Bench(service, folder, pool, prefix, image=image)


def _asks_at_once(one: Bench, names: Sequence[str], disk: str) -> None:
    """All by one request; its answer has a line for each."""
    url, headers = one.service.door
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    body = {"names": names, **_wishes(one, disk, "{name}", "off")}
    connection.request("POST", "/api/v1/guests/batch", json.dumps(body), headers)
    lines = [json.loads(line) for line in connection.getresponse().read().splitlines()]
    connection.close()
    if failed := [line for line in lines if "created" not in line] or len(lines) != len(names):
        raise RuntimeError(f"{failed}")


def _wishes(one: Bench, disk: str, name: str, start: str) -> dict[str, object]:
    text = disk.format(pool=one.pool, name=name, image=one.image)
    return {
        "disks": [text],
        "method": "import",
        "memory": int(_MEMORY),
        "networks": [_LAN.nic],
        "start": start,
    }


def _asks(one: Bench, names: Sequence[str], disk: str, start: str, workers: int = 1) -> None:
    """Each worker asks over a connection of its own, one guest after the other."""
    url, headers = one.service.door

    def ask(mine: Sequence[str]) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        for name in mine:
            body = {"name": name, **_wishes(one, disk, name, start)}
            connection.request("POST", "/api/v1/guests", json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 201:
                raise RuntimeError(f"{name}: {answer.status} {text.decode()}")
        connection.close()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(ask, [names[first::workers] for first in range(workers)]))


def _installs(one: Bench, name: str, disk: str, *more: str) -> str:
    """virt-install, told what it would otherwise find out or wait for."""
    return run(
        *("virt-install", "--connect", "qemu:///system", "--name", name, "--memory", _MEMORY, "--vcpus", "1"),
        *("--virt-type", "qemu", "--import", "--osinfo", "detect=off,require=off", "--graphics", "none"),
        *("--network", _LAN.nic, "--disk", disk.format(pool=one.pool, name=name), *more),
    )


def _printed_and_defined(one: Bench, names: Sequence[str]) -> None:
    xml = one.service.state / "peer.xml"
    for name in names:
        xml.write_text(_installs(one, name, "vol={pool}/{name}", "--print-xml"))
        virsh("define", str(xml))


def _installed(one: Bench, names: Sequence[str]) -> None:
    for name in names:
        _installs(one, name, "pool={pool},size=1", "--noautoconsole", "--noreboot")


def _started(one: Bench, names: Sequence[str]) -> None:
    for name in names:
        _installs(one, name, "vol={pool}/{name}", "--noautoconsole")


def _domains(prefix: str) -> list[str]:
    return [name for name in virsh("list", "--all", "--name").split() if name.startswith(prefix)]


def _forget(names: Sequence[str]) -> None:
    """All of them by one virsh: a process for each would take longer than the figure."""
    running = set(virsh("list", "--name").split())
    lines = [f"destroy {name}" for name in names if name in running] + [f"undefine {name}" for name in names]
    command = ["virsh", "-q", "-c", "qemu:///system"]
    environment = os.environ | {"LC_ALL": "C"}
    subprocess.run(
        command, input="\n".join(lines), text=True, capture_output=True, check=False, env=environment
    )


FIGURES = (
    Figure(
        "defined, on a disk that is there, all by one request",
        "virt-install --print-xml + virsh define",
        lambda one, names: _asks_at_once(one, names, "vol={pool}/{name}"),
        _printed_and_defined,
        60,
        full=(100, 8),
        quick=(100, 4),
    ),
    Figure(
        "the same, one after the other",
        "virt-install --print-xml + virsh define",
        lambda one, names: _asks(one, names, "vol={pool}/{name}", "off"),
        _printed_and_defined,
        0,
        full=(20, 8),
        quick=(20, 3),
    ),
    Figure(
        "defined, with a new qcow2",
        "virt-install --import --noreboot --disk size=1",
        lambda one, names: _asks(one, names, "size=1,pool={pool}", "off"),
        _installed,
        5,
        full=(10, 10),
        quick=(6, 3),
        disks=False,
    ),
    Figure(
        f"defined and started paused, {_WORKERS} workers",
        "virt-install --import --noautoconsole",
        lambda one, names: _asks(one, names, "vol={pool}/{name}", "paused", _WORKERS),
        _started,
        2.5,
        full=(8, 8),
        quick=(4, 2),
        starts=True,
    ),
    Figure(
        "linked to a shared base, not started",
        "virt-install --import --noreboot --disk size=1",
        lambda one, names: _asks(one, names, "{image},linked=on,pool={pool}", "off"),
        _installed,
        0,
        full=(10, 10),
        quick=(6, 3),
        disks=False,
    ),
)
