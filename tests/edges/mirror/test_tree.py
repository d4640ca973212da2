"""The small files of a tree, read from a directory and from a server alike."""

from pathlib import Path

import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Invalid, Unavailable
from provisioner.mirror.tree import Reader
from provisioner.mirror.upstream import Upstream


async def test_a_file_is_read_and_an_absent_one_is_none(client: ClientSession, source: str) -> None:
    reader = Reader(Upstream(client))

    assert await reader.read(source, ".treeinfo") == b"[general]\n"
    assert await reader.read(source, "treeinfo") is None
    assert await reader.read(source, "images") is None
    assert await reader.read(source, "../secret") is None


async def test_whether_a_file_is_there_needs_no_reading(client: ClientSession, source: str) -> None:
    reader = Reader(Upstream(client))

    assert await reader.exists(source, "big")
    assert await reader.exists(source, "images/empty")
    assert not await reader.exists(source, "small")
    with pytest.raises(Invalid, match="big is longer than 4 MiB"):
        await reader.read(source, "big")


async def test_a_source_that_does_not_answer_is_named(client: ClientSession, tmp_path: Path) -> None:
    reader = Reader(Upstream(client))
    for source in ("http://127.0.0.1:1/tree", str(tmp_path / "gone")):
        for ask in (reader.read, reader.exists):
            with pytest.raises(Unavailable, match=source):
                await ask(source, ".treeinfo")


async def test_redirects_are_followed_five_times(client: ClientSession, upstream: str) -> None:
    reader = Reader(Upstream(client))

    assert await reader.read(upstream, "moved/4") == b"[general]\n"
    with pytest.raises(Unavailable, match=f"{upstream}/moved/9 redirects more than 5 times"):
        await reader.read(upstream, "moved/9")


async def test_a_redirect_inwards_is_not_followed(client: ClientSession, upstream: str) -> None:
    with pytest.raises(Unavailable, match="redirects to localhost"):
        await Reader(Upstream(client)).read(f"{upstream}/inwards", ".treeinfo")


@pytest.mark.parametrize("code", [500, 503, 401])
async def test_a_refusal_is_no_absence(client: ClientSession, upstream: str, code: int) -> None:
    for ask in (Reader(Upstream(client)).read, Reader(Upstream(client)).exists):
        with pytest.raises(Unavailable, match=f"{upstream}/status/{code} answered {code}"):
            await ask(upstream, f"status/{code}")


@pytest.mark.parametrize("code", [403, 404, 410])
async def test_a_hidden_dot_file_counts_as_absent(client: ClientSession, upstream: str, code: int) -> None:
    assert await Reader(Upstream(client)).read(upstream, f"status/{code}") is None


async def test_an_endless_answer_is_not_read_to_its_end(client: ClientSession, upstream: str) -> None:
    with pytest.raises(Invalid, match="longer than 4 MiB"):
        await Reader(Upstream(client)).read(upstream, "endless/file")


async def test_an_answer_that_breaks_off_is_told(client: ClientSession, upstream: str) -> None:
    with pytest.raises(Unavailable, match=f"{upstream}/broken/file broke off"):
        await Reader(Upstream(client)).read(upstream, "broken/file")
