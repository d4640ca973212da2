"""Lists of checksums: GNU's and BSD's lines (SHA256SUMS, CHECKSUM, CHECKSUMS), and SUSE's `content`."""

import re

from provisioner.mirror.digests.table import Rows, Table

NAMES = (
    "SHA512SUMS",
    "SHA256SUMS",
    "CHECKSUMS",
    "SHA1SUMS",
    "MD5SUMS",
    "sha256sum.txt",
    "CHECKSUM",
    "content",
)
"""What such lists are called."""
_GNU = re.compile(rb"([0-9a-fA-F]{32,128}) [ *](\S.*)")
_BSD = re.compile(rb"[A-Z0-9-]+ ?\((\S.*)\) ?= ([0-9a-fA-F]{32,128})")
_SIZE = re.compile(rb"# ?(\S.*): (\d+) bytes")
_CONTENT = re.compile(rb"(?:HASH|META|KEY) +SHA\d* +([0-9a-fA-F]{40,128}) +(\S.*)")
_START = b"-----BEGIN PGP SIGNED MESSAGE-----"
_END = b"-----BEGIN PGP SIGNATURE-----"


def read(data: bytes, by: str, signed: str = "") -> Table:
    """What the list at the path `by` says, its paths below the list's own folder.

    Sources: sha256sum(1) and cksum(1) of GNU coreutils; openSUSE's linuxrc (`content`, its lines with HASH,
    META and KEY; META is below the folder that DESCRDIR names). Raises Invalid; a `content` without any such
    line is of another kind, and says nothing.
    """
    folder, _, name = by.rpartition("/")
    rows = Rows(by, folder)
    lines = [line.rstrip() for line in cleartext(data, rows).split(b"\n")]
    (_content if name == "content" else _sums)(lines, rows)
    return rows.table(signed)


def cleartext(data: bytes, rows: Rows) -> bytes:
    """What is inside a clear-signed text, all of any other. Raises Invalid for half of one, or several.

    Source: RFC 9580, 7: header lines up to an empty one, lines with a dash in front escaped by `- `.
    """
    if not data.startswith(_START):
        if _START in data:
            raise rows.broken("there is something in front of what is signed")
        return data
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    if _END not in lines or b"" not in lines or lines.index(_END) < lines.index(b""):
        raise rows.broken("its signature is cut off")
    inside = lines[lines.index(b"") + 1 : lines.index(_END)]
    if lines.count(_END) > 1 or any(line.startswith(b"-") and line[1:2] != b" " for line in inside):
        raise rows.broken("its signed text cannot be told from what is around it")
    return b"\n".join(line.removeprefix(b"- ") for line in inside) + b"\n"


def _sums(lines: list[bytes], rows: Rows) -> None:
    sizes = {found[1]: found[2] for line in lines if (found := _SIZE.fullmatch(line))}
    found_any = False
    for number, line in enumerate(lines, 1):
        if not line or line.startswith((b"#", b"Hash: ")):
            continue
        if gnu := _GNU.fullmatch(line):
            digest, path = gnu.groups()
        elif bsd := _BSD.fullmatch(line):
            path, digest = bsd.groups()
        else:
            raise rows.broken(f"line {number} is no checksum")
        rows.add(path, digest, sizes.get(path))
        found_any = True
    if not found_any:
        raise rows.broken("there is no checksum in it")


def _content(lines: list[bytes], rows: Rows) -> None:
    words = dict(line.split(None, 1) for line in lines if line.startswith((b"DESCRDIR ", b"DATADIR ")))
    folder = words.get(b"DESCRDIR", b"suse/setup/descr").strip()
    for line in lines:
        if found := _CONTENT.fullmatch(line):
            digest, path = found.groups()
            rows.add(folder + b"/" + path if line.startswith(b"META") else path, digest)
