"""Bytes and holes: together they are always the content, and holes never lie where they must not."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.hypervisor.holes import BLOCK, extents, last_data, runs

PARTS = st.lists(
    st.one_of(st.integers(1, 4 * BLOCK).map(bytes), st.binary(min_size=1, max_size=2000)), max_size=8
)


def whole(parts: Iterable[bytes | int]) -> bytes:
    return b"".join(bytes(part) if isinstance(part, int) else part for part in parts)


@given(PARTS, st.integers(0, 3 * BLOCK))
def test_nothing_is_lost(pieces: list[bytes], dense: int) -> None:
    found = list(runs(pieces, dense=dense))

    assert whole(found) == b"".join(pieces)
    at = 0
    for part in found:
        assert not isinstance(part, int) or (part % BLOCK == 0 and at >= dense), found
        at += part if isinstance(part, int) else len(part)


def test_zeros_are_one_hole_wherever_the_pieces_end() -> None:
    content = b"a" + bytes(10 * BLOCK) + b"z"
    pieces = [content[at : at + 1000] for at in range(0, len(content), 1000)]

    assert [part for part in runs(pieces, dense=0) if isinstance(part, int)] == [9 * BLOCK]


@pytest.mark.parametrize("dense", [0, 1, BLOCK, 100 * BLOCK])
def test_a_sparse_file(tmp_path: Path, dense: int) -> None:
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.write(b"begin")
        file.seek(50 * BLOCK)
        file.write(b"middle" + bytes(2 * BLOCK))
        file.truncate(90 * BLOCK + 5)
    size = path.stat().st_size
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = list(extents(descriptor, size, dense=dense))
        assert whole(found) == path.read_bytes()
        assert any(isinstance(part, int) for part in found) == (dense <= BLOCK)
        assert last_data(descriptor, size) == 50 * BLOCK
        os.truncate(path, 0)
        assert last_data(descriptor, 0) == 0
    finally:
        os.close(descriptor)
