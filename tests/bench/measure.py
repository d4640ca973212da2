"""CPU seconds and resident memory of processes, as the kernel counts them."""

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median

_IDLE = 0.02
"""CPU seconds in a second of a service that only waits; twice what it takes."""
_QUIET = 3
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pids: Iterable[int]) -> float:
    """User and system seconds; a process that is gone counts nothing."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def resident(pids: Iterable[int]) -> float:
    """MB in memory, a page that several of the processes share counted once (PSS)."""
    total = 0
    for pid in pids:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        total += int(found.group(1)) if found else 0
    return total / 1000


def calibration() -> float:
    """CPU seconds of one fixed piece of work here, so that figures of two machines can be compared."""
    begun = time.process_time()
    block = bytes(1 << 20)
    digest = hashlib.sha256()
    for _ in range(256):
        digest.update(block)
    return time.process_time() - begun


def at_rest(used: Callable[[], float]) -> None:
    """Returns once the CPU seconds that `used` tells grow no more: what follows a start is not a turn's.

    Part of a service begins seconds after the rest of it: three seconds in a row have to be quiet.
    """
    quiet = 0
    for _ in range(60):
        before = used()
        time.sleep(1)
        quiet = quiet + 1 if used() - before < _IDLE else 0
        if quiet == _QUIET:
            return
    raise TimeoutError(f"still at work a minute later: {used() - before:.2f} s of CPU in the last second")


def spread(values: Sequence[float]) -> str:
    """Median and range, for a person."""
    return f"{median(values):6.2f}  ({min(values):.2f} to {max(values):.2f}, {len(values)} runs)"
