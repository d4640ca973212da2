"""The shelf: found when asked for, one object while a file is unchanged, own ones first; its store."""

import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError
from provisioner.core.loaders import FOLDERS, MOST_BYTES, SEARCH
from provisioner.media.loader_store import LoaderStore
from provisioner.media.loaders import REMEMBERED, Shelf
from provisioner.media.owners import owners
from tests import pe_files


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def later(self) -> None:
        self.now += REMEMBERED


class World:
    """A distribution's folder and our own, with a clock that stands."""

    def __init__(self, place: Path) -> None:
        self.own, self.theirs, self.clock = place / "own", place / "theirs", Clock()
        self.theirs.mkdir()
        self.shelf = Shelf(self.own, [place / "nowhere", self.theirs], self.clock)
        self.store = LoaderStore(self.shelf)

    def put(self, name: str, content: bytes = b"efi") -> Path:
        path = self.theirs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def add(world: World, content: bytes, name: str = "grubx64.efi", machine: str = "x64") -> None:
    await world.store.add(name, machine, pieces(content), len(content))


def test_the_same_object_as_long_as_the_file_is_the_same(world: World) -> None:
    path = world.put("snponly.efi", b"one")
    first = world.shelf["snponly.efi"]
    assert first == b"one" and world.shelf["snponly.efi"] is first
    world.clock.later()
    assert world.shelf["snponly.efi"] is first

    path.write_bytes(b"another")
    second = world.shelf["snponly.efi"]
    assert second == b"another" and world.shelf["snponly.efi"] is second

    new = world.put("new", b"ANOTHER")
    os.utime(new, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    new.replace(path)
    assert world.shelf["snponly.efi"] == b"ANOTHER", "same size and time, another file"


def test_names_are_told_without_reading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("undionly.kpxe", "shimx64.efi.signed", "x86_64-efi-signed/grubnetx64.efi.signed", "README"):
        world.put(name)
    monkeypatch.setattr("builtins.open", lambda *_args: pytest.fail("a file was opened"))

    assert list(world.shelf) == ["undionly.kpxe", "shimx64.efi", "grubx64.efi"]
    assert len(world.shelf) == 3 and "grubx64.efi" in world.shelf and "README" not in world.shelf


PREFERRED = {
    "shimx64.efi": ["fedora/shimx64.efi", "shimx64.efi", "shimx64.efi.signed"],
    "grubx64.efi": [
        "x86_64-efi/monolithic/grubnetx64.efi",
        "grubx64.efi",
        "x86_64-efi-signed/grubnetx64.efi.signed",
    ],
    "snponly-arm64.efi": ["ipxe-arm64.efi", "arm64-efi/snponly.efi", "snponly-arm64.efi"],
}


@pytest.mark.parametrize("name", PREFERRED)
def test_the_better_file_goes_first(world: World, name: str) -> None:
    for file in PREFERRED[name]:
        world.put(file, file.encode())
        world.clock.later()

        assert world.shelf[name] == file.encode()


def test_what_is_there_now_is_known_a_moment_later(world: World) -> None:
    assert "snponly.efi" not in world.shelf
    path = world.put("snponly.efi")
    assert "snponly.efi" not in world.shelf, "the search is remembered"
    world.clock.later()
    assert "snponly.efi" in world.shelf
    path.unlink()
    assert world.shelf.get("snponly.efi") is None
    world.clock.later()
    assert "snponly.efi" not in world.shelf


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../secret", "own/../secret", "/etc/passwd", "own", "x\0y", ".part", "x" * 5000]
)
def test_a_name_that_is_not_known_leads_nowhere(world: World, name: str) -> None:
    world.own.mkdir()
    for place in (world.own.parent / "secret", world.own / ".part"):
        place.write_bytes(b"secret")

    assert name not in world.shelf
    assert world.shelf.get(name) is None
    assert world.shelf.where(name) is None


def test_what_is_no_file_of_a_loaders_size_is_passed_over(world: World) -> None:
    (world.theirs / "snponly.efi").mkdir()
    os.mkfifo(world.theirs / "undionly.kpxe")
    (world.theirs / "shimx64.efi").symlink_to("/nowhere")
    with world.put("grubx64.efi").open("wb") as large:
        large.truncate(MOST_BYTES + 1)
    world.own.mkdir()
    (world.own / "passwd").symlink_to("/etc/passwd")

    assert list(world.shelf) == []


async def test_one_that_is_added_comes_first_and_goes_again(world: World) -> None:
    path = world.put("grubx64.efi", pe_files.grub("Another CA"))
    ours = pe_files.grub()
    await add(world, ours)
    world.clock.later()

    assert world.shelf["grubx64.efi"] == ours
    row = next(row for row in await world.store.list() if row.name == "grubx64.efi")
    assert (row.own, row.path, row.size, row.package) == (True, str(world.own / row.name), len(ours), "")
    assert [signer.issuer for signer in row.signers] == ["Debian Secure Boot CA"]
    assert stat.S_IMODE((world.own / row.name).stat().st_mode) == 0o644
    with pytest.raises(Conflict, match="was added before"):
        await add(world, ours)

    await world.store.remove("grubx64.efi")
    world.clock.later()
    assert world.shelf["grubx64.efi"] == path.read_bytes()
    with pytest.raises(Conflict, match="was not added here; it is left alone"):
        await world.store.remove("grubx64.efi")
    with pytest.raises(NotFound, match=r"there is no loader '\.\./x'"):
        await world.store.remove("../x")
    assert path.exists()


async def test_a_name_of_ones_own_is_served_and_listed(world: World) -> None:
    await add(world, pe_files.pe(), "mmx64.efi")

    assert "mmx64.efi" in world.shelf
    assert [row.name for row in await world.store.list()] == [*SEARCH, "mmx64.efi"]


REFUSED = {
    "another processor": (
        pe_files.pe(pe_files.ARM64),
        0,
        "grubx64.efi is refused: it is an EFI program for arm64",
    ),
    "text": (b"hello\n" * 50, 0, "grubx64.efi is refused: it is text"),
    "cut off": (pe_files.grub(), 1, "other bytes came than the"),
    "more than was said": (pe_files.grub(), -1, "other bytes came than the"),
    "too large": (b"x", MOST_BYTES, f"a first loader has {MOST_BYTES} at most"),
}


@pytest.mark.parametrize("row", REFUSED)
async def test_what_is_refused_leaves_nothing(world: World, row: str) -> None:
    content, more, words = REFUSED[row]

    with pytest.raises(Invalid, match=words):
        await world.store.add("grubx64.efi", "x64", pieces(content), len(content) + more)

    assert not world.own.exists() or list(world.own.iterdir()) == []


async def test_a_folder_that_cannot_be_made_is_one_sentence(world: World) -> None:
    world.own.parent.joinpath("own").write_bytes(b"a file is in the way")

    with pytest.raises(ProvisionerError, match=r"cannot be written to .*: Not a directory"):
        await add(world, pe_files.grub())


def test_what_a_killed_upload_left_is_swept(world: World) -> None:
    world.own.mkdir()
    (world.own / ".0123.part").write_bytes(b"half")

    world.store.sweep()

    assert list(world.own.iterdir()) == []


async def test_every_name_is_listed_with_what_brings_it(world: World) -> None:
    world.put("undionly.kpxe", b"\xea\x05\0\xc0\7" * 100)
    world.put("snponly.efi", b"MZ")

    rows = {row.name: row for row in await world.store.list()}

    assert set(rows) == set(SEARCH)
    assert (rows["undionly.kpxe"].machine, rows["undionly.kpxe"].note) == ("bios", "")
    assert rows["snponly.efi"].note == "the file is cut off, or damaged"
    assert rows["shimx64.efi"].path == "" and rows["shimx64.efi"].package in ("shim-signed", "shim-x64")


@pytest.mark.skipif(not Path("/usr/lib/shim/shimx64.efi.signed").is_file(), reason="not Debian's packages")
def test_debians_packages_are_found_where_they_are() -> None:
    """Those below /usr/lib: what an administrator put elsewhere may come first."""
    folders = [Path(folder) for folder in FOLDERS if folder.startswith("/usr/lib/")]
    shelf = Shelf(Path("/nowhere"), folders)

    assert shelf.where("shimx64.efi") == "/usr/lib/shim/shimx64.efi.signed"
    assert shelf.where("grubx64.efi") == "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"
    assert shelf.where("lpxelinux.0") == "/usr/lib/PXELINUX/lpxelinux.0"
    assert shelf.where("ldlinux.c32") == "/usr/lib/syslinux/modules/bios/ldlinux.c32"


def test_a_file_belongs_to_the_package_that_brought_it(world: World) -> None:
    brought = Path("/usr/lib/ipxe/undionly.kpxe")
    if not shutil.which("dpkg-query") or not brought.is_file():
        pytest.skip("not Debian's packages")
    copy = world.put("snponly.efi", b"a copy that nobody brought")

    assert owners([str(brought), str(copy)]) == {str(brought): "ipxe"}
    assert owners([]) == {}
