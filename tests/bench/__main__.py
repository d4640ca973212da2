"""Prints the figures; ends 1 where a ratio misses its gate. Absolute figures are printed only."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.bench import (
    answers,
    bulk,
    clone,
    dashboard,
    debian,
    dhcp,
    install,
    iso,
    lab,
    libvirt,
    mirror,
    mirror_debian,
    reset,
    start,
    storm,
    tftp,
)
from tests.bench.measure import calibration, spread
from tests.lab.alone import PREFIX, STATES, alone

GATE = 1.1
PARTS = (
    *("create", "netboot", "tftp", "dhcp", "answers", "iso", "mirror"),
    *("lab", "bulk", "dashboard", "storm", "reset"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer alternations, at most seven minutes")
    parser.add_argument(
        "--only",
        choices=PARTS,
        help="one part; all where left out",
    )
    asked = parser.parse_args()
    if os.geteuid() != 0:
        print("bench: needs root (bridges, ports below 1024); run it with sudo")
        return 1
    with alone():
        return on_a_state(asked.quick, asked.only)


def on_a_state(quick: bool, only: str | None) -> int:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=STATES))
    state.chmod(0o755)
    held = True
    try:
        tell(f"calibration: {calibration():.2f} CPU s for sha256 of 256 MiB; load {os.getloadavg()[0]:.1f}")
        if only in (None, "create"):
            held = libvirt.creation(state / "creation", quick, tell)
            held = cloning(state / "cloning", 3 if quick else 5) and held
        if only in (None, "lab"):
            held = lab.labs(state / "lab", quick, tell) and held
        if only in (None, "netboot"):
            if not quick:
                debian.installs(state, 3, tell)
            held = netboot(state, 2 if quick else 5) and held
        if only in (None, "reset"):
            held = reset.resets(state, 1 if quick else 3, tell) and held
        if only == "bulk" or (only is None and not quick):
            held = bulk.bulk(state, quick, tell) and held
        if only in (None, "tftp"):
            held = tftp.transfers(state, quick, tell) and held
        if only in (None, "dhcp"):
            held = dhcp.offers(state, quick, tell) and held
        if only in (None, "storm"):
            held = storm.storms(state, tell) and held
        if only in (None, "answers"):
            held = answers.answers(state, quick, tell) and held
        if only in (None, "iso"):
            held = iso.serving_isos(state / "isos", quick, tell) and held
        if only in (None, "mirror"):
            (state / "mirror").mkdir(mode=0o755)
            held = mirror.mirroring(state / "mirror", quick, tell) and held
            if not quick:
                held = mirror_debian.bootstrapping(state / "debian", tell) and held
        if only in (None, "dashboard"):
            held = dashboard.watching(state / "dashboard", quick, tell) and held
        return 0 if held else 1
    finally:
        shutil.rmtree(state)


def tell(line: str) -> None:
    print(line, flush=True)


def cloning(state: Path, runs: int) -> bool:
    """Whether a linked clone is as much faster than virt-clone as it has to be."""
    state.mkdir(mode=0o755)
    tell(f"a linked clone of 512 MB beside virt-clone, {runs} alternations:")
    return clone.report(clone.compare(state, runs, tell), tell) >= clone.GATE


def netboot(state: Path, runs: int) -> bool:
    """Whether the gate holds: it is judged by the alternations, whose two runs had the same machine."""
    wall, cpu = start.command_line(5)
    tell(f"provisioner --help          {spread(wall)} s wall, {median(cpu):.2f} CPU s   (aim: below 0.2)")
    tell(f"tiny image, power-on to success report, {runs} alternations:")
    ours, theirs = install.compare(state, runs, tell)
    seconds, memory = start.service(state, 3)
    tell(f"service ready               {spread(seconds)} s   (aim: 2)")
    tell(f"resident in all             {memory:6.0f} MB   (aim: 150)")
    us, them = [run.total for run in ours], [run.total for run in theirs]
    ratios = [mine / other for mine, other in zip(us, them, strict=True)]
    held = median(ratios) <= GATE
    verdict = "holds" if held else "DOES NOT HOLD"
    tell(f"ours, guest + server CPU    {spread(us)}")
    tell(f"by hand                     {spread(them)}")
    tell(f"ratio of the medians        {median(us) / median(them):6.2f}")
    tell(f"ratio, of each alternation  {spread(ratios)}   (gate: {GATE}, {verdict})")
    return held


if __name__ == "__main__":
    sys.exit(main())
