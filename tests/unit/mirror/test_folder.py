"""A path below a tree leads to a file of the tree, or nowhere."""

import os
from pathlib import Path

import pytest

from provisioner.core.errors import Unavailable
from provisioner.mirror.folder import look


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "images").mkdir(parents=True)
    (root / "images/vmlinuz").write_text("kernel")
    (root / "link").symlink_to("images/vmlinuz")
    (root / "folder-link").symlink_to(root / "images")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "out-folder").symlink_to(tmp_path)
    (root / "circle").symlink_to("circle")
    os.mkfifo(root / "pipe")
    (root / "nowhere").symlink_to("absent")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "tree-beside").mkdir()
    (tmp_path / "tree-beside/file").write_text("secret")
    return root


FOUND = (
    "images/vmlinuz",
    "/images/vmlinuz",
    "images//vmlinuz",
    "./images/vmlinuz",
    "link",
    "folder-link/vmlinuz",
)
HIDDEN = (
    *("", "images", "absent", "nowhere", "circle", "images/vmlinuz/x", "a" * 300, "a\0b", "pipe"),
    *("../secret", "images/../../secret", "images/..", "/../secret", "out", "out-folder/secret"),
    *("../tree-beside/file", "/etc/passwd", "//etc/passwd"),
)


@pytest.mark.parametrize("path", FOUND)
def test_a_file_of_the_tree_is_found(tree: Path, path: str) -> None:
    assert _content(str(tree), path) == b"kernel"


@pytest.mark.parametrize("path", HIDDEN)
def test_nothing_else_is(tree: Path, path: str) -> None:
    assert look(str(tree), path) is None


def test_a_tree_may_itself_be_a_link(tree: Path) -> None:
    (tree.parent / "alias").symlink_to(tree)

    assert _content(str(tree.parent / "alias"), "link") == b"kernel"


def test_a_directory_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"the directory .*/gone is not there"):
        look(str(tmp_path / "gone"), "x")


def _content(source: str, path: str) -> bytes:
    found = look(source, path)
    assert found is not None
    held, status = found
    return os.pread(held.fileno(), status.st_size + 1, 0)
