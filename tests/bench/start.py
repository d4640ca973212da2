"""How soon and how large: the service at rest, and the command line's first word."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.measure import resident
from tests.lab.alone import processes
from tests.lab.networks import NETWORKS
from tests.lab.service import Service


def service(state: Path, runs: int) -> tuple[list[float], float]:
    """Seconds from exec to /readyz answering, each run on a state that exists; then MB of all processes."""
    seconds = []
    with NETWORKS["bridge"](True) as lan:
        for _ in range(runs):
            one = Service(state, lan)
            try:
                one.start()
                seconds.append(one.ready_after)
                time.sleep(1)
                memory = resident(processes(state))
            finally:
                one.stop()
    return seconds, memory


def command_line(runs: int) -> tuple[list[float], list[float]]:
    """Wall and CPU seconds of `provisioner --help`."""
    wall, cpu = [], []
    for _ in range(runs):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "provisioner", "--help"],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(time.monotonic() - begun)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return wall, cpu
