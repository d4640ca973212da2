"""Parts of files that are not there yet: which are waited for, and which are fetched by themselves."""

import re

from provisioner.mirror.filling import Fill
from provisioner.mirror.stream import Headers, byte_range

NEAR = 4 * 1024 * 1024
"""A range that begins so many bytes behind what is there waits for it; one farther off is fetched apart."""
_PROBE = 64 * 1024
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def is_far(fill: Fill, asked: str) -> bool:
    """Whether a part is too far from what is there to be waited for."""
    wanted = None if fill.size is None else byte_range(asked, fill.size)
    return wanted is not None and (fill.part is None or wanted[0] > fill.have + NEAR)


def apart(fill: Fill, asked: Headers) -> Headers:
    """The range alone, of the same state of the file where that can be said."""
    strong = fill.said.etag.startswith('"')
    return {"Range": asked["Range"]} | ({"If-Range": fill.said.etag} if strong else {})


def is_probe(asked: str) -> bool:
    """Whether a range is one that nobody goes on from: for its sake alone nothing is fetched whole."""
    found = _RANGE.fullmatch(asked)
    if found is None:
        return asked.startswith("bytes=-")
    first, last = found.groups()
    return int(first) > NEAR or (bool(last) and int(last) - int(first) < _PROBE)
