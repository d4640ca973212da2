"""Trees that vouch for their installer, and a whole tree in which bits are wrong."""

import os
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.edges.mirror.answer import Answer
from tests.edges.mirror.repositories import centos_tree, flip, rpm_repository
from tests.edges.mirror.vouched import Mirror, mirror
from tests.unit.mirror.signing import Signer

FLIPS = 200 if os.environ.get("TORTURE", "0") != "0" else 20
LINUX = "boot/x86_64/loader/linux"


@pytest.fixture
async def site(tmp_path: Path, client: ClientSession) -> AsyncIterator[Mirror]:
    async with mirror(tmp_path, client) as made:
        yield made


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    made = Signer(tmp_path_factory.mktemp("gpg") / "home")
    yield made
    made.close()


async def test_torture_bits_that_are_wrong_are_never_served(
    tmp_path: Path, client: ClientSession, signer: Signer
) -> None:
    """A seeded part of what a tampering upstream may do: a bit of one file of a tree, nothing kept yet."""
    dice = random.Random(1302)
    *others, repomd = centos_tree(tmp_path / "tree", signer, packages=FLIPS)
    for path in [repomd, *others[:3], *others[-2:], *dice.sample(others[3:-2], FLIPS - 6)]:
        place = tmp_path / path.replace("/", "-")
        shutil.copytree(tmp_path / "tree", place / "upstream", copy_function=os.link)
        (place / "upstream" / path).unlink()
        shutil.copyfile(tmp_path / "tree" / path, place / "upstream" / path)
        flip(place / "upstream" / path, dice)
        async with mirror(place, client) as site:
            site.keys = signer.public
            if path != repomd:
                assert await site.get(repomd)
            assert await site.refuses(path)
            assert path not in site.kept()
            assert site.blamed or site.origins.health()[0].state == "aside"
        shutil.rmtree(place)


async def test_a_tree_that_is_right_is_vouched_for_wholly(site: Mirror, signer: Signer) -> None:
    site.keys = signer.public
    for path in centos_tree(site.folder, signer):
        data = await site.get(path)
        assert data == (site.folder / path).read_bytes()
        assert (await site.known(path)).by


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("CHECKSUMS", "{digest}  ./{path}\n"),
        ("content", "CONTENTSTYLE 11\nHASH SHA256 {digest}  {path}\n"),
        ("SHA256SUMS", "{digest} *{path}\n"),
        (".treeinfo", "[general]\nname=x\nversion=1\narch=x86_64\n[checksums]\n{path} = sha256:{digest}\n"),
        ("treeinfo", "[general]\nname=x\nversion=1\narch=x86_64\n[checksums]\n{path} = sha256:{digest}\n"),
    ],
)
async def test_a_list_at_the_root_vouches_for_the_installer(
    site: Mirror, signer: Signer, name: str, line: str
) -> None:
    site.keys = signer.public
    site.change(LINUX, b"kernel" * 1000)
    text = line.format(digest=sha256(b"kernel" * 1000).hexdigest(), path=LINUX).encode()
    site.change(name, text)
    site.change(f"{name}.asc", signer.detached(text))

    known = await site.known(LINUX)
    assert (known.by, known.signed) == (name, "" if name.endswith("treeinfo") else signer.fingerprint)
    assert await site.get("images/updates.img") is None
    assert await site.get(name) == text

    flip(site.folder / LINUX)
    await site.cache.forget(site.source)
    assert await site.refuses(LINUX)


async def test_a_server_that_shows_pages_for_what_it_lacks(site: Mirror) -> None:
    site.change("images/x", b"x")
    rpm_repository(site.folder, {"Packages/a.rpm": b"a" * 100})
    page = Answer(b"<!DOCTYPE html><title>Not found</title>", headers={"Content-Type": "text/html"})
    for name in (".treeinfo", "treeinfo", "SHA256SUMS", "CHECKSUMS", "content", "repodata/repomd.xml.asc"):
        site.origin.script[f"/{name}"] = [page]

    assert (await site.known("images/x")).by == ""
    assert site.states.told(site.source) == []
    assert (await site.known("Packages/a.rpm")).by.endswith("-primary.xml.gz")


async def test_a_tree_that_says_nothing_is_read_all_the_same(site: Mirror) -> None:
    site.change("images/x", b"x")

    assert await site.get("images/x") == b"x"
    assert (await site.known("images/x")).by == ""
    asked = len(site.origin.asked)
    await site.get("images/x")
    assert len(site.origin.asked) == asked
