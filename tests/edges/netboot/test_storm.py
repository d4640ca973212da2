"""A tenth of the storm that `make bench BENCH=storm` measures: whoever asks is served."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.storm import MACHINES, SECONDS, storm
from tests.lab.alone import STATES


@pytest.fixture
def state() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("namespaces take root")
    if missing := [tool for tool in ("ip", "cc") if not shutil.which(tool)]:
        pytest.skip(f"missing on this machine: {', '.join(missing)}")
    place = Path(tempfile.mkdtemp(prefix="provisioner-test-", dir=STATES))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def test_machines_that_were_switched_on_at_once_all_get_their_script(state: Path) -> None:
    found = storm(state, print, MACHINES // 10, SECONDS / 10)

    assert (found.scripts, found.lost, found.faults) == (MACHINES // 10, 0, [])
