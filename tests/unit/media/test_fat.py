"""The EFI system partition: by the rules of FAT32, and as mtools and fsck.fat see it."""

import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from provisioner.media import fat
from provisioner.media.hosttools import environment

SECTORS, HIDDEN = 131072, 2048


def several(size: int) -> dict[str, bytes]:
    """Two folders, a name in small letters, a file of that size between two others."""
    data = bytes(n * 7 % 251 for n in range(size))
    return {"EFI/BOOT/BOOTX64.EFI": b"shim", "EFI/BOOT/grubx64.efi": data, "EFI/debian/grub.cfg": b"menu\n"}


def chain(image: bytes, cluster: int, table: int, start: int) -> bytes:
    """The content of a run of clusters, as the table links them."""
    data = b""
    while cluster < 0x0FFFFFF8:
        data += image[(start + cluster - 2) * 512 :][:512]
        (cluster,) = struct.unpack_from("<I", image, table * 512 + cluster * 4)
    return data


def lookup(folder: bytes, name: bytes) -> tuple[int, int, int]:
    """Kind, first cluster and size of a folder's entry."""
    for at in range(0, len(folder), 32):
        if folder[at : at + 11] == name:
            high, low, size = struct.unpack_from("<H4xHI", folder, at + 20)
            return folder[at + 11], high << 16 | low, size
    raise KeyError(name)


def found(image: bytes, path: str) -> bytes:
    """A file's content, from the root folder down; 8.3 names only."""
    reserved, length = (*struct.unpack_from("<H", image, 14), *struct.unpack_from("<I", image, 36))
    start, cluster = reserved + length, 2
    *folders, name = path.upper().split("/")
    for folder in folders:
        kind, cluster, _ = lookup(chain(image, cluster, reserved, start), folder.encode().ljust(11))
        assert kind == 0x10
    stem, _, extension = name.partition(".")
    entry = f"{stem:8}{extension:3}".encode()
    kind, first, size = lookup(chain(image, cluster, reserved, start), entry)
    assert kind == 0x20
    content = chain(image, first, reserved, start) if first else b""
    assert len(content) == -(-size // 512) * 512
    return content[:size]


@pytest.mark.parametrize("size", [0, 1, 512, 513, 700_000])
def test_the_efi_partition_is_found_by_the_rules_of_fat32(size: int) -> None:
    files = several(size)
    image = fat.image(files, SECTORS, HIDDEN)
    sector, per_cluster, reserved, tables = struct.unpack_from("<HBHB", image, 11)
    hidden, sectors, length = struct.unpack_from("<III", image, 28)
    assert (sector, per_cluster, tables, hidden, sectors) == (512, 1, 1, HIDDEN, SECTORS)
    start = reserved + length
    assert 65525 <= sectors - start < 2**28 - 1
    assert length * 128 >= sectors - start + 2
    assert image[3072:4096] == image[:1024]  # the copy of the boot sector that field 50 names

    assert {path: found(image, path) for path in files} == files
    assert len(image) == (start + 4 + 1 + -(-size // 512) + 1) * 512  # four folders, three files


LAYOUTS: dict[str, Mapping[str, bytes]] = {
    "one file": {"EFI/BOOT/BOOTX64.EFI": b"x" * 5000},
    "a file in the root": {"A.EFI": b"x"},
    "several": several(700_000),
    "an empty file": several(0),
    "a long name": {"EFI/almalinux/grub.cfg": b"menu", "EFI/almalinux9/grub.cfg": b"other", "EFI/B/C": b"c"},
    "a long name with a dot": {"autoexec.ipxe": b"#!ipxe", "EFI/BOOT/autoexec.ipxe": b"#!ipxe"},
    "the longest name": {"EFI/abcdefghijklm/grub.cfg": b"menu"},
}


@pytest.fixture
def written(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, Mapping[str, bytes]]:
    """A whole partition, as the installer leaves it on an empty disk."""
    files: Mapping[str, bytes] = LAYOUTS[request.param]
    place = tmp_path / "esp"
    place.write_bytes(fat.image(files, SECTORS, HIDDEN))
    with place.open("r+b") as opened:
        opened.truncate(SECTORS * 512)
    return place, files


def ask(program: str, *arguments: str | Path) -> "subprocess.CompletedProcess[bytes]":
    path = shutil.which(program, path=environment()["PATH"])
    if path is None:
        pytest.skip(f"{program} is not installed")
    return subprocess.run([path, *arguments], capture_output=True, check=False, env=environment())


@pytest.mark.parametrize("written", LAYOUTS, indirect=True)
def test_mtools_reads_what_was_written(written: tuple[Path, Mapping[str, bytes]]) -> None:
    place, files = written

    assert {path: ask("mtype", "-i", place, f"::/{path}").stdout for path in files} == files


@pytest.mark.parametrize("written", LAYOUTS, indirect=True)
def test_fsck_has_nothing_to_mend(written: tuple[Path, Mapping[str, bytes]]) -> None:
    done = ask("fsck.fat", "-n", written[0])

    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == 2, done.stdout  # its own name, and the count


REFUSED: dict[str, tuple[Mapping[str, bytes], str]] = {
    "more than the partition holds": ({"A.EFI": bytes(70_000_000)}, "do not fit"),
    "a name that is too long": ({"EFI/abcdefghijklmn/grub.cfg": b""}, "no name for this FAT"),
    "a long name with two dots": ({"EFI/shim.efi.sig": b""}, "no name for this FAT"),
    "a name of other letters": ({"EFI/d\u00e4bian/grub.cfg": b""}, "no name for this FAT"),
    "a full folder": ({f"EFI/{number}": b"" for number in range(15)}, "16 entries"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case: str) -> None:
    files, reason = REFUSED[case]
    with pytest.raises(ValueError, match=reason):
        fat.image(files, SECTORS)
