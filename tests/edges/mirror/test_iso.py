"""Where the files of an ISO lie: by every kind of names, links, files beyond 4 GiB; and what is no ISO."""

import io
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from pycdlib import PyCdlib

from provisioner.core.errors import Unavailable
from provisioner.core.source import WHOLE
from provisioner.mirror.isoindex import index
from provisioner.mirror.tree import Reader
from provisioner.mirror.upstream import Upstream
from tests.lab.iso import write_iso
from tests.large_iso import BEYOND, LargeIso


def disc(place: Path, files: dict[str, bytes], **wishes: Any) -> Path:
    """An ISO whose files are at the root, by names of the asked kinds."""
    iso = PyCdlib()
    iso.new(interchange_level=3, vol_ident="DISC", **wishes)
    rock_ridge, joliet = "rock_ridge" in wishes, "joliet" in wishes
    iso.add_directory(
        "/IMAGES", rr_name="images" if rock_ridge else None, joliet_path="/images" if joliet else None
    )
    for number, (name, data) in enumerate(files.items()):
        plain = f"/IMAGES/FILE{number}.TXT;1" if wishes else f"/IMAGES/{name.upper()};1"
        iso.add_fp(
            io.BytesIO(data),
            len(data),
            plain,
            rr_name=name if rock_ridge else None,
            joliet_path=f"/images/{name}" if joliet else None,
        )
    iso.write(str(place))
    iso.close()
    return place


KINDS: dict[str, dict[str, Any]] = {
    "both": {"rock_ridge": "1.09", "joliet": 3},
    "rock ridge": {"rock_ridge": "1.09"},
    "joliet": {"joliet": 3},
    "plain": {},
}


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_found_by_whatever_names_there_are(tmp_path: Path, kind: str) -> None:
    place = disc(tmp_path / "x.iso", {"kernel.img": b"kernel" * 1000, "empty.txt": b""}, **KINDS[kind])
    found = index(place)

    extents = found.find("images/kernel.img")
    assert extents is not None
    ((offset, length),) = extents
    assert place.read_bytes()[offset : offset + length] == b"kernel" * 1000
    assert found.find("images/empty.txt") == ()
    assert (found.find("IMAGES/Kernel.Img") is not None) == (kind == "plain")
    for absent in ("images", "images/no", "kernel.img", "", "images/kernel.img/x", "../images/kernel.img"):
        assert found.find(absent) is None


def test_links_lead_anywhere_inside_and_nowhere_else(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "dists/trixie").mkdir(parents=True)
    (root / "dists/trixie/Release").write_text("Suite: trixie\n")
    (root / "dists/stable").symlink_to("trixie")
    (root / "debian").symlink_to(".")
    (root / "dists/up").symlink_to("../dists/stable/Release")
    (root / "out").symlink_to("../../etc/passwd")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "circle").symlink_to("circle")
    found = index(write_iso(tmp_path / "x.iso", "LINKS", root))
    file = found.find("dists/trixie/Release")

    assert file is not None
    for path in ("dists/stable/Release", "debian/dists/stable/Release", "debian/debian/dists/up"):
        assert found.find(path) == file
    for path in ("out", "absolute", "circle", "dists/stable", "debian"):
        assert found.find(path) is None


async def test_a_file_beyond_4_gib_is_read_across_its_extents(tmp_path: Path, client: ClientSession) -> None:
    size = BEYOND
    border = 0xFFFFF800  # the longest run of whole sectors that a directory record can tell
    made = LargeIso()
    made.add_beyond("large.bin", {0: b"first", border - 4: b"bo", border: b"rder", size - 4: b"last"})
    made.add("small.bin", b"small")
    source = str(made.write(tmp_path / "large.iso"))

    extents = index(Path(source)).find("large.bin")
    assert extents is not None
    assert (len(extents), sum(length for _, length in extents)) == (2, size)
    upstream = Upstream(client)
    for first, expected in ((0, b"first"), (border - 4, b"bo\0\0rder"), (size - 4, b"last")):
        asked = {"Range": f"bytes={first}-{first + len(expected) - 1}"}
        async with upstream.open(source, "large.bin", asked) as stream:
            assert (stream.status, stream.total) == (206, size)
            assert b"".join([piece async for piece in stream.chunks()]) == expected
            assert stream.local is not None
            where = stream.local.file.fileno()
            runs = (os.pread(where, length, offset) for offset, length in stream.local.runs)
            assert b"".join(runs) == expected
    assert await Reader(upstream).read(source, "small.bin") == b"small"


def cut(data: bytes) -> bytes:
    return data[: len(data) - 300_000]


def cut_early(data: bytes) -> bytes:
    return data[:40_000]


def swap(data: bytes) -> bytes:
    return data[:32768] + b"\xff" * 2048 + data[34816:]


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "text": (lambda _data: b"this is no ISO\n" * 10_000, "is not an ISO that can be read: "),
    "nothing": (lambda _data: b"", "is not an ISO that can be read: "),
    "cut": (cut, "is cut short: it has "),
    "cut in its folders": (cut_early, "is cut short: it has 40000 of "),
    "without its first descriptor": (swap, "is not an ISO that can be read: "),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_whole_iso_is_one_sentence(tmp_path: Path, client: ClientSession, name: str) -> None:
    whole = disc(tmp_path / "x.iso", {f"file{n}": bytes(400_000) for n in range(9)}, rock_ridge="1.09")
    change, said = BROKEN[name]
    whole.write_bytes(change(whole.read_bytes()))
    with pytest.raises(Unavailable) as refusal:
        await Reader(Upstream(client)).exists(str(whole), "images/file0")

    assert f"{whole} {said}" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert refusal.value.remedy == "fetch the ISO again, or unpack it and name the folder"


def test_bytes_that_were_changed_anywhere_give_an_index_or_a_sentence(tmp_path: Path) -> None:
    whole = disc(
        tmp_path / "x.iso", {f"file{n}": b"x" * 3000 for n in range(20)}, rock_ridge="1.09", joliet=3
    )
    data = whole.read_bytes()
    chance = random.Random(1)
    for _ in range(2000 if os.environ.get("TORTURE") else 100):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            changed[chance.randrange(16 * 2048, 46 * 2048)] = chance.randrange(256)
        whole.write_bytes(changed)
        try:
            found = index(whole)
        except Unavailable as refusal:
            assert "\n" not in str(refusal)
            continue
        assert all(offset + length <= len(data) for runs in found.files.values() for offset, length in runs)


async def test_an_iso_that_was_replaced_is_read_anew(tmp_path: Path, client: ClientSession) -> None:
    place = disc(tmp_path / "x.iso", {"a": b"first"}, rock_ridge="1.09")
    reader = Reader(Upstream(client))
    assert await reader.read(str(place), "images/a") == b"first"
    disc(tmp_path / "y.iso", {"b": b"second", "a": b"another"}, rock_ridge="1.09").rename(place)

    assert await reader.read(str(place), "images/a") == b"another"


@pytest.mark.skipif(not shutil.which("genisoimage"), reason="genisoimage is not here")
def test_an_iso_of_another_maker_is_read(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    deep = root / "/".join(f"level{n}" for n in range(1, 11))
    deep.mkdir(parents=True)
    (deep / "A file with a long name.RPM").write_bytes(b"deep")
    (root / ".treeinfo").write_bytes(b"[general]\n")
    words = ["genisoimage", "-quiet", "-R", "-J", "-V", "OTHER", "-o", str(tmp_path / "x.iso"), str(root)]
    subprocess.run(words, check=True, capture_output=True)
    found = index(tmp_path / "x.iso")

    for path in (".treeinfo", f"{deep.relative_to(root)}/A file with a long name.RPM"):
        extents = found.find(path)
        assert extents is not None
        ((offset, length),) = extents
        assert (tmp_path / "x.iso").read_bytes()[offset : offset + length] == (root / path).read_bytes()


async def test_below_an_iso_it_is_a_file_itself(tmp_path: Path, client: ClientSession) -> None:
    place = disc(tmp_path / "x.iso", {"kernel.img": b"kernel" * 1000}, **KINDS["both"])
    whole, upstream = place.read_bytes(), Upstream(client)
    async with upstream.open(str(place), WHOLE, {"Range": "bytes=32768-32800"}) as stream:
        part = b"".join([piece async for piece in stream.chunks()])

    assert await Reader(upstream).read(str(place), WHOLE) == whole
    assert (stream.status, stream.total, part) == (206, len(whole), whole[32768:32801])
