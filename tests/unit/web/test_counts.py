"""What installs fetch, counted: what begins and what is whole at once, the rest ever more seldom."""

from datetime import UTC, datetime

from provisioner.core.install import Install, Kind, Stage
from provisioner.web.counts import IMAGE, KERNEL, METADATA, PACKAGE, STAGE2, Counts

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def install(name: str = "i") -> Install:
    return Install(name, "g", "m", "u", "p", Stage.INSTALLING, NOW, NOW)


def test_a_file_is_told_as_it_begins_and_as_it_is_whole() -> None:
    counts = Counts()

    first = counts.count(install(), STAGE2, "squashfs.img", 10, 500, done=False)
    between = counts.count(install(), STAGE2, "squashfs.img", 200, 500, done=False)
    last = counts.count(install(), STAGE2, "squashfs.img", 500, 500, done=True)

    assert first is not None
    assert first.data == {"part": "stage2", "n": 0, "bytes": 10, "total": 500, "path": "squashfs.img"}
    assert between is None
    assert last is not None
    assert last.data["bytes"] == 500
    assert list(counts.due(0.0)) == []


def test_kernel_and_image_have_their_share_of_the_percents() -> None:
    counts = Counts()

    kernel = counts.count(install(), KERNEL, "vmlinuz", 100, 100, done=True)
    image = counts.count(install(), IMAGE, "tiny.tar.zst", 50, 100, done=False)

    assert kernel is not None
    assert image is not None
    assert (kernel.kind, kernel.data["percent"]) == (Kind.KERNEL_SENT, 10)
    assert (image.kind, image.data["percent"]) == (Kind.TREE_BYTES, 55)


def test_packages_are_counted_together_and_told_by_number() -> None:
    counts = Counts()
    for number in range(1, 41):
        counts.count(install(), PACKAGE, f"p{number}.rpm", 1000, 1000, done=True)
    counts.count(install(), METADATA, "repodata/repomd.xml", 300, 300, done=True)

    (news,) = counts.due(1.0)

    assert news.data == {"part": "package", "n": 40, "bytes": 40_000, "total": 0, "path": "p40.rpm"}
    assert news.text == "40 package files, 40.0 kB; last p40.rpm"


def test_an_hour_of_packages_is_a_bounded_number_of_events() -> None:
    counts, told = Counts(), 0
    for second in range(3600):
        for number in range(3):
            told += counts.count(install(), PACKAGE, f"{second}-{number}.rpm", 5, 5, done=True) is not None
        told += len(list(counts.due(float(second))))

    assert told < 400
    (last,) = counts.due(4000.0)
    assert last.data["n"] == 3 * 3600


def test_a_broken_transfer_is_counted_by_its_bytes_and_not_as_a_file() -> None:
    counts = Counts()

    counts.count(install(), PACKAGE, "a.rpm", 5, 10, done=True)
    counts.count(install(), PACKAGE, "a.rpm", 10, 10, done=True)

    (news,) = counts.due(9.0)
    assert (news.data["n"], news.data["bytes"]) == (1, 15)


def test_many_installs_do_not_grow_without_bound() -> None:
    counts = Counts()
    for number in range(3000):
        counts.count(install(f"i{number}"), PACKAGE, "a.rpm", 5, 10, done=True)
        counts.count(install(f"i{number}"), PACKAGE, "a.rpm", 6, 10, done=True)

    assert len(list(counts.due(0.0, all=True))) <= 1024
