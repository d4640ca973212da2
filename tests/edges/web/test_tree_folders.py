"""The page of a folder of a tree: for people, escaped, and without anything that a browser would run."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import pytest

from provisioner.core.profile import Tree
from tests.edges.web.world import World

NASTY = '<img src=x onerror=alert(1)>".rpm'


@pytest.fixture
async def tree(world: World, tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "Packages").mkdir(parents=True)
    (root / "Packages" / NASTY).write_bytes(b"12345")
    (root / "Packages" / "1:2 b%d?#.rpm").write_bytes(b"odd")
    (root / "out").symlink_to(tmp_path)
    (root / "page.html").write_bytes(b"<script>alert(1)</script>")
    await world.store.put_tree(Tree("t", str(root), "rhel", "7", "vmlinuz", "initrd"))
    return root


async def test_a_folder_is_a_page_of_links_that_lead_to_its_files(world: World, tree: Path) -> None:
    status, body, headers = await world.get("/tree/t/Packages/")
    text = body.decode()

    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    links = re.findall(r'<a href="([^"]*)"', text)
    assert links[0] == "../"
    files = [urljoin("/tree/t/Packages/", unescape(link)) for link in links[1:]]
    found = [(await world.get(file))[:2] for file in files]
    assert sorted(found) == [(200, b"12345"), (200, b"odd")]


async def test_nothing_in_the_page_is_run_and_no_name_is_markup(world: World, tree: Path) -> None:
    _, body, headers = await world.get("/tree/t/Packages/")

    assert b"<img" not in body
    assert b"&lt;img src=x onerror=alert(1)&gt;" in body
    assert headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_page_out_of_a_tree_is_shown_in_a_sandbox(world: World, tree: Path) -> None:
    for _ in range(3):
        _, _, headers = await world.get("/tree/t/page.html")

        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_uppermost_folder_has_a_page_and_no_way_out(world: World, tree: Path) -> None:
    status, body, _ = await world.get("/tree/t/")

    assert status == 200
    assert re.findall(rb'<a href="([^"]*)"', body) == [b"./Packages/", b"./page.html"]


@pytest.mark.parametrize(
    ("path", "to"), [("Packages", "/tree/t/Packages/"), ("%50ackages", "/tree/t/%50ackages/")]
)
async def test_a_folder_without_its_slash_leads_to_the_one_with_it(
    world: World, tree: Path, path: str, to: str
) -> None:
    status, _, headers = await world.get(f"/tree/t/{path}")

    assert status == 301
    assert headers["Location"] in (to, "/tree/t/Packages/")


@pytest.mark.parametrize("path", ["out", "out/", "nothing/", "page.html/", "Packages/../", "%2e%2e/"])
async def test_what_is_no_folder_of_the_tree_has_no_page(world: World, tree: Path, path: str) -> None:
    assert (await world.get(f"/tree/t/{path}"))[0] == 404


async def test_a_head_has_no_body(world: World, tree: Path) -> None:
    status, body, headers = await world.get("/tree/t/Packages/", method="HEAD")

    assert (status, body) == (200, b"")
    assert headers["Content-Type"].startswith("text/html")
