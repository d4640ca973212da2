"""Small volumes that bring an answer file with them, made without a mount and without root.

Installers look for them by label: Anaconda (`ks.cfg`) and AutoYaST (`autoinst.xml`) for OEMDRV, cloud-init
and Ubuntu's autoinstall (`user-data`, `meta-data`, `network-config`, `vendor-data`) for cidata.
"""

import io
import struct
from collections.abc import Iterator, Mapping

from pycdlib import PyCdlib

OEMDRV = "OEMDRV"
CIDATA = "cidata"
LIMIT = 16 * 1024 * 1024
"""No answer file is longer; what is, is something else."""
_SECTOR = 2048
_LABEL = 16  # characters that Joliet has for it
_NAME = 64  # the same for a file
_DATE = bytes((70, 1, 1, 0, 0, 0, 0))
_LONG_DATE = b"1970010100000000\0"


def seed(label: str, files: Mapping[str, bytes]) -> bytes:
    """An ISO 9660 volume with Rock Ridge and Joliet names, the same bytes for the same input.

    Raises ValueError for a label or a name that such a volume cannot have.
    """
    if not 0 < len(label) <= _LABEL or not label.isascii() or not label.isprintable():
        raise ValueError(f"a volume cannot have the label {label!r}")
    iso = PyCdlib()
    iso.new(interchange_level=3, vol_ident=label, joliet=3, rock_ridge="1.09")
    for number, (name, data) in enumerate(sorted(files.items())):
        if not 0 < len(name) <= _NAME or "/" in name or "\0" in name or name in (".", ".."):
            raise ValueError(f"a seed volume cannot have a file {name!r}")
        if len(data) > LIMIT:
            raise ValueError(f"{name} is longer than {LIMIT // 1024 // 1024} MiB")
        iso.add_fp(
            io.BytesIO(data),
            len(data),
            f"/FILE{number}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
            file_mode=0o100444,
        )
    made = io.BytesIO()
    iso.write_fp(made)
    iso.close()
    image = bytearray(made.getvalue())
    _undate(image)
    return bytes(image)


def _undate(image: bytearray) -> None:
    """Every time in it becomes the beginning of 1970."""
    for sector in range(16, 32):
        at = sector * _SECTOR
        if image[at] == 255:
            return
        for place in range(at + 813, at + 881, 17):  # made, changed, expires, valid from
            if image[place : place + 4] != b"0000":
                image[place : place + 17] = _LONG_DATE
        _undate_record(image, at + 156)
        extent, length = _extent(image, at + 156)
        for record in _records(image, extent * _SECTOR, length):
            _undate_record(image, record)


def _extent(image: bytearray, record: int) -> tuple[int, int]:
    found: tuple[int, int] = (
        struct.unpack_from("<I", image, record + 2)[0],
        struct.unpack_from("<I", image, record + 10)[0],
    )
    return found


def _records(image: bytearray, at: int, length: int) -> Iterator[int]:
    """Where each directory record of a folder begins; none crosses a sector's end."""
    end = at + length
    while at < end:
        if image[at]:
            yield at
            at += image[at]
        else:
            at = (at // _SECTOR + 1) * _SECTOR


def _undate_record(image: bytearray, record: int) -> None:
    image[record + 18 : record + 25] = _DATE
    name = image[record + 32]
    _undate_fields(image, record + 33 + name + (1 - name % 2), record + image[record])


def _undate_fields(image: bytearray, at: int, end: int) -> None:
    """Rock Ridge's own dates (TF), those in a continuation (CE) too."""
    while at + 4 <= end and image[at + 2] >= 4:
        kind, length = bytes(image[at : at + 2]), image[at + 2]
        if kind == b"TF":
            for place in range(at + 5, at + length, 7):
                image[place : place + 7] = _DATE
        elif kind == b"CE":
            sector, offset, size = (struct.unpack_from("<I", image, at + field)[0] for field in (4, 12, 20))
            _undate_fields(image, sector * _SECTOR + offset, sector * _SECTOR + offset + size)
        at += length
