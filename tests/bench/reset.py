"""A guest had again by `lab reset` beside its installation, on one machine in one run."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.install import LIMIT, on_a_bridge
from tests.bench.measure import spread
from tests.lab.networks import POOL
from tests.lab.service import Service, until

GATE = 0.1
_NAME = "plab-again"


def resets(state: Path, runs: int, tell: Callable[[str], None]) -> bool:
    """Whether a reset takes as little of an installation's time as it has to.

    It is done when the guest is switched on as it was; until it answers is a boot more, which is printed.
    """
    tell(f"the tiny image, installed once and reset {runs} times:")
    with on_a_bridge(state, "reset") as service:
        service.build_image("tiny")
        begun = time.monotonic()
        service.create(_NAME, disks=[f"size=1,pool={POOL}"], memory=256)
        service.wait(_NAME, LIMIT, "first-boot")
        installing = time.monotonic() - begun
        until(lambda: service.boots(_NAME), 60, "the login prompt")
        _lines(service, "/snapshots", {"names": [_NAME], "force": True})
        done = [_lines(service, "/snapshots/reset", {"names": [_NAME], "wait": LIMIT}) for _ in range(runs)]
        service.call("DELETE", f"/guests/{_NAME}")
    on = [float(line["reset"]["seconds"]) for line in done]
    answered = [float(line["reset"]["answered_seconds"]) for line in done]
    ratio = median(on) / installing
    held = ratio <= GATE
    tell(f"  installed          {installing:7.1f} s")
    tell(f"  reset, and on      {spread(on)} s")
    tell(f"  until it answers   {spread(answered)} s")
    tell(f"  ratio              {ratio:7.3f}   (gate: {GATE}, {'holds' if held else 'DOES NOT HOLD'})")
    return held


def _lines(service: Service, path: str, body: dict[str, object]) -> dict[str, Any]:
    (line,) = service.lines(path, body)
    if "error" in line:
        raise RuntimeError(str(line))
    return line
