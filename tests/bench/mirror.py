"""The mirror beside other servers of the same files: what it keeps already, and what nobody has yet.

The service reads its trees from upstreams by HTTP, keeps what it read and verifies it by the trees' own
metadata; the load comes from addresses of their own, with the service's limits on.
"""

import json
import math
import os
import random
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from provisioner import state as states
from tests.bench.measure import at_rest, cpu, spread
from tests.bench.mirror_cold import cold
from tests.bench.mirror_peers import Peer, file_response, nginx
from tests.edges.mirror.repositories import put, rpm_repository
from tests.lab.alone import processes
from tests.lab.networks import Lan
from tests.lab.service import Service
from tests.treeinfo import ROCKY

Tell = Callable[[str], None]
SMALL, LARGE, MIX = 20_000, 200_000_000, 60
"""Bytes of the small and of the large file, and how many packages of 20 KB to 5 MB there are."""
_SMALL, _LARGE = "Packages/small-1-1.noarch.rpm", "Packages/large-1-1.noarch.rpm"


@dataclass(frozen=True, slots=True)
class Row:
    """`least` of the other server's bytes a second ours has to reach, with at most `most` of its CPU."""

    what: str
    connections: int
    least: float
    most: float = math.inf


def mirroring(state: Path, quick: bool, tell: Tell) -> bool:
    """Prints the figures; whether the gates hold."""
    folder = state / "upstream"
    paths = _tree(folder)
    with ExitStack() as stack:
        theirs = stack.enter_context(nginx(state / "nginx", folder))
        python = stack.enter_context(file_response(folder))
        service = _service(state / "service")
        stack.callback(service.stop)
        service.start()
        ours = Peer(f"{service.lan.root}/tree/warm", partial(processes, service.state))
        service.have_mini()
        at_rest(lambda: cpu(ours.pids()))
        service.call("POST", "/trees", {"name": "warm", "source": theirs.root})
        for path in ("repodata/repomd.xml", _SMALL, _LARGE, *paths):
            _fetch(f"{ours.root}/{path}")
        held = [
            _compare(Row("20 KB files", 50, 0.3), ours, theirs, _small, quick, tell),
            _compare(Row("20 KB files, beside FileResponse", 50, 5), ours, python, _small, quick, tell),
        ]
        for connections in (50, 200):
            row = Row("packages of 20 KB to 5 MB", connections, 0.9)
            held.append(_compare(row, ours, theirs, partial(_many, paths), quick, tell))
        row = Row("a file of 200 MB", 50, 0.9, 1.25)
        held.append(_compare(row, ours, theirs, partial(_many, (_LARGE,)), quick, tell))
        held.append(cold(state / "cold", service, quick, tell))
        return all(held)


@dataclass(frozen=True, slots=True)
class Turn:
    """MB a second, and the server's CPU seconds for a GB."""

    rate: float
    cost: float


Load = Callable[[str, int, float], dict[str, float]]


def _compare(row: Row, ours: Peer, theirs: Peer, load: Load, quick: bool, tell: Tell) -> bool:
    turns: tuple[list[Turn], list[Turn]] = ([], [])
    for _ in range(3 if quick else 7):
        for mine, peer in zip(turns, (ours, theirs), strict=True):
            before = cpu(peer.pids())
            done = load(peer.root, row.connections, 2.0 if quick else 5.0)
            spent = cpu(peer.pids()) - before
            mine.append(Turn(done["bytes"] / done["seconds"] / 1e6, spent / (done["bytes"] / 1e9)))
    rates = [us.rate / them.rate for us, them in zip(*turns, strict=True)]
    costs = [us.cost / max(them.cost, 1e-9) for us, them in zip(*turns, strict=True)]
    held = median(rates) >= row.least and median(costs) <= row.most
    tell(f"{row.what}, {row.connections} connections:")
    for name, mine in zip(("ours ", "other"), turns, strict=True):
        cost = median([turn.cost for turn in mine])
        tell(f"  {name} MB/s  {spread([turn.rate for turn in mine])}   {cost:.2f} CPU s a GB")
    limit = f", CPU at most {row.most}" if row.most < math.inf else ""
    verdict = "holds" if held else "DOES NOT HOLD"
    tell(f"  ratio       {spread(rates)}, CPU {median(costs):.2f}   (gate: {row.least}{limit}; {verdict})")
    return bool(held)


def _small(root: str, connections: int, seconds: float) -> dict[str, float]:
    """By wrk: a client in Python takes longer for so small an answer than any server."""
    script = Path(__file__).with_name("load.lua")
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(script), f"{root}/{_SMALL}"]
    environment = os.environ | {"LC_ALL": "C"}
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    assert not found["failed"], done.stdout
    return found


def _many(paths: Sequence[str], root: str, connections: int, seconds: float) -> dict[str, float]:
    words = [sys.executable, "-m", "tests.bench.iso_load", f"{root}/", str(connections), str(seconds), *paths]
    found: dict[str, float] = json.loads(
        subprocess.run(words, check=True, capture_output=True, text=True).stdout
    )
    return found


def _tree(folder: Path) -> list[str]:
    """A tree of Rocky's shape; the paths of its packages of many sizes."""
    dice = random.Random(7)
    put(folder, ".treeinfo", ROCKY.encode())
    for path in ("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", "images/install.img"):
        put(folder, path, dice.randbytes(100_000))
    sizes = [int(math.exp(dice.uniform(math.log(20e3), math.log(5e6)))) for _ in range(MIX)]
    packages = {f"Packages/p{n:02}-1-1.noarch.rpm": dice.randbytes(size) for n, size in enumerate(sizes)}
    rest = {_SMALL: dice.randbytes(SMALL), _LARGE: os.urandom(LARGE)}
    rpm_repository(folder, packages | rest)
    return list(packages)


def _service(state: Path) -> Service:
    """On the loopback; no guest is made, and nobody boots."""
    (state / "cache").mkdir(parents=True)
    state.chmod(0o755)
    states.remember_proof(state / "cache" / "kvm.json", (False, "no guest is made here"))
    return Service(state, Lan("mirror", "", "lo", "127.0.0.1", "", {"NETBOOT": "false"}))


def _fetch(url: str) -> None:
    with urllib.request.urlopen(url, timeout=60) as answer:
        while answer.read(1 << 20):
            pass
