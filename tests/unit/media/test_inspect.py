"""The inspector: every good image is known, every evil one is refused in one sentence."""

import os
import struct
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid
from provisioner.core.media import DiskImage
from provisioner.media.inspect import inspect, packing
from provisioner.media.inspect_source import HEAD, TAIL, Ends, Opened
from provisioner.media.unpack import head, unpack
from tests.unit.media.bases import FORMAT, OPTIONS, SIZE, gpt, iso, mbr, packed, raw

CLASSES = ("backing file", "json: backing", "external data file", "VMDK extent elsewhere", "polyglot",
           "8 EiB", "chain", "unknown feature", "truncated header", "absurd table")  # fmt: skip


def look(path: Path, **options: object) -> DiskImage:
    """As the store looks at a file: unpacked where it is packed."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        source: Opened | Ends = Opened(descriptor)
        if kind := packing(source):
            content = head(descriptor, kind, "image x")
            source = Ends(len(content), content, whole=False)
        return inspect(source, "image x", **options)  # type: ignore[arg-type]
    finally:
        os.close(descriptor)


def ends(content: bytes, *, tail: bool) -> Ends:
    """As a stream is looked at: its first bytes, and later its last ones."""
    return Ends(len(content), content[:HEAD], content[-TAIL:] if tail else None)


@pytest.mark.parametrize("name", [*OPTIONS, "vmdk-at-end"])
def test_what_qemu_img_makes_is_known(name: str, good: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(good[name])

    found = look(tmp_path / "x")

    assert found.format == FORMAT[name.partition("-")[0]]
    assert SIZE <= found.virtual_size < SIZE * 1.1  # Virtual PC counts in cylinders
    assert inspect(ends(good[name], tail=True), "image x") == found


@pytest.mark.parametrize("name", ["qcow2", "vmdk", "vmdk-stream", "vdi", "vhd", "raw", "iso"])
@pytest.mark.parametrize("kind", ["gz", "xz", "zst", "bz2"])
def test_a_packed_image_is_looked_into(name: str, kind: str, good: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(packed(good[name], kind))

    found = look(tmp_path / "x")

    assert found.format == ("iso" if name == "iso" else FORMAT[name.partition("-")[0]])


def test_discs_and_partition_tables(good: dict[str, bytes]) -> None:
    for name, expected in {"gpt": "raw", "iso": "iso", "iso-hybrid": "iso"}.items():
        assert inspect(ends(good[name], tail=True), "image x").format == expected, name
    assert inspect(ends(iso(b"CentOS 7 x86_64"), tail=True), "x").label == "CentOS 7 x86_64"


@pytest.mark.parametrize("of", CLASSES)
def test_evil_images_are_refused(of: str, evils: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    refused = {}
    for name, content in evils[of].items():
        (tmp_path / "x").write_bytes(content)
        try:
            refused[name] = f"TAKEN AS {look(tmp_path / 'x')}"
        except Invalid as error:
            refused[name] = str(error)

    assert len(refused) >= 12
    assert {name: words for name, words in refused.items() if words.startswith("TAKEN")} == {}
    for words in refused.values():
        assert words.startswith("image x ")
        assert "\n" not in words
        assert len(words) < 300


def test_there_are_120_and_more(evils: dict[str, dict[str, bytes]]) -> None:
    assert tuple(evils) == CLASSES
    assert sum(map(len, evils.values())) >= 120


def test_a_stream_is_judged_by_its_beginning_and_again_by_its_end(
    good: dict[str, bytes], evils: dict[str, dict[str, bytes]]
) -> None:
    fixed = good["vhd-fixed"]
    assert inspect(Ends(len(fixed), fixed[: SIZE // 2]), "x").format == "raw"
    assert inspect(ends(good["vhd-fixed"], tail=True), "x").format == "vhd"
    for of in ("backing file", "json: backing", "external data file", "unknown feature"):
        for name, content in evils[of].items():
            with pytest.raises(Invalid):
                inspect(ends(content, tail=False), name)


SENTENCES: list[tuple[bytes, str]] = [
    (b"", "is empty"),
    (b"root:x:0:0:root:/root:/bin/bash\n" * 100, "is no disk image that is known here"),
    (mbr() + bytes(512), "is cut short: its partition 1 lies beyond its end"),
    (raw() + b"x", "is cut short: 2097153 bytes are no whole number of sectors"),
    (gpt()[: SIZE // 2], "is cut short: its GPT reaches beyond its end"),
    (mbr(kind=0xEE).ljust(SIZE, b"\0"), "says that it has a GPT, and has none"),
    (iso()[:-2048], "is cut short: 131072 bytes are said, 129024 are there"),
    (b"QED\0".ljust(1024, b"\0"), "is a QED image, which is not taken"),
    (b"LUKS\xba\xbe".ljust(1024, b"\0"), "is a LUKS container, which is not taken"),
    (b"QFI\xfb\0\0\0\1".ljust(1024, b"\0"), "is a qcow file of version 1, which is not taken"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "words"), SENTENCES)
def test_what_is_wrong_is_said(content: bytes, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        inspect(ends(content, tail=True), "image x")

    assert str(caught.value).startswith(f"image x {words}")


def test_a_format_that_was_said_must_be_the_one(good: dict[str, bytes]) -> None:
    with pytest.raises(Invalid, match=r"is said to be raw, and its bytes are qcow2"):
        inspect(ends(good["qcow2"], tail=True), "image x", expected="raw")
    with pytest.raises(Invalid, match=r"claims a disk of 0\.0 GiB; 0\.0 GiB is the most here"):
        inspect(ends(good["qcow2"], tail=True), "image x", most=SIZE - 1)


def test_a_file_system_without_partitions_is_told() -> None:
    ext = bytes(1080) + b"\x53\xef" + bytes(SIZE - 1082)

    assert inspect(ends(ext, tail=True), "x").findings == (
        "it holds a file system (ext) and no partition table",
    )


@pytest.mark.parametrize("kind", ["gz", "xz", "zst", "bz2"])
def test_unpacking_is_whole_sparse_and_bounded(kind: str, tmp_path: Path) -> None:
    content = b"begin" + bytes(32 * 1024 * 1024) + b"end"
    (tmp_path / "x").write_bytes(packed(content, kind))
    descriptor = os.open(tmp_path / "x", os.O_RDONLY)
    try:
        size = unpack(descriptor, kind, tmp_path / "out", "image x", most=2**30)  # type: ignore[arg-type]
        assert (size, (tmp_path / "out").read_bytes() == content) == (len(content), True)
        assert (tmp_path / "out").stat().st_blocks * 512 < 1024 * 1024
        with pytest.raises(Invalid, match=r"holds more than 0\.0 GiB"):
            unpack(descriptor, kind, tmp_path / "two", "image x", most=2**20)  # type: ignore[arg-type]
        os.truncate(tmp_path / "x", (tmp_path / "x").stat().st_size // 2)
        with pytest.raises(Invalid, match=r"image x is (cut short|damaged)"):
            unpack(descriptor, kind, tmp_path / "three", "image x", most=2**30)  # type: ignore[arg-type]
    finally:
        os.close(descriptor)


def test_a_stream_of_several_gzip_members_is_one(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(packed(b"one", "gz") + packed(b"two", "gz"))
    descriptor = os.open(tmp_path / "x", os.O_RDONLY)
    try:
        assert head(descriptor, "gz", "x") == b"onetwo"
    finally:
        os.close(descriptor)


def test_any_bytes_give_an_answer(good: dict[str, bytes]) -> None:
    """Each byte of each header changed in turn: an image or Invalid, and nothing else."""
    for name in ("qcow2", "vmdk", "vdi", "vhd", "iso"):
        content = good[name]
        start = 32768 if name == "iso" else 0
        for at in range(start, start + 512):
            changed = content[:at] + struct.pack("B", content[at] ^ 0xFF) + content[at + 1 :]
            try:
                inspect(ends(changed, tail=True), "x")
            except Invalid as error:
                assert str(error)
