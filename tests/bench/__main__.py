"""Prints the figures; ends 1 where a ratio is over its gate. Absolute figures are printed only."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.bench import debian, install, start
from tests.bench.measure import calibration, spread
from tests.lab.alone import PREFIX, STATES, alone

GATE = 1.1


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two alternations, at most five minutes")
    quick = parser.parse_args().quick
    if os.geteuid() != 0:
        print("bench: needs root (bridges, ports below 1024); run it with sudo")
        return 1
    with alone():
        return on_a_state(quick)


def on_a_state(quick: bool) -> int:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=STATES))
    state.chmod(0o755)
    try:
        if not quick:
            debian.installs(state, 3, tell)
        return figures(state, 2 if quick else 5)
    finally:
        shutil.rmtree(state)


def tell(line: str) -> None:
    print(line, flush=True)


def figures(state: Path, runs: int) -> int:
    tell(f"calibration: {calibration():.2f} CPU s for sha256 of 256 MiB")
    wall, cpu = start.command_line(5)
    tell(f"provisioner --help          {spread(wall)} s wall, {median(cpu):.2f} CPU s   (aim: below 0.2)")
    tell(f"tiny image, power-on to success report, {runs} alternations:")
    ours, theirs = install.compare(state, runs, tell)
    seconds, memory = start.service(state, 3)
    tell(f"service ready               {spread(seconds)} s   (aim: 2)")
    tell(f"resident in all             {memory:6.0f} MB   (aim: 150)")
    ratio = median(run.total for run in ours) / median(run.total for run in theirs)
    tell(f"ours, guest + server CPU    {spread([run.total for run in ours])}")
    tell(f"by hand                     {spread([run.total for run in theirs])}")
    verdict = "holds" if ratio <= GATE else "DOES NOT HOLD"
    tell(f"ratio of the medians        {ratio:6.2f}   (gate: {GATE}, {verdict})")
    return 0 if ratio <= GATE else 1


if __name__ == "__main__":
    sys.exit(main())
