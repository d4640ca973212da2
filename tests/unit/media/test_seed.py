"""Seed volumes: read back by pycdlib's own reader, by isoinfo and blkid where these are here."""

import io
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from pycdlib import PyCdlib

from provisioner.media.seed import CIDATA, OEMDRV, seed

FILES = {
    "user-data": b"#cloud-config\nautoinstall: {version: 1}\n",
    "meta-data": b"",
    "network-config": b"version: 2\n" * 500,
    "vendor-data": b"",
}


def content(image: bytes, **wishes: str) -> dict[str, bytes]:
    """Every file, by the asked kind of names."""
    iso = PyCdlib()
    iso.open_fp(io.BytesIO(image))
    found = {}
    for kind in wishes:
        for _, _, names in iso.walk(**wishes):
            for name in names:
                out = io.BytesIO()
                iso.get_file_from_iso_fp(out, **{kind: f"/{name}"})
                found[name] = out.getvalue()
    iso.close()
    return found


def test_the_files_are_there_by_both_kinds_of_names() -> None:
    image = seed(CIDATA, FILES)

    assert content(image, rr_path="/") == FILES
    assert content(image, joliet_path="/") == FILES


def test_the_same_files_give_the_same_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    long = {"a name that needs a continuation of its directory record, for it is long": b"x"}
    long = {name[:64]: data for name, data in long.items()}
    before = seed(CIDATA, FILES | long)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)

    assert seed(CIDATA, dict(reversed((FILES | long).items()))) == before


def test_a_label_is_what_tools_see(tmp_path: Path) -> None:
    place = tmp_path / "seed.iso"
    place.write_bytes(seed(OEMDRV, {"ks.cfg": b"text\n"}))
    if shutil.which("blkid"):
        words = ["blkid", "-p", "-o", "value", "-s", "LABEL", "-s", "TYPE", str(place)]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        assert told == ["OEMDRV", "iso9660"]
    if shutil.which("isoinfo"):
        words = ["isoinfo", "-R", "-i", str(place), "-x", "/ks.cfg"]
        assert subprocess.run(words, capture_output=True, check=True).stdout == b"text\n"
    assert place.read_bytes()[32808:32840] == b"OEMDRV".ljust(32)


@pytest.mark.parametrize("label", ["", "A" * 17, "über", "a\nb"])
def test_a_label_that_no_volume_can_have_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="a volume cannot have the label"):
        seed(label, {})


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 65, "a\0"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot have a file"):
        seed(OEMDRV, {name: b""})
