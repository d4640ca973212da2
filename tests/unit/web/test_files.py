"""Which file a path of a tree is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.web.files import locate


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree beside a secret; its name is the beginning of its neighbour's."""
    base = tmp_path_factory.mktemp("place")
    (base / "tree" / "a").mkdir(parents=True)
    (base / "tree" / "a" / "file").write_text("inside")
    (base / "tree" / "link").symlink_to("a/file")
    (base / "tree" / "absolute").symlink_to(base / "tree" / "a" / "file")
    (base / "tree" / "folder").symlink_to("a")
    (base / "tree" / "out").symlink_to("../secret")
    (base / "tree" / "circle").symlink_to("circle")
    (base / "tree2").mkdir()
    (base / "tree2" / "file").write_text("SECRET")
    (base / "secret").write_text("SECRET")
    return base / "tree"


@pytest.mark.parametrize("path", ["a/file", "link", "absolute", "folder/file"])
def test_files_and_links_inside_are_found(root: Path, path: str) -> None:
    found = locate(root, path)

    assert found is not None
    assert found.read_text() == "inside"


@pytest.mark.parametrize(
    "path",
    ["", "a", "a/", "/a/file", "a//file", "./a/file", "a/../a/file", "../tree/a/file", "../tree2/file", "out",
     "circle", "a/file/x", "a\\file", "a/file\0", "x" * 5000, "\udcff"],
)  # fmt: skip
def test_everything_else_is_not(root: Path, path: str) -> None:
    assert locate(root, path) is None


def test_a_tree_behind_a_link_is_one_and_a_missing_one_is_none(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)

    assert locate(tmp_path / "alias", "a/file") is not None
    assert locate(tmp_path / "nothing", "a/file") is None


@given(
    st.lists(st.sampled_from(["..", ".", "", "a", "file", "out", "tree2", "secret", "folder"]), max_size=8)
)
def test_no_path_finds_a_secret(root: Path, parts: list[str]) -> None:
    found = locate(root, "/".join(parts))

    assert found is None or found.read_text() == "inside"
