"""Files behind an initrd, as virt-install's --initrd-inject puts them there."""

import gzip
import stat
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid
from provisioner.media.initrd import PIECE, extra, inject
from tests.unit.media.test_parts import unpacked

FILES = {"/home/me/ks.cfg": b"text\n", "late.sh": b"#!/bin/sh\n"}


def test_files_come_by_their_base_names_and_belong_to_root() -> None:
    assert unpacked(gzip.decompress(extra(FILES))) == {
        "ks.cfg": (stat.S_IFREG | 0o644, b"text\n", (0, 0)),
        "late.sh": (stat.S_IFREG | 0o644, b"#!/bin/sh\n", (0, 0)),
    }
    assert extra(FILES) == extra(dict(reversed(FILES.items())))


@pytest.mark.parametrize("size", [0, 1, 4, PIECE, 3 * PIECE + 3])
def test_they_stand_behind_the_initrd_at_a_multiple_of_four(tmp_path: Path, size: int) -> None:
    place = tmp_path / "initrd"
    place.write_bytes(b"i" * size)
    whole = b"".join(inject(place, FILES))

    assert whole[:size] == b"i" * size
    assert whole[size + -size % 4 :] == extra(FILES)
    assert whole == b"".join(inject(b"i" * size, FILES))
    assert len(whole) == size + -size % 4 + len(extra(FILES))


def test_a_large_initrd_is_never_held_whole(tmp_path: Path) -> None:
    place = tmp_path / "initrd"
    with place.open("wb") as made:
        made.truncate(50 * PIECE)

    assert max(len(piece) for piece in inject(place, FILES)) == PIECE


def test_two_files_of_one_base_name_are_refused() -> None:
    with pytest.raises(Invalid, match=r"two files for the initrd are called ks\.cfg") as refusal:
        extra({"a/ks.cfg": b"", "b/ks.cfg": b""})

    assert "rename one" in refusal.value.remedy
    with pytest.raises(Invalid, match="'/' has no file name"):
        extra({"/": b""})
