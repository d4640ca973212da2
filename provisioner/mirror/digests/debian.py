"""Repositories of Debian packages: a suite's `Release`, and the packages that `Packages` lists.

Source: wiki.debian.org/DebianRepository/Format, deb822(5).
"""

import re
from collections.abc import Iterable

from provisioner.mirror.digests import sums
from provisioner.mirror.digests.table import Rows, Table

_KINDS = (b"MD5Sum", b"SHA1", b"SHA256", b"SHA512")
_FIELDS = tuple(re.compile(rb"^" + name + rb": *(\S+) *$", re.MULTILINE) for name in (b"SHA512", b"SHA256"))
_WEAK = tuple(re.compile(rb"^" + name + rb": *(\S+) *$", re.MULTILINE) for name in (b"SHA1", b"MD5sum"))
_FILENAME = re.compile(rb"^Filename: *(\S.*?) *$", re.MULTILINE)
_SIZE = re.compile(rb"^Size: *(\d+) *$", re.MULTILINE)
_STANZA = 4 << 20
"""A stanza is at most so long."""


def read_release(data: bytes, by: str, signed: str = "") -> Table:
    """What `Release` or a clear-signed `InRelease` at the path `by` says of the files below its folder.

    Raises Invalid.
    """
    rows = Rows(by, by.rpartition("/")[0])
    inside = False
    found_any = False
    for line in sums.cleartext(data, rows).split(b"\n"):
        if line.startswith(b" "):
            words = line.split()
            if inside and len(words) == 3:
                rows.add(words[2], words[0], words[1])
                found_any = True
            elif inside:
                raise rows.broken(f"{line[:80]!r} is no digest, size and name")
        else:
            name, colon, _ = line.partition(b":")
            if line and not colon:
                raise rows.broken(f"{line[:80]!r} is no field")
            inside = name in _KINDS
    if not found_any:
        raise rows.broken("it names no files")
    return rows.table(signed)


def read_packages(pieces: Iterable[bytes], by: str, base: str, signed: str = "") -> Table:
    """What the unpacked `Packages` at the path `by` says of each package; names in it are below `base`.

    Raises Invalid.
    """
    rows = Rows(by, base)
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n\n")
        for stanza in whole:
            _package(stanza, rows)
        if len(rest) > _STANZA:
            raise rows.broken("there is a package without an end in it")
    _package(rest, rows)
    return rows.table(signed)


def _package(stanza: bytes, rows: Rows) -> None:
    name = _FILENAME.search(stanza)
    if name is None:
        if stanza.strip():
            raise rows.broken("there is a package without a file in it")
        return
    digest = next((found for field in _FIELDS + _WEAK if (found := field.search(stanza))), None)
    size = _SIZE.search(stanza)
    if digest is None or size is None:
        raise rows.broken(f"{name[1][:80]!r} has no digest, or no size")
    rows.add(name[1], digest[1], size[1])
