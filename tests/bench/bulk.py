"""Guests that install at once, and the same ones one after another: wall seconds of each."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.install import LIMIT, on_a_bridge
from tests.lab.networks import POOL
from tests.lab.service import Service

COUNT, FEW = 8, 4
GATE = 0.55


@dataclass(frozen=True, slots=True)
class Walls:
    """Seconds from the request to the last first boot."""

    together: float
    apart: float

    @property
    def ratio(self) -> float:
        return self.together / self.apart


def bulk(state: Path, quick: bool, tell: Callable[[str], None]) -> bool:
    """Whether installing them at once is as much faster as it has to be."""
    count = FEW if quick else COUNT
    tell(f"the tiny image, {count} guests one after another, then at once:")
    with on_a_bridge(state, "bulk") as service:
        service.build_image("tiny")
        names = [f"plab-bulk{number}" for number in range(1, count + 1)]
        apart = sum(installed(service, [name]) for name in names)
        tell(f"  one after another  {apart:7.1f} s")
        together = installed(service, names)
        tell(f"  at once            {together:7.1f} s   ({count} of {count})")
    walls = Walls(together, apart)
    held = walls.ratio <= GATE
    tell(f"  ratio              {walls.ratio:7.2f}   (gate: {GATE}, {'holds' if held else 'DOES NOT HOLD'})")
    return held


def installed(service: Service, names: list[str]) -> float:
    """Every one of them is; an install that ends otherwise is an error. They are removed."""
    wanted = {"profile": "tiny", "networks": [service.lan.nic], "disks": [f"size=1,pool={POOL}"]}
    begun = time.monotonic()
    for line in service.lines("/guests/batch", {"names": names, "memory": 256, **wanted}):
        if "created" not in line:
            raise RuntimeError(str(line))
    for name in names:
        service.wait(name, LIMIT * len(names), "first-boot")
    took = time.monotonic() - begun
    for name in names:
        service.call("DELETE", f"/guests/{name}")
    return took
