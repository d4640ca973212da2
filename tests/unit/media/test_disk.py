"""The partition table that the installer writes, read back here; the boot loaders in their places."""

import struct
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.media import grub
from tests.unit.media.shell import SCRIPTS, run

SECTORS = 300_000  # no round number: the last partition ends where the table says, not at a border


@dataclass(frozen=True)
class Header:
    """The fields of a GPT header that differ between disks and copies."""

    here: int
    other: int
    first: int
    last: int
    disk: uuid.UUID
    entries: int


def header(disk: bytes, sector: int) -> Header:
    """The header in that sector, its checksums and the checksum of its entries compared."""
    raw = disk[sector * 512 : sector * 512 + 92]
    signature, revision, size, checksum = struct.unpack("<8sIII", raw[:20])
    assert (signature, revision, size) == (b"EFI PART", 0x10000, 92)
    assert zlib.crc32(raw[:16] + bytes(4) + raw[20:]) == checksum
    here, other, first, last, guid, entries, count, length, total = struct.unpack("<QQQQ16sQIII", raw[24:])
    assert (count, length) == (128, 128)
    assert zlib.crc32(disk[entries * 512 : entries * 512 + 128 * 128]) == total
    return Header(here, other, first, last, uuid.UUID(bytes_le=guid), entries)


def partitions(disk: bytes, sector: int) -> list[tuple[str, int, int, str]]:
    """Type, first, last and name of every entry that is in use."""
    found = []
    for number in range(128):
        raw = disk[sector * 512 + number * 128 :][:128]
        kind, _, first, last, _, name = struct.unpack("<16s16sQQQ72s", raw)
        if any(kind):
            text = name.decode("utf-16-le").rstrip("\0")
            found.append((str(uuid.UUID(bytes_le=kind)), first, last, text))
    return found


@pytest.fixture
def written(tmp_path: Path) -> tuple[bytes, str]:
    """A disk with the table on it, and what the script says are the ids of root and EFI partition."""
    disk = tmp_path / "disk"
    with disk.open("wb") as made:
        made.truncate(SECTORS * 512)
    done = run(tmp_path, f'gpt_write disk {SECTORS} "$RUN" && echo "$root_guid $esp_guid"')
    assert (done.returncode, done.stderr) == (0, "")
    return disk.read_bytes(), done.stdout.strip()


def test_both_headers_are_whole_and_name_each_other(written: tuple[bytes, str]) -> None:
    disk, _ = written
    front, back = header(disk, 1), header(disk, SECTORS - 1)

    assert front == Header(1, SECTORS - 1, 34, SECTORS - 34, front.disk, 2)
    assert back == Header(SECTORS - 1, 1, 34, SECTORS - 34, front.disk, SECTORS - 33)


def test_the_one_layout(written: tuple[bytes, str]) -> None:
    disk, _ = written
    expected = [
        ("21686148-6449-6e6f-744e-656564454649", 34, 2047, "BIOS"),
        ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", 2048, 133119, "EFI"),
        ("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", 133120, SECTORS - 34, "root"),
    ]

    assert partitions(disk, 2) == expected
    assert partitions(disk, SECTORS - 33) == expected


def test_the_ids_are_those_on_the_disk(written: tuple[bytes, str]) -> None:
    disk, said = written
    root, esp = (
        uuid.UUID(bytes_le=disk[1024 + number * 128 + 16 : 1024 + number * 128 + 32]) for number in (2, 1)
    )

    assert said == f"{root} {esp}"
    assert root != esp


@pytest.mark.parametrize(("sectors", "covered"), [(SECTORS, SECTORS - 1), (2**33, 2**32 - 1)])
def test_the_protective_record(tmp_path: Path, sectors: int, covered: int) -> None:
    with (tmp_path / "disk").open("wb") as made:
        made.truncate(sectors * 512)
    run(tmp_path, f'gpt_write disk {sectors} "$RUN"')
    with (tmp_path / "disk").open("rb") as opened:
        first = opened.read(512)

    assert first[446:462] == bytes.fromhex("00000200eeffffff01000000") + struct.pack("<I", covered)
    assert first[462:] == bytes(48) + b"\x55\xaa"


def test_the_loaders_go_where_they_were_made_for(tmp_path: Path, written: tuple[bytes, str]) -> None:
    before, _ = written
    loader = tmp_path / "loader"
    loader.mkdir()
    for name, size in (("boot.img", 440), ("core.img", 1024), ("esp.img", 4096)):
        (loader / name).write_bytes(name[:1].encode() * size)
    done = run(tmp_path, "loader_write disk loader")
    disk = (tmp_path / "disk").read_bytes()

    assert (done.returncode, done.stderr) == (0, "")
    assert disk[:440] == b"b" * 440
    assert disk[grub.CORE_FIRST * 512 :][:1024] == b"c" * 1024
    assert disk[grub.ESP_FIRST * 512 :][:4096] == b"e" * 4096
    assert disk[440 : grub.CORE_FIRST * 512] == before[440 : grub.CORE_FIRST * 512]
    assert len(disk) == SECTORS * 512


def test_script_and_program_agree_on_the_places() -> None:
    said = f"CORE_FIRST={grub.CORE_FIRST} ESP_FIRST={grub.ESP_FIRST} ROOT_FIRST={grub.ROOT_FIRST}"

    assert said in (SCRIPTS / "disk.sh").read_text().splitlines()


def test_what_counts_as_used(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(bytes(4096))
    (tmp_path / "used").write_bytes(bytes(600) + b"x")
    done = run(tmp_path, "for disk in empty used; do disk_used $disk && echo $disk; done; true")

    assert done.stdout == "used\n"
