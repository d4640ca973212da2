"""Repositories of Debian packages: a suite's `Release`, and the packages that `Packages` lists.

Source: wiki.debian.org/DebianRepository/Format, deb822(5).
"""

from collections.abc import Iterable

from provisioner.mirror.digests import sums
from provisioner.mirror.digests.table import Rows, Table

_KINDS = (b"MD5Sum", b"SHA1", b"SHA256", b"SHA512")
_DIGESTS = (b"\nSHA512:", b"\nSHA256:", b"\nSHA1:", b"\nMD5sum:")
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
    rest = b"\n"
    for piece in pieces:
        # An empty line ends a package; the fields of each are found behind line breaks.
        *whole, rest = (rest + piece).replace(b"\n\n", b"\n\n\n").split(b"\n\n")
        for stanza in whole:
            _package(stanza, rows)
        if len(rest) > _STANZA:
            raise rows.broken("there is a package without an end in it")
    _package(rest, rows)
    return rows.table(signed)


def _package(stanza: bytes, rows: Rows) -> None:
    """Only what is looked for is looked at: a release has 60,000 of them."""
    name = _field(stanza, b"\nFilename:")
    if not name:
        if stanza.strip():
            raise rows.broken("there is a package without a file in it")
        return
    digest = next((found for field in _DIGESTS if (found := _field(stanza, field))), b"")
    size = _field(stanza, b"\nSize:")
    if not digest or not size:
        raise rows.broken(f"{name[:80]!r} has no digest, or no size")
    rows.add(name, digest, size)


def _field(stanza: bytes, name: bytes) -> bytes:
    at = stanza.find(name)
    if at < 0:
        return b""
    end = stanza.find(b"\n", at + 1)
    return stanza[at + len(name) : end if end > 0 else None].strip()
