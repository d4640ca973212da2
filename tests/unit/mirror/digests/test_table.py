"""A table of many files: small, in order, the strongest digest counts, nothing leads out."""

from hashlib import md5, sha1, sha256

import pytest

from provisioner.core.digest import Expected
from provisioner.core.errors import Invalid
from provisioner.mirror.digests.table import Rows, Table

_A, _B = sha256(b"a").hexdigest(), sha256(b"b").hexdigest()


def _table(*rows: tuple[str, str, int | None], folder: str = "") -> Table:
    made = Rows("SHA256SUMS", folder)
    for path, digest, size in rows:
        made.add(path.encode(), digest.encode(), size)
    return made.table("F00D")


def test_a_file_is_found_by_its_path() -> None:
    table = _table(("b", _B, None), ("a/b", _A, 7), ("a", _A, 0), folder="x")

    assert dict(table) == {
        "x/a": Expected("sha256", _A, 0, "SHA256SUMS", "F00D"),
        "x/a/b": Expected("sha256", _A, 7, "SHA256SUMS", "F00D"),
        "x/b": Expected("sha256", _B, None, "SHA256SUMS", "F00D"),
    }
    assert list(table) == ["x/a", "x/a/b", "x/b"]
    assert [table.get(name) for name in ("", "x", "x/", "x/a/", "a", "z", "x/\ud800")] == [None] * 7


def test_what_is_below_a_folder() -> None:
    table = _table(("a/1", _A, 1), ("a/2", _A, 1), ("b/1", _A, 1), ("a", _A, 1))

    assert [path for path, _ in table.below("a/")] == ["a/1", "a/2"]
    assert [path for path, _ in table.below("c")] == []


@pytest.mark.parametrize("digests", [(md5, sha1, sha256), (sha256, sha1, md5), (sha256, md5, sha256)])
def test_the_strongest_digest_counts(digests: tuple[type, ...]) -> None:
    table = _table(*(("a", kind(b"a").hexdigest(), 1) for kind in digests))

    assert len(table) == 1
    assert table["a"].algorithm == "sha256"


@pytest.mark.parametrize(
    ("written", "path"), [("./a", "a"), ("a//b", "a/b"), ("a/./b", "a/b"), (".treeinfo", ".treeinfo")]
)
def test_paths_are_made_plain(written: str, path: str) -> None:
    assert list(_table((written, _A, 1))) == [path]


@pytest.mark.parametrize(
    "rows",
    [
        [("../a", _A, 1)],
        [("a/../../b", _A, 1)],
        [("/etc/passwd", _A, 1)],
        [("", _A, 1)],
        [(".", _A, 1)],
        [("a\nb", _A, 1)],
        [("a\0b", _A, 1)],
        [("a", _A[:-1], 1)],
        [("a", _A[:-2], 1)],
        [("a", "x" * 64, 1)],
        [("a", "é" * 64, 1)],
        [("a", _A, -1)],
        [("a", _A, 1 << 64)],
        [("a", _A, 1), ("a", _B, 1)],
        [("a", _A, 1), ("./a", _A, 2)],
    ],
)
def test_what_cannot_be_is_one_error(rows: list[tuple[str, str, int | None]]) -> None:
    with pytest.raises(Invalid, match=r"^SHA256SUMS cannot be used: ") as refused:
        _table(*rows)
    assert str(refused.value).isprintable()


def test_many_files_stay_small() -> None:
    rows = Rows("primary.xml")
    for number in range(60_000):
        name = f"Packages/l/libsomething-with-a-long-name-{number}-1.2.3-4.el9.x86_64.rpm"
        rows.add(name.encode(), sha256(name.encode()).hexdigest().encode(), number)
    table = rows.table()

    assert table.bytes_held() < 9 << 20
    assert table["Packages/l/libsomething-with-a-long-name-777-1.2.3-4.el9.x86_64.rpm"].size == 777
