"""Files put into an initrd by an archive behind it: the kernel unpacks one after the other.

As virt-install's --initrd-inject does it: by their base names, into the root, owned by root.
"""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from provisioner.core.errors import Invalid
from provisioner.media import cpio

PIECE = 1024 * 1024


def extra(files: Mapping[str, bytes]) -> bytes:
    """The archive that goes behind an initrd. Raises Invalid where two files have one base name."""
    entries: dict[str, cpio.Entry] = {}
    for path, data in files.items():
        name = PurePosixPath(path).name
        if not name or name in entries:
            raise Invalid(
                f"two files for the initrd are called {name}" if name else f"{path!r} has no file name",
                remedy="files are put into the initrd's root by their base names: rename one",
            )
        entries[name] = cpio.file(name, data)
    return gzip.compress(cpio.archive(entries.values()), mtime=0)


def inject(initrd: bytes | Path, files: Mapping[str, bytes]) -> Iterator[bytes]:
    """The initrd with the files behind it, in pieces: a large one is never held whole.

    What is behind an archive begins at a multiple of four bytes, as the kernel wants it. Raises Invalid.
    """
    behind = extra(files)
    length = 0
    for piece in [initrd] if isinstance(initrd, bytes) else _pieces(initrd):
        length += len(piece)
        yield piece
    yield b"\0" * (-length % 4) + behind


def _pieces(place: Path) -> Iterator[bytes]:
    with place.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece
