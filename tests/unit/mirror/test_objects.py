"""Kept files: whole with what is known of them, or not there."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from provisioner.mirror.objects import Kept, Known, Objects, mark_checked, mark_used

_SOURCE = "http://mirror.example/centos/7"
_BODY = b"rpm" * 1000


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "mirror")


def _keep(objects: Objects, path: str, body: bytes = _BODY, digest: str = "") -> Known:
    known = Known(_SOURCE, path, len(body), sha256(body).hexdigest(), etag='"1"', by="repodata/repomd.xml")
    part = objects.part(_SOURCE, path, digest)
    with part.file:
        part.file.write(body)
        part.keep(known)
    return known


def _read(found: Kept | None) -> bytes:
    assert found is not None
    with found:
        return found.file.read(found.known.size)


def test_what_was_kept_is_found_with_what_is_known_of_it(objects: Objects) -> None:
    known = _keep(objects, "Packages/a.rpm")
    found = objects.find(_SOURCE, "Packages/a.rpm")
    assert found is not None
    assert found.known == known
    assert _read(found) == _BODY


@pytest.mark.parametrize(
    ("source", "path", "digest"),
    [
        (_SOURCE, "Packages/b.rpm", ""),
        (_SOURCE + "/x", "Packages/a.rpm", ""),
        (_SOURCE, "Packages/a.rpm", "1"),
    ],
)
def test_another_file_is_not_there(objects: Objects, source: str, path: str, digest: str) -> None:
    _keep(objects, "Packages/a.rpm")
    assert objects.find(source, path, digest) is None


def test_two_states_of_a_file_lie_side_by_side(objects: Objects) -> None:
    _keep(objects, "Packages.xz", b"old", "0")
    _keep(objects, "Packages.xz", b"new", "1")
    assert _read(objects.find(_SOURCE, "Packages.xz", "0")) == b"old"
    assert _read(objects.find(_SOURCE, "Packages.xz", "1")) == b"new"


def test_a_part_is_no_kept_file_and_is_swept(objects: Objects, tmp_path: Path) -> None:
    part = objects.part(_SOURCE, "Packages/a.rpm")
    with part.file:
        part.file.write(_BODY)
    assert objects.find(_SOURCE, "Packages/a.rpm") is None
    assert objects.sweep() == 1
    assert [place for place in (tmp_path / "mirror").rglob("*") if place.is_file()] == []


def test_a_part_that_is_being_filled_is_not_swept(objects: Objects) -> None:
    part = objects.part(_SOURCE, "Packages/a.rpm")
    with part.file:
        assert objects.sweep() == 0
        part.put(_BODY, 0)
        part.keep(Known(_SOURCE, "Packages/a.rpm", len(_BODY), "0"))
    assert _read(objects.find(_SOURCE, "Packages/a.rpm")) == _BODY


def test_a_reader_of_the_part_reads_on_after_it_was_kept(objects: Objects) -> None:
    part = objects.part(_SOURCE, "Packages/a.rpm")
    with part.file:
        part.file.write(_BODY)
        part.keep(Known(_SOURCE, "Packages/a.rpm", len(_BODY), "0"))
        assert os.pread(part.file.fileno(), len(_BODY), 0) == _BODY


@pytest.mark.parametrize("cut", [1, 11, 12, 13, 200, 3100])
def test_a_file_cut_short_is_not_there(objects: Objects, cut: int) -> None:
    _keep(objects, "Packages/a.rpm")
    found = objects.find(_SOURCE, "Packages/a.rpm")
    assert found is not None
    with found:
        os.truncate(found.place, found.place.stat().st_size - cut)
    assert objects.find(_SOURCE, "Packages/a.rpm") is None


def test_marks_keep_each_other(objects: Objects) -> None:
    _keep(objects, "Packages/a.rpm")
    found = objects.find(_SOURCE, "Packages/a.rpm")
    assert found is not None
    os.utime(found.place, (1.0, 2.0))
    for mark in (mark_used, mark_checked):
        now = objects.find(_SOURCE, "Packages/a.rpm")
        assert now is not None
        mark(now)
        now.file.close()
    found.file.close()
    last = objects.find(_SOURCE, "Packages/a.rpm")
    assert last is not None
    assert last.used > 2.0
    assert last.checked > 2.0
    last.file.close()


def test_walk_and_forget(objects: Objects) -> None:
    _keep(objects, "a")
    _keep(objects, "b")
    assert sorted(kept.known.path for kept in objects.walk()) == ["a", "b"]
    assert len(list(objects.walk(_SOURCE))) == 2
    assert list(objects.walk("http://elsewhere/")) == []
    objects.forget(_SOURCE)
    assert list(objects.walk()) == []
