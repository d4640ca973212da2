"""mmdebstrap from an upstream of 5 MB/s, 50 ms away: direct, by an empty mirror, a full one, and offline."""

import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from provisioner import state as states
from tests.bench.measure import at_rest, cpu, spread
from tests.edges.mirror.origin import Beside, beside
from tests.lab import debian_medium, debian_mirror
from tests.lab.alone import processes
from tests.lab.networks import Lan
from tests.lab.service import Service
from tests.lab.waiting import free_port

COLD, WARM = 1.1, 0.5
"""At most so many times the seconds that the same takes from the upstream itself."""
RATE, LATENCY = 5_000_000, 0.05
_RUNS = 3
_CACHE = Path(__file__).parents[2] / ".cache/lab"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds of each way; `bytes` from the upstream through the empty mirror, by those without it."""

    direct: float
    cold: float
    warm: float
    bytes: float


def bootstrapping(state: Path, tell: Tell) -> bool:
    """Prints the figures; whether the gates hold. Packages are fetched once, from apt's own mirror."""
    if packages := debian_medium.missing():
        tell(f"mmdebstrap through the mirror: left out, {packages} missing (make setup)")
        return True
    state.mkdir(mode=0o755, parents=True, exist_ok=True)
    mirror = debian_mirror.assembled(_CACHE)
    port = free_port()
    root = f"http://127.0.0.1:{port}/tree"
    service = _service(state / "service", port)
    tell(f"mmdebstrap, upstream of {RATE / 1e6:g} MB/s and {LATENCY * 1000:g} ms, {_RUNS} alternations:")
    with beside(state / "upstream", rate=RATE, latency=LATENCY) as upstream:
        (state / "upstream").mkdir()
        try:
            service.start()
            service.have_mini()
            at_rest(lambda: cpu(processes(service.state)))
            turns = []
            for number in range(_RUNS):
                (state / f"upstream/{number}").symlink_to(mirror)
                turns.append(_turn(service, root, upstream, number, state))
            upstream.stop()
            offline = _bootstrap(f"{root}/debian{_RUNS - 1}", state)
        finally:
            service.stop()
    for way in ("direct", "cold", "warm"):
        tell(f"  {way:7} s   {spread([getattr(turn, way) for turn in turns])}")
    tell(f"  offline s   {offline:6.2f}   (the upstream stopped)")
    tell(f"  bytes from the upstream, cold by direct   {spread([turn.bytes for turn in turns])}")
    return all(
        [
            _gate("cold", [turn.cold / turn.direct for turn in turns], COLD, tell),
            _gate("warm", [turn.warm / turn.direct for turn in turns], WARM, tell),
        ]
    )


def _service(state: Path, port: int) -> Service:
    """On the loopback; no guest is made, and nobody boots."""
    (state / "cache").mkdir(parents=True)
    state.chmod(0o755)
    states.remember_proof(state / "cache/kvm.json", (False, "no guest is made here"))
    settings = {"LIBVIRT_URI": "test:///default", "NETBOOT": "false", "HTTP_PORT": str(port)}
    return Service(state, Lan("mirror", "", "lo", "127.0.0.1", "", settings))


def _gate(way: str, ratios: list[float], most: float, tell: Tell) -> bool:
    held = median(ratios) <= most
    tell(f"  {way} by direct   {spread(ratios)}   (gate: {most}, {'holds' if held else 'DOES NOT HOLD'})")
    return held


def _turn(service: Service, root: str, upstream: Beside, number: int, state: Path) -> Turn:
    source, tree = f"{upstream.origin.url}/{number}", f"debian{number}"
    before = upstream.origin.sent
    direct = _bootstrap(source, state)
    between = upstream.origin.sent
    service.call("POST", "/trees", {"name": tree, "source": source})
    cold = _bootstrap(f"{root}/{tree}", state)
    after = upstream.origin.sent
    warm = _bootstrap(f"{root}/{tree}", state)
    return Turn(direct, cold, warm, (after - between) / (between - before))


def _bootstrap(url: str, state: Path) -> float:
    """Seconds; its words where it fails."""
    with tempfile.TemporaryDirectory(dir=state) as place:
        words = ["mmdebstrap", "--quiet", "--mode=root", "--variant=essential", debian_mirror.SUITE]
        words += [f"{place}/root", f"deb [trusted=yes] {url} {debian_mirror.SUITE} main"]
        begun = time.monotonic()
        done = subprocess.run(
            words,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr[-2000:]}")
        return time.monotonic() - begun
