"""Images that are no tree, and images that lie: each is one sentence, soon, whatever it says of itself."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pycdlib import PyCdlib

from provisioner.core.errors import Unavailable
from provisioner.mirror.isofolders import MOST_ENTRIES
from provisioner.mirror.isoindex import index

SECTOR = 2048
ROOT = 156  # of the primary descriptor: the record of the root
README = b'This disc contains a "UDF" file system and requires an operating system that supports it.'


def image(place: Path, files: dict[str, bytes], **wishes: Any) -> bytearray:
    """By plain names, or by whatever else is wished for."""
    iso = PyCdlib()
    iso.new(interchange_level=3, **wishes)
    for folder in sorted({name.rpartition("/")[0] for name in files} - {""}):
        iso.add_directory(f"/{folder}")
    for name, data in files.items():
        iso.add_fp(io.BytesIO(data), len(data), f"/{name};1")
    iso.write(str(place))
    iso.close()
    return bytearray(place.read_bytes())


def root_of(data: bytearray) -> int:
    """Where the root folder lies."""
    return int(struct.unpack_from("<I", data, 16 * SECTOR + ROOT + 2)[0]) * SECTOR


def record(name: bytes, extent: int, length: int, *, folder: bool, system: bytes = b"") -> bytes:
    body = struct.pack("<xI4xI4x7xBBBHHB", extent, length, 2 if folder else 0, 0, 0, 1, 1, len(name)) + name
    body += bytes(1 - len(name) % 2) + system
    return bytes([len(body) + 1]) + body


def with_root(data: bytearray, content: bytes) -> bytes:
    """The image with another root folder, at its end."""
    at = len(data)
    struct.pack_into("<I4xI", data, 16 * SECTOR + ROOT + 2, at // SECTOR, len(content))
    return bytes(data) + content + bytes(-len(content) % SECTOR)


def udf_only(place: Path) -> bytes:
    data = image(place, {"A.TXT": b"a"}, udf="2.60")
    for number in range(16, 40):
        at = number * SECTOR
        if data[at + 1 : at + 6] == b"CD001":
            data[at : at + SECTOR] = bytes(SECTOR)
            data[at + 1 : at + 6] = b"BEA01"
    return bytes(data)


def itself(data: bytearray) -> bytes:
    """A root that holds itself."""
    at = len(data) // SECTOR
    own = record(b"\0", at, SECTOR, folder=True) + record(b"\1", at, SECTOR, folder=True)
    return with_root(data, (own + record(b"LOOP", at, SECTOR, folder=True)).ljust(SECTOR, b"\0"))


def twice(data: bytearray) -> bytes:
    own = record(b"\0", root_of(data) // SECTOR, SECTOR, folder=True)
    other = root_of(data) // SECTOR
    return with_root(
        data, own + record(b"A", other, SECTOR, folder=True) + record(b"B", other, SECTOR, folder=True)
    )


def many(data: bytearray) -> bytes:
    one = record(b"ABCDEF", 20, 1, folder=False)
    sector = (one * (SECTOR // len(one))).ljust(SECTOR, b"\0")
    return with_root(data, sector * (MOST_ENTRIES // (SECTOR // len(one)) + 1))


def endless_names(data: bytearray) -> bytes:
    """Rock Ridge fields that go on in themselves."""
    at = len(data) // SECTOR
    sp = b"SP\7\1\xbe\xef\0"
    field = struct.pack("<2sBBI4xI4xI4x", b"CE", 28, 1, at + 1, 0, 28)
    content = record(b"\0", at, SECTOR, folder=True, system=sp)
    content += record(b"A.;1", 20, 1, folder=False, system=field)
    return with_root(data, content.ljust(SECTOR, b"\0") + field.ljust(SECTOR, b"\0"))


def beyond(data: bytearray) -> bytes:
    """A field that goes on far behind the end of the image: nothing is there."""
    sp = b"SP\7\1\xbe\xef\0"
    field = struct.pack("<2sBBI4xI4xI4x", b"CE", 28, 1, 0xFFFFFFF0, 2000, 4000)
    content = record(b"\0", len(data) // SECTOR, SECTOR, folder=True, system=sp)
    return with_root(data, content + record(b"A.;1", 20, 1, folder=False, system=field))


def long_root(data: bytearray) -> bytes:
    struct.pack_into("<I", data, 16 * SECTOR + ROOT + 10, 0xFFFFF800)
    return bytes(data)


def longer_root(data: bytearray) -> bytes:
    struct.pack_into("<I", data, 16 * SECTOR + ROOT + 10, 2_000_000)
    return bytes(data)


def far_file(data: bytearray) -> bytes:
    content = record(b"\0", 20, SECTOR, folder=True) + record(b"A.;1", 0xFFFFFFFF, 5, folder=False)
    return with_root(data, content)


def odd_block(data: bytearray) -> bytes:
    struct.pack_into("<H", data, 16 * SECTOR + 128, 512)
    return bytes(data)


def short_record(data: bytearray) -> bytes:
    data[root_of(data)] = 12
    return bytes(data)


LIES: dict[str, tuple[Callable[[bytearray], bytes], str]] = {
    "folder in itself": (itself, "is not an ISO that can be read: its folder /loop is in it twice"),
    "folder twice": (twice, "is not an ISO that can be read: its folder /"),
    "too many": (many, f"is not an ISO that can be read: it has more than {MOST_ENTRIES} files and folders"),
    "names without end": (endless_names, "what a record says of itself goes on without end"),
    "names beyond": (beyond, "what a record says of itself goes on beyond its sector"),
    "root of 4 GiB": (long_root, "is not an ISO that can be read: its folders have more than 128 MiB"),
    "root beyond the end": (
        longer_root,
        "is not an ISO that can be read: its folder / goes on behind its end",
    ),
    "file beyond the end": (far_file, "is cut short: it has "),
    "blocks of 512": (odd_block, "its blocks have 512 bytes, where those of discs have 2048"),
    "record too short": (short_record, "a record of its folders does not fit its sector"),
}


@pytest.mark.parametrize("name", LIES)
def test_an_image_that_lies_is_one_sentence(tmp_path: Path, name: str) -> None:
    change, said = LIES[name]
    place = tmp_path / "x.iso"
    place.write_bytes(change(image(place, {"A.TXT": b"a"})))
    with pytest.raises(Unavailable) as refusal:
        index(place)

    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert refusal.value.remedy == "fetch the ISO again, or unpack it and name the folder"


def test_a_file_is_found_in_iso_9660_where_there_is_udf_as_well(tmp_path: Path) -> None:
    place = tmp_path / "x.iso"
    data = image(place, {"A.TXT": b"first", "B.TXT": b"second"}, udf="2.60")
    extents = index(place).find("b.txt")

    assert extents is not None
    ((offset, length),) = extents
    assert data[offset : offset + length] == b"second"


def test_an_image_of_udf_alone_is_one_sentence(tmp_path: Path) -> None:
    place = tmp_path / "x.iso"
    place.write_bytes(udf_only(place))
    with pytest.raises(Unavailable, match=r"x\.iso is not an ISO .*: its files are in UDF alone"):
        index(place)


def test_a_text_in_the_place_of_files_means_udf_alone(tmp_path: Path) -> None:
    place = tmp_path / "x.iso"
    image(place, {"README.TXT": README}, udf="2.60")
    with pytest.raises(Unavailable, match="its files are in UDF alone"):
        index(place)


WINDOWS: dict[str, tuple[dict[str, bytes], dict[str, Any]]] = {
    "as Microsoft makes it": (
        {"README.TXT": README},
        {"udf": "2.60", "pub_ident_str": "MICROSOFT CORPORATION"},
    ),
    "remade": ({"BOOTMGR.": b"x", "SOURCES/BOOT.WIM": b"x", "SOURCES/INSTALL.WIM": b"x"}, {}),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_is_told_as_what_it_is(tmp_path: Path, name: str) -> None:
    files, wishes = WINDOWS[name]
    place = tmp_path / "x.iso"
    image(place, files, **wishes)
    with pytest.raises(Unavailable) as refusal:
        index(place)

    assert str(refusal.value) == f"{place} is a medium of Windows, which no tree is made of"
    assert refusal.value.remedy.endswith("provisioner guest create NAME --cdrom FILE")
