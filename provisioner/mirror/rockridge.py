"""Rock Ridge (IEEE P1282 on SUSP, IEEE P1281): names as POSIX has them, links, and folders that were moved.

A record's fields stand behind its name and go on elsewhere (CE); an image may lie about that too.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.mirror.iso9660 import SECTOR, Damaged, Read, Record

_MOST_CONTINUED = 32
_CONTINUES, _CURRENT, _PARENT, _ROOT = 1, 2, 4, 8
_LINK_CONTINUES = 1


@dataclass(frozen=True, slots=True)
class Posix:
    """`link` is where a symbolic link leads, None for what is none. `moved` is the offset where the folder
    in this place really lies; `elsewhere` says that this is such a folder, whose place is another.
    """

    name: bytes
    link: bytes | None = None
    moved: int | None = None
    elsewhere: bool = False


def skipped(itself: Record) -> int | None:
    """How many bytes stand before the fields of each record, told by the root's own; None: no Rock Ridge."""
    system = itself.system
    if system[:2] == b"SP" and len(system) >= 7 and system[4:6] == b"\xbe\xef":
        return system[6]
    return None


def posix(record: Record, skip: int, read: Read) -> Posix:
    """What its fields say; the plain name where they have none. Raises Damaged."""
    name, link = bytearray(), None
    moved, elsewhere, joined = None, False, False
    for kind, body in _fields(record.system[skip:], read):
        if kind == b"NM" and body:
            name += body[1:]
        elif kind == b"SL" and body:
            link, joined = _link(link or b"", body[1:], joined)
        elif kind == b"CL" and len(body) >= 4:
            moved = int(struct.unpack_from("<I", body)[0]) * SECTOR
        elif kind == b"RE":
            elsewhere = True
    return Posix(bytes(name) or record.name, link, moved, elsewhere)


def _fields(data: bytes, read: Read) -> Iterator[tuple[bytes, bytes]]:
    """Each field's two letters and what stands behind its length and version."""
    for _ in range(_MOST_CONTINUED):
        at, further = 0, None
        while at + 4 <= len(data):
            kind, length = data[at : at + 2], data[at + 2]
            if length < 4 or at + length > len(data):
                break  # what is left is padding
            body = data[at + 4 : at + length]
            if kind == b"CE" and len(body) >= 24:
                further = struct.unpack("<IxxxxIxxxxIxxxx", body[:24])
            elif kind == b"ST":
                break
            else:
                yield kind, body
            at += length
        if further is None:
            return
        sector, offset, size = further
        if offset + size > SECTOR:
            raise Damaged("what a record says of itself goes on beyond its sector")
        data = read(sector * SECTOR + offset, size)
    raise Damaged("what a record says of itself goes on without end")


def _link(so_far: bytes, parts: bytes, joined: bool) -> tuple[bytes, bool]:
    """The target with this field's parts behind it, and whether its last one goes on in the next field."""
    at = 0
    while at + 2 <= len(parts):
        flags, length = parts[at], parts[at + 1]
        text = parts[at + 2 : at + 2 + length]
        if flags & _ROOT:
            so_far, text = b"/", b""
        elif flags & _PARENT:
            text = b".."
        elif flags & _CURRENT:
            text = b"."
        so_far += text if joined or not so_far or so_far.endswith(b"/") else b"/" + text
        joined = bool(flags & _LINK_CONTINUES)
        at += 2 + length
    return so_far, joined
