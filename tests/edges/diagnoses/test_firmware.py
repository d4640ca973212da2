"""Machines whose firmware starts nothing, booted for real: the quick ones of tests/lab/test_diagnoses.py."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import broken
from tests.proofs import MADE, OFFERED, explained, proves, spoken

pytestmark = pytest.mark.skipif(
    not shutil.which("qemu-system-x86_64"), reason="there is no QEMU (make setup)"
)


def diagnosed(words: list[str], log: Path, wanted: Callable[[str], bool]) -> None:
    """Waits until what the machine says is explained as wanted; the test's own time limit bounds it."""
    with broken.running(words, log) as process:
        while not wanted(log.read_text(errors="replace")):
            assert process.poll() is None
            time.sleep(0.1)


@proves("no-bootable-disk")
def test_nothing_to_start(tmp_path: Path) -> None:
    def wanted(said: str) -> bool:
        return explained(MADE, spoken(said)).diagnosis == "no-bootable-disk"

    diagnosed(["-m", "64"], tmp_path / "log", wanted)


@proves("loader-other-processor")
def test_a_loader_for_another_processor(tmp_path: Path) -> None:
    """What iPXE fetches is the head of an arm64 kernel."""

    def wanted(said: str) -> bool:
        return explained(OFFERED, spoken(said)).diagnosis == "loader-other-processor"

    with broken.offering(lambda web: {"/arm": broken.ARM64}) as web:
        diagnosed(broken.from_network(f"{web}/arm"), tmp_path / "log", wanted)
