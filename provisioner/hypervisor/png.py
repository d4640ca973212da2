"""PNG from the PPM that libvirt with an older QEMU gives for a screenshot."""

import re
import struct
import zlib

from provisioner.core.errors import Unavailable

_HEAD = re.compile(rb"P6(?:\s+|\s*#[^\n]*\n)+(\d+)(?:\s+|\s*#[^\n]*\n)+(\d+)(?:\s+|\s*#[^\n]*\n)+(\d+)\s")
_MOST = 16384
_FAST = 1


def from_ppm(picture: bytes) -> bytes:
    """A binary PPM (P6, 8 bits a colour) as PNG. Raises Unavailable for anything else."""
    head = _HEAD.match(picture)
    width, height, depth = map(int, head.groups()) if head else (0, 0, 0)
    if head is None or depth != 255 or not (0 < width <= _MOST and 0 < height <= _MOST):
        raise Unavailable("libvirt gave a picture of the screen in a form that is not known here")
    line = width * 3
    pixels = memoryview(picture)[head.end() :]
    if len(pixels) < line * height:
        raise Unavailable("libvirt gave only a part of the screen's picture")
    rows = b"".join(b"\0" + pixels[start : start + line] for start in range(0, line * height, line))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(rows, _FAST)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
