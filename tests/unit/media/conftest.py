"""Good and evil images, made once."""

import shutil
from pathlib import Path

import pytest

from tests.unit.media import bases, evil


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed")
    return bases.make(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="session")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the host that no image may bring to light."""
    path = tmp_path_factory.mktemp("host") / "shadow"
    path.write_bytes((bases.CANARY * (bases.SIZE // len(bases.CANARY) + 1))[: bases.SIZE])
    return path


@pytest.fixture(scope="session")
def evils(
    good: dict[str, bytes], canary: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, bytes]]:
    return evil.everything(good, tmp_path_factory.mktemp("evil"), canary)
