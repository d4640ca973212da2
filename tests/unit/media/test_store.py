"""The media store: what is inside is known by its bytes, what is outside is never opened."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError
from provisioner.media.store import MediaStore
from tests.unit.media.bases import CANARY, SIZE, iso, packed, raw

OPENED: list[list[str]] = []


def _hook(event: str, args: tuple[object, ...]) -> None:
    if event == "open" and OPENED:
        OPENED[-1].append(os.fsdecode(args[0]) if isinstance(args[0], str | bytes) else str(args[0]))


sys.addaudithook(_hook)


@contextmanager
def opens() -> Iterator[list[str]]:
    """Every path that is opened meanwhile, in any thread."""
    OPENED.append([])
    try:
        yield OPENED[-1]
    finally:
        OPENED.pop()


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 50_000):
        yield content[at : at + 50_000]


class Place:
    """Two media folders with files in them, and a file outside."""

    def __init__(self, root: Path) -> None:
        self.own, self.other, self.outside = root / "media", root / "images", root / "secret"
        for folder in (self.own, self.other, root / "media-not"):
            folder.mkdir()
        self.outside.write_bytes(CANARY)
        (root / "media-not" / "x.iso").write_bytes(iso())
        (self.own / "c7.iso").write_bytes(iso(b"CENTOS"))
        (self.other / "disk.img").write_bytes(raw())
        (self.other / "deep").mkdir()
        (self.other / "deep" / "x.iso").write_bytes(iso())
        self.store = MediaStore(self.own, [self.other])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_files_are_found_by_name_and_by_path(place: Place) -> None:
    for text in ("c7.iso", str(place.own / "c7.iso")):
        found = await place.store.resolve(text)
        assert (found.path, found.kind, found.format, found.note) == (
            str(place.own / "c7.iso"),
            "iso",
            "iso",
            "CENTOS",
        )
        assert found.own
    disk = await place.store.resolve("disk.img")
    assert (disk.kind, disk.format, disk.virtual_size, disk.own) == ("disk", "raw", SIZE, False)
    assert (await place.store.resolve("deep/x.iso")).kind == "iso"


def tricks(place: Place) -> list[str]:
    """Sixty ways to write a place outside, or none at all."""
    secret, own = str(place.outside), str(place.own)
    os.symlink(secret, place.own / "link.iso")
    os.symlink("../secret", place.own / "up.iso")
    os.symlink("/etc", place.own / "etc")
    os.symlink(place.own / "link.iso", place.own / "twice.iso")
    os.symlink("loop.iso", place.own / "loop.iso")
    os.symlink("/proc/self/root", place.own / "root")
    os.symlink(place.own.parent, place.other / "parent")
    return [
        "/etc/passwd", "/etc/shadow", "//etc/passwd", "/../etc/passwd", "/./etc/passwd", "/etc//passwd",
        "etc/passwd", "../secret", "../../etc/passwd", "./../secret", "c7.iso/../../secret",
        "deep/../../secret",
        f"{own}/../secret", f"{own}//../secret", f"{own}/./../secret", f"{own}/deep/../../secret", secret,
        f"{own}-not/x.iso", f"{own}/", own, f"{own}/..", f"{own}/.", ".", "..", "/", "", " ", "~/x",
        "~root/.ssh",
        "link.iso", f"{own}/link.iso", "up.iso", "etc/passwd", f"{own}/etc/passwd", "twice.iso", "loop.iso",
        "root/etc/passwd", "parent/secret", f"{place.other}/parent/secret",
        "file:///etc/passwd", "file:/etc/passwd", "file:c7.iso", "FILE:///etc/passwd", "http://127.0.0.1/x.iso",
        "https://127.0.0.1/x", "nbd://127.0.0.1/x", "ssh://root@127.0.0.1/etc/passwd", "fat:/etc", "nfs://h/x",
        'json:{"driver":"file","filename":"/etc/passwd"}', "json:{}", "blkdebug::/etc/passwd", "gluster://h/x",
        "rbd:pool/x", "host_device:/dev/sda", "/dev/sda", "/dev/stdin", "/dev/fd/0", "/proc/self/environ",
        "/proc/self/fd/0", "/proc/1/root/etc/passwd", "/sys/kernel/notes", "c7.iso\0/etc/passwd",
        "\0/etc/passwd",
        "/etc/passwd\n", "c7.iso\n/etc/passwd", "..\\secret", "%2e%2e/secret", "..%2fsecret", "..;/secret",
        "\uff0e\uff0e/secret", "/" * 5000, "x" * 5000, "-f", "--help", "$(cat /etc/passwd)", "`id`", "|id",
        "{a,b}", "*", "y" * 300, "y" * 300 + ":",
    ]  # fmt: skip


async def test_what_is_outside_is_never_opened(place: Place) -> None:
    asked = tricks(place)
    assert len(asked) >= 60
    for text in asked:
        with opens() as seen, pytest.raises(ProvisionerError) as caught:
            await place.store.resolve(text)
        assert seen == [], text
        assert "\n" not in str(caught.value)
        assert CANARY.decode() not in str(caught.value)
    with opens() as seen, pytest.raises(Invalid):
        await place.store.resolve(str(place.own / "etc"))
    assert seen == []


async def test_the_places_are_named_and_the_way_in(place: Place) -> None:
    with pytest.raises(Invalid) as caught:
        await place.store.resolve("/home/me/x.iso")
    assert str(caught.value) == f"/home/me/x.iso is outside the media folders {place.own} and {place.other}"
    assert caught.value.remedy.startswith("provisioner media add FILE")
    with pytest.raises(NotFound, match=r"there is no file gone\.iso"):
        await place.store.resolve("gone.iso")


async def test_a_link_that_stays_inside_is_followed(place: Place) -> None:
    os.symlink("c7.iso", place.own / "latest.iso")
    os.symlink(place.other / "disk.img", place.own / "disk")

    assert (await place.store.resolve("latest.iso")).path == str(place.own / "c7.iso")
    assert (await place.store.resolve("disk")).path == str(place.other / "disk.img")


async def test_a_link_put_in_place_of_a_file_leads_nowhere(place: Place) -> None:
    """Between the judgement and the look: the file is looked at as the name that was judged."""
    real = place.own / "c7.iso"
    real.unlink()
    os.symlink(place.outside, real)

    with pytest.raises(Invalid, match=r"cannot be read: Too many levels of symbolic links"):
        place.store._look(real, "c7.iso")


async def test_what_is_no_file_is_refused_without_waiting(place: Place) -> None:
    os.mkfifo(place.own / "pipe.iso")
    async with asyncio.timeout(5):
        with pytest.raises(Invalid, match=r"is no regular file"):
            await place.store.resolve("pipe.iso")
        with pytest.raises(Invalid, match=r"is no regular file"):
            await place.store.resolve("deep")


WRONG = {
    "text.iso": (b"not an ISO\n" * 9000, "text.iso is not an ISO image, although it is called one"),
    "evil.qcow2": (
        b"QFI\xfb\0\0\0\3" + (1024).to_bytes(8, "big") + (4).to_bytes(4, "big") + bytes(1004) + b"/etc",
        "image evil.qcow2 names the backing file '/etc'",
    ),
    "huge.qcow2": (
        b"QFI\xfb\0\0\0\2" + bytes(12) + (16).to_bytes(4, "big") + (2**63).to_bytes(8, "big") + bytes(72),
        "image huge.qcow2 has a first table of 0 entries, which does not fit its size",
    ),
    "cut.iso": (iso()[:70_000], "image cut.iso is cut short: 131072 bytes are said, 70000 are there"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_wrong_inside_is_one_sentence(place: Place, name: str) -> None:
    content, words = WRONG[name]
    (place.own / name).write_bytes(content)

    with pytest.raises(Invalid) as caught:
        await place.store.resolve(name)

    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


async def test_the_list_shows_every_medium_and_what_is_refused(place: Place) -> None:
    tricks(place)  # links to the outside are not followed
    (place.own / "kernel").write_bytes(b"MZ" + bytes(600))
    (place.own / "evil.qcow2").write_bytes(WRONG["evil.qcow2"][0])
    (place.own / "disk.raw.xz").write_bytes(packed(raw(), "xz"))
    (place.own / ".hidden.iso").write_bytes(iso())
    (place.other / "notes.txt").write_bytes(b"x")

    found = {file.name: (file.kind, file.format, file.packed) for file in await place.store.list()}

    assert found == {
        "disk.img": ("disk", "raw", ""),
        "deep/x.iso": ("iso", "iso", ""),
        "c7.iso": ("iso", "iso", ""),
        "kernel": ("other", "", ""),
        "evil.qcow2": ("refused", "", ""),
        "disk.raw.xz": ("disk", "raw", "xz"),
    }


async def test_a_file_is_added_whole_or_not_at_all(place: Place) -> None:
    added = await place.store.add("new.iso", pieces(iso(b"NEW")), len(iso()))

    assert (added.kind, added.note, added.own, added.size) == ("iso", "NEW", True, 131072)
    assert (place.own / "new.iso").stat().st_mode & 0o777 == 0o644
    for name, content, size, kind in (
        ("new.iso", iso(), 131072, Conflict),
        ("c7.iso", iso(), 131072, Conflict),
        ("evil.img", WRONG["evil.qcow2"][0], len(WRONG["evil.qcow2"][0]), Invalid),
        ("cut.iso", iso()[:70_000], 70_000, Invalid),
        ("short", b"x", 2, Invalid),
        ("long", b"xxx", 2, Invalid),
        ("large", b"x", 2**60, Conflict),
        ("../x", b"x", 1, Invalid),
        (".x", b"x", 1, Invalid),
        ("a b", b"x", 1, Invalid),
        ("", b"x", 1, Invalid),
    ):
        with pytest.raises(kind):
            await place.store.add(name, pieces(content), size)
    assert sorted(path.name for path in place.own.iterdir()) == ["c7.iso", "new.iso"]
    assert (await place.store.resolve("c7.iso")).note == "CENTOS"


async def test_of_two_with_one_name_one_stays(place: Place) -> None:
    contents = [iso(b"ONE"), iso(b"TWO")]

    results = await asyncio.gather(
        *(place.store.add("x.iso", pieces(content), len(content)) for content in contents),
        return_exceptions=True,
    )

    assert sorted(type(result).__name__ for result in results) == ["Conflict", "MediaFile"]
    assert (place.own / "x.iso").read_bytes() in contents


async def test_an_upload_that_was_killed_is_swept_away(place: Place) -> None:
    (place.own / ".0123456789abcdef.part").write_bytes(b"x")
    (place.own / ".profile").write_bytes(b"x")

    place.store.sweep()

    assert sorted(path.name for path in place.own.iterdir()) == [".profile", "c7.iso"]


async def test_only_what_is_its_own_is_removed(place: Place) -> None:
    os.symlink("c7.iso", place.own / "latest.iso")

    with pytest.raises(Conflict, match=r"is not in the service's own folder .*; it is left alone"):
        await place.store.remove("disk.img")
    for name in ("/etc/passwd", "../secret", "etc/passwd"):
        with pytest.raises(ProvisionerError):
            await place.store.remove(name)
    with pytest.raises(NotFound):
        await place.store.remove("gone")
    await place.store.remove("latest.iso")
    assert (place.own / "c7.iso").is_file()
    await place.store.remove("c7.iso")

    assert list(place.own.iterdir()) == []
    assert (place.outside.is_file(), (place.other / "disk.img").is_file()) == (True, True)
