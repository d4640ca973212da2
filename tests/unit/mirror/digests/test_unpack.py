"""Packed metadata: whole, or one error; never more than it may be."""

import bz2
import gzip
import lzma
import shutil
import subprocess
from collections.abc import Callable

import pytest

from provisioner.core.errors import Invalid
from provisioner.mirror.digests.unpack import unpack

_TEXT = b"".join(b"Package: %d\n" % number for number in range(50_000))


def _zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": _zstd,
}
pytestmark = pytest.mark.skipif(not shutil.which("zstd"), reason="no zstd here")


def _pieces(data: bytes, step: int) -> list[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


@pytest.mark.parametrize("kind", _PACKERS)
@pytest.mark.parametrize("step", [3, 4096, 1 << 20])
def test_what_was_packed_comes_out(kind: str, step: int) -> None:
    packed = _PACKERS[kind](_TEXT)

    assert b"".join(unpack(_pieces(packed, step), "x")) == _TEXT
    assert b"".join(unpack(_pieces(packed + packed, step), "x")) == _TEXT * 2


def test_what_is_not_packed_comes_out_as_it_is() -> None:
    assert b"".join(unpack(_pieces(_TEXT, 4096), "x")) == _TEXT
    assert b"".join(unpack([], "x")) == b""


@pytest.mark.parametrize("kind", _PACKERS)
def test_broken_and_cut_off(kind: str) -> None:
    packed = _PACKERS[kind](_TEXT)
    middle = len(packed) // 2
    for broken in (
        packed[:middle],
        packed[:-1],
        packed[:middle] + bytes([packed[middle] ^ 16]) + packed[middle + 1 :],
    ):
        with pytest.raises(Invalid, match=r"^x cannot be u"):
            list(unpack(_pieces(broken, 4096), "x"))


@pytest.mark.parametrize("kind", _PACKERS)
def test_a_bomb_stops_at_the_bound(kind: str) -> None:
    packed = _PACKERS[kind](bytes(64 << 20))
    longest = 0
    with pytest.raises(Invalid, match="longer than 8 MiB"):
        for piece in unpack([packed], "x", 8 << 20):
            longest = max(longest, len(piece))

    assert longest <= 1 << 20
