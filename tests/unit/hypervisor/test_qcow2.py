"""Empty overlays, as QEMU itself reads them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid
from provisioner.hypervisor.qcow2 import empty

MIB, TIB = 1 << 20, 1 << 40
pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")


def qemu_img(*words: object) -> str:
    done = subprocess.run(["qemu-img", *map(str, words)], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize("capacity", [512, 12_800, 64 * MIB, 512 * MIB, 512 * MIB + 512, 5 * TIB, 100 * TIB])
def test_qemu_finds_nothing_wrong_with_an_overlay(tmp_path: Path, capacity: int) -> None:
    base, overlay = tmp_path / "base", tmp_path / "overlay"
    with base.open("wb") as file:
        file.truncate(min(capacity, TIB))
    overlay.write_bytes(empty(capacity, backing=str(base), backing_format="raw"))

    facts = json.loads(qemu_img("info", "--output=json", "-f", "qcow2", overlay))
    checked = json.loads(qemu_img("check", "--output=json", "-f", "qcow2", overlay))

    assert (facts["virtual-size"], facts["cluster-size"]) == (capacity, 65536)
    assert (facts["backing-filename"], facts["backing-filename-format"]) == (str(base), "raw")
    assert facts["format-specific"]["data"]["compat"] == "1.1"
    assert checked["check-errors"] == 0 and "leaks" not in checked and "corruptions" not in checked


def test_what_is_below_shows_through_and_what_is_written_stays_above(tmp_path: Path) -> None:
    base, overlay, whole = tmp_path / "base", tmp_path / "overlay", tmp_path / "whole"
    base.write_bytes(b"below" * 1000 + bytes(3 * MIB))
    overlay.write_bytes(empty(4 * MIB, backing=str(base), backing_format="raw"))
    made = overlay.stat().st_size
    words = ["qemu-io", "-f", "qcow2", "-c", "write -P 0x41 1M 64k", str(overlay)]
    subprocess.run(words, check=True, capture_output=True)
    qemu_img("convert", "-f", "qcow2", "-O", "raw", overlay, whole)

    data = whole.read_bytes()
    assert data[:5000] == b"below" * 1000
    assert data[MIB : MIB + 65536] == b"A" * 65536
    assert b"A" not in base.read_bytes()
    assert overlay.stat().st_size > made


@pytest.mark.parametrize(
    ("capacity", "backing"), [(0, "/b"), (-1, "/b"), (1 << 60, "/b"), (512, ""), (512, "/" + "x" * 1023)]
)
def test_what_the_form_does_not_know_is_refused(capacity: int, backing: str) -> None:
    with pytest.raises(Invalid):
        empty(capacity, backing=backing, backing_format="raw")
