"""Every loader, fetched by the field's own clients: curl, and tftp of tftp-hpa."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.edges.netboot.serving import LOADERS

CURL = {
    "plain": ["--tftp-no-options"],
    "as it comes": [],
    "small blocks": ["--tftp-blksize", "512"],
    "large blocks": ["--tftp-blksize", "1428"],
    "larger than a frame": ["--tftp-blksize", "65464"],
}


@pytest.mark.parametrize(
    ("name", "way"),
    # Of an empty file curl takes no tsize.
    [(name, way) for name in LOADERS for way in CURL if LOADERS[name] or way == "plain"],
)
def test_curl(port: int, name: str, way: str, tmp_path: Path) -> None:
    needs("curl")
    command = ["curl", "-sS", "--noproxy", "*", *CURL[way], "-o", str(tmp_path / name)]
    run(*command, f"tftp://127.0.0.1:{port}/{name}")

    got = tmp_path / name
    assert (got.read_bytes() if got.exists() else b"") == LOADERS[name]  # it makes no file of nothing


@pytest.mark.parametrize("name", LOADERS)
def test_tftp_hpa(port: int, name: str, tmp_path: Path) -> None:
    needs("tftp")
    run("tftp", "-m", "octet", "127.0.0.1", str(port), "-c", "get", name, str(tmp_path / name))

    assert (tmp_path / name).read_bytes() == LOADERS[name]


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def run(*command: str) -> None:
    subprocess.run(
        command, check=True, timeout=60, capture_output=True, env={"PATH": "/usr/bin", "LC_ALL": "C"}
    )
