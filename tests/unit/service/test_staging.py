"""Files of a tree kept for loaders: whole or not at all, fetched again only where they are others."""

from pathlib import Path

import pytest

from provisioner.core.errors import Unavailable
from provisioner.plan.steps import StageFile
from provisioner.service.staging import stage, unstage
from tests.unit.service.test_workshop import KERNEL, Answer, Mirror

DATE = {"Last-Modified": "Sun, 25 Nov 2018 16:21:14 GMT"}


def step(folder: Path, *, optional: bool = False) -> StageFile:
    return StageFile("http://mirror/el9", "vmlinuz", str(folder / "boot/el9/kernel"), optional)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "boot/el9").glob("*"))


@pytest.fixture
def mirror() -> Mirror:
    return Mirror({"vmlinuz": Answer(200, [KERNEL[:1000], KERNEL[1000:]], DATE, len(KERNEL))})


async def test_it_is_kept_whole_and_for_everybody(tmp_path: Path, mirror: Mirror) -> None:
    await stage(mirror.open, step(tmp_path))

    file = tmp_path / "boot/el9/kernel"
    assert file.read_bytes() == KERNEL
    assert file.stat().st_mode & 0o777 == 0o644
    assert left(tmp_path) == ["kernel"]


async def test_the_same_is_not_fetched_again(tmp_path: Path, mirror: Mirror) -> None:
    await stage(mirror.open, step(tmp_path))
    mirror.answers["vmlinuz"] = Answer(200, [Unavailable("the body was read")], DATE, len(KERNEL))

    await stage(mirror.open, step(tmp_path))

    assert (tmp_path / "boot/el9/kernel").read_bytes() == KERNEL


OTHERS = {
    "another size": Answer(200, [b"other"], DATE, 5),
    "another date": Answer(200, [b"other"], {"Last-Modified": "Mon, 26 Nov 2018 16:21:14 GMT"}, len(KERNEL)),
    "no date": Answer(200, [b"other"], {}, len(KERNEL)),
    "a date that is none": Answer(200, [b"other"], {"Last-Modified": "yesterday"}, len(KERNEL)),
}


@pytest.mark.parametrize("answer", OTHERS.values(), ids=OTHERS)
async def test_another_takes_its_place(tmp_path: Path, mirror: Mirror, answer: Answer) -> None:
    await stage(mirror.open, step(tmp_path))
    mirror.answers["vmlinuz"] = answer

    await stage(mirror.open, step(tmp_path))

    assert (tmp_path / "boot/el9/kernel").read_bytes() == b"other"


async def test_a_transfer_that_breaks_off_leaves_what_was_kept(tmp_path: Path, mirror: Mirror) -> None:
    await stage(mirror.open, step(tmp_path))
    mirror.answers["vmlinuz"] = Answer(200, [b"half", Unavailable("ended early")], {}, 100)

    with pytest.raises(Unavailable, match="ended early"):
        await stage(mirror.open, step(tmp_path))

    assert left(tmp_path) == ["kernel"]
    assert (tmp_path / "boot/el9/kernel").read_bytes() == KERNEL


async def test_one_that_is_needed_and_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="the tree http://mirror/el9 has no vmlinuz"):
        await stage(Mirror({"vmlinuz": Answer(404, [])}).open, step(tmp_path))


async def test_an_optional_one_that_the_tree_lost_is_removed(tmp_path: Path, mirror: Mirror) -> None:
    await stage(mirror.open, step(tmp_path))

    for _ in range(2):
        await stage(Mirror({"vmlinuz": Answer(404, [])}).open, step(tmp_path, optional=True))

    assert left(tmp_path) == []


async def test_what_is_kept_of_a_tree_is_removed_and_no_other_s(tmp_path: Path, mirror: Mirror) -> None:
    await stage(mirror.open, step(tmp_path))
    other = tmp_path / "boot/el8/kernel"
    other.parent.mkdir()
    other.write_bytes(KERNEL)

    for _ in range(2):
        await unstage(tmp_path / "boot", "el9")

    assert not (tmp_path / "boot/el9").exists()
    assert other.read_bytes() == KERNEL


async def test_what_cannot_be_removed_is_named(tmp_path: Path) -> None:
    (tmp_path / "el9").write_text("no folder")

    with pytest.raises(Unavailable, match=f"{tmp_path}/el9 cannot be removed: Not a directory"):
        await unstage(tmp_path, "el9")
