"""What is current outlives the service, or is not there; it is never something else."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from provisioner.mirror.objects import Objects
from provisioner.mirror.pointers import Pointer, Pointers
from provisioner.mirror.roots import Root

_SOURCE = "http://mirror.example/debian"
_FILES = {"dists/s/InRelease": b"one\n{}\n", "dists/s/Release": b"\x00\n"}
_POINTER = Pointer(
    "debian",
    "dists/s",
    {path: sha256(data).hexdigest() for path, data in _FILES.items()},
    "http://mirror.example/debian/dists/s/InRelease",
    '"1"',
    "",
    "F00D",
    "",
    "",
    1_700_000_000.0,
)


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path)


def test_it_is_found_as_it_was_set(objects: Objects) -> None:
    pointers = Pointers(objects)
    pointers.set(_SOURCE, _POINTER, _FILES)
    assert list(pointers.all(_SOURCE)) == [(_POINTER, _FILES)]
    assert list(pointers.all(_SOURCE + "/x")) == []

    pointers.confirm(_SOURCE, Root("debian", "dists/s"), 1_700_000_600.0)
    pointers.confirm(_SOURCE, Root("debian", "dists/other"), 1.0)
    assert list(Pointers(objects).all(_SOURCE)) == [(replace(_POINTER, checked=1_700_000_600.0), _FILES)]

    pointers.set(_SOURCE, replace(_POINTER, files={}), {})
    assert [files for _, files in pointers.all(_SOURCE)] == [{}]

    objects.forget(_SOURCE)
    assert list(pointers.all(_SOURCE)) == []


@pytest.mark.parametrize("end", [0, 1, 40, -1])
def test_half_of_one_is_none(objects: Objects, end: int) -> None:
    pointers = Pointers(objects)
    pointers.set(_SOURCE, _POINTER, _FILES)
    (place,) = (objects.folder(_SOURCE) / "states").iterdir()
    place.write_bytes(place.read_bytes()[:end])

    assert list(pointers.all(_SOURCE)) == []


@pytest.mark.parametrize("data", [b"[]\n", b"{}\n", b"{\n", b"\xff\n", b'{"sizes": {"a": -1}}\n'])
def test_what_is_none_is_passed_over(objects: Objects, data: bytes) -> None:
    pointers = Pointers(objects)
    pointers.set(_SOURCE, _POINTER, _FILES)
    (place,) = (objects.folder(_SOURCE) / "states").iterdir()
    (place.parent / "stray").write_bytes(data)

    assert list(pointers.all(_SOURCE)) == [(_POINTER, _FILES)]
