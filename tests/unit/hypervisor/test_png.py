"""Pictures of a screen as PNG, read back by hand."""

import struct
import zlib

import pytest

from provisioner.core.errors import Unavailable
from provisioner.hypervisor.png import from_ppm


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the rows without their filter bytes. Checks every chunk's sum."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + data)
        chunks[kind] = data
        at += 12 + size
    width, height, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colours) == (8, 2)
    raw = zlib.decompress(chunks[b"IDAT"])
    line = width * 3 + 1
    assert {raw[row * line] for row in range(height)} == {0}
    return width, height, b"".join(raw[row * line + 1 : (row + 1) * line] for row in range(height))


@pytest.mark.parametrize("head", [b"P6\n3 2\n255\n", b"P6 3 2 255 ", b"P6\n# by a program\n3 2\n# x\n255\n"])
def test_a_ppm_becomes_a_png(head: bytes) -> None:
    colours = bytes(range(18))

    assert pixels(from_ppm(head + colours)) == (3, 2, colours)


BAD = {
    "empty": b"",
    "text": b"P3\n1 1\n255\n0 0 0\n",
    "16 bits": b"P6\n1 1\n65535\n" + bytes(6),
    "cut short": b"P6\n2 2\n255\n" + bytes(11),
    "no size": b"P6\n0 1\n255\n",
    "absurd": b"P6\n99999 99999\n255\n" + bytes(100),
}


@pytest.mark.parametrize("picture", BAD.values(), ids=BAD)
def test_what_is_no_picture_is_refused(picture: bytes) -> None:
    with pytest.raises(Unavailable, match="libvirt gave"):
        from_ppm(picture)
