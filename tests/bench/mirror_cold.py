"""A file that nobody has yet, wanted by many at once: how often it is fetched, and how long they wait."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench.measure import cpu, spread
from tests.bench.mirror_peers import Peer, apt_cacher_ng, low_port, nginx_cache
from tests.edges.mirror.answer import Answer
from tests.edges.mirror.origin import Origin, beside
from tests.edges.mirror.repositories import put, rpm_repository
from tests.lab.alone import processes
from tests.lab.service import Service
from tests.treeinfo import ROCKY

Tell = Callable[[str], None]
SIZE, CLIENTS = 50_000_000, 50
FIRST, LAST, CPU = 0.05, 1.1, 0.7
"""Seconds to the first byte; the last client's time to a fetch's; CPU to apt-cacher-ng's."""
SOONER, FASTER = 50, 1.7
"""The first byte and the end, beside nginx where one fetches and the others wait."""
_FAST, _SLOW = 50_000_000, 7_000_000


@dataclass(frozen=True, slots=True)
class Turn:
    """Requests to the upstream, its bytes as so many files, seconds to the latest first byte and to the last
    byte, CPU seconds; `failed` clients got nothing.
    """

    asked: int
    fetches: float
    first: float
    last: float
    cost: float
    failed: float


def cold(state: Path, service: Service, quick: bool, tell: Tell) -> bool:
    """Prints the figures; whether the gates hold."""
    state.mkdir(mode=0o755)
    fast = _at(state, service, 3 if quick else 7, _FAST, tell)
    return _at(state, service, 1 if quick else 3, _SLOW, tell) and fast


def _at(state: Path, service: Service, count: int, rate: int, tell: Tell) -> bool:
    name = f"cold{rate // 1_000_000}"
    folder = state / name
    port = 31600 if rate == _FAST else 31800  # the mirror knows a tree by its address
    packages = _tree(folder, count)
    with ExitStack() as stack:
        origin = stack.enter_context(beside(folder, port=low_port(port))).origin
        for path in packages:  # each connection has the rate: whoever fetches more often is not slower
            origin.script[f"/{path}"] = (Answer((folder / path).read_bytes(), etag=f'"{path}"', rate=rate),)
        service.call("POST", "/trees", {"name": name, "source": origin.url})
        ours = Peer(f"{service.lan.root}/tree/{name}", partial(processes, service.state))
        acng = stack.enter_context(apt_cacher_ng(state / f"{name}-acng", origin.url))
        lock = stack.enter_context(nginx_cache(state / f"{name}-nginx", origin.url))
        _get(f"{ours.root}/repodata/repomd.xml")
        alone, turns = [], {peer: list[Turn]() for peer in ("ours", "acng", "lock")}
        for path in packages:
            begun = time.monotonic()
            _get(f"{origin.url}/{path}")
            alone.append(time.monotonic() - begun)
            for which, peer in (("ours", ours), ("acng", acng), ("lock", lock)):
                turns[which].append(_turn(peer, origin, path))
    tell(f"{CLIENTS} clients, one file of 50 MB that nobody has yet, from {rate / 1e6:.0f} MB/s:")
    tell(f"  fetched alone   {spread(alone)} s")
    for which, text in (("ours", "ours"), ("acng", "apt-cacher-ng"), ("lock", "nginx, locked")):
        mine = turns[which]
        tell(
            f"  {text:15} fetched {median([t.fetches for t in mine]):.2f} times, at most "
            f"{max(t.asked for t in mine)} requests; {sum(t.failed for t in mine):.0f} clients without; "
            f"first byte {median([t.first for t in mine]):.3f} s, all {spread([t.last for t in mine])} s, "
            f"{median([t.cost for t in mine]):.2f} CPU s"
        )
    us, others, waiting = turns["ours"], turns["acng"], turns["lock"]
    gates = [
        ("one fetch", all(turn.asked == 1 and turn.fetches < 1.01 for turn in us)),
        ("every client served", not any(turn.failed for turn in us)),
        (f"first byte within {FIRST} s", median([turn.first for turn in us]) <= FIRST),
        (
            f"the last within {LAST} fetches",
            median([turn.last / one for turn, one in zip(us, alone, strict=True)]) <= LAST,
        ),
        (
            f"CPU {CPU} of apt-cacher-ng's",
            median([turn.cost / max(it.cost, 1e-9) for turn, it in zip(us, others, strict=True)]) <= CPU,
        ),
        (
            f"first byte {SOONER} times sooner than nginx's",
            median([it.first / turn.first for turn, it in zip(us, waiting, strict=True)]) >= SOONER,
        ),
    ]
    if rate == _FAST:
        faster = median([it.last / turn.last for turn, it in zip(us, waiting, strict=True)])
        gates.append((f"all done {FASTER} times sooner than nginx: {faster:.2f}", faster >= FASTER))
    for text, holds in gates:
        tell(f"    {text}: {'holds' if holds else 'DOES NOT HOLD'}")
    return all(holds for _, holds in gates)


def _turn(peer: Peer, origin: Origin, path: str) -> Turn:
    asked, before, sent = origin.count(f"/{path}"), cpu(peer.pids()), origin.sent
    words = [sys.executable, "-m", "tests.bench.once_load", f"{peer.root}/{path}", str(CLIENTS)]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    assert found["bodies"] == 1, f"{peer.root}: two clients got different bodies"
    time.sleep(0.5)  # what a server does behind the last byte is its own too
    asked = origin.count(f"/{path}") - asked
    fetches = (origin.sent - sent) / SIZE
    return Turn(asked, fetches, found["latest"], found["last"], cpu(peer.pids()) - before, found["failed"])


def _tree(folder: Path, count: int) -> list[str]:
    """A tree with so many packages, each of bytes of its own: what another tree has is not fetched."""
    put(folder, ".treeinfo", ROCKY.encode())
    for path in ("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", "images/install.img"):
        put(folder, path, b"x" * 100_000)
    packages = {f"Packages/cold{number}-1-1.noarch.rpm": os.urandom(SIZE) for number in range(count)}
    rpm_repository(folder, packages)
    return list(packages)


def _get(url: str) -> None:
    with urllib.request.urlopen(url, timeout=120) as answer:
        while answer.read(1 << 20):
            pass
