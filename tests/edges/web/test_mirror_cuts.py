"""An upstream that breaks off, lies about lengths, sends something else: none of it is kept, or ends well."""

import asyncio
import gzip
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from tests.edges.mirror.answer import LOGIN, Answer, moved, refused
from tests.edges.web.mirrored import Mirrored, mirrored

FULL = os.environ.get("TORTURE", "0") != "0"
BODY = random.Random(1).randbytes(300_000)
OFFSETS = sorted({0, 1, len(BODY) - 1, *random.Random(2).sample(range(len(BODY)), 47 if FULL else 5)})
"""Where connections end: at most fifty places."""
FRAMINGS: tuple[Literal["length", "chunked", "close"], ...] = ("length", "chunked", "close")


@pytest.fixture
async def mirror(tmp_path: Path, empty_database: Path) -> AsyncIterator[Mirrored]:
    async with mirrored(tmp_path, empty_database) as made:
        yield made


@pytest.mark.parametrize("reset", [False, True], ids=["ends", "reset"])
@pytest.mark.parametrize("framing", FRAMINGS)
async def test_torture_a_cut_is_a_broken_transfer_and_nothing_is_kept(
    mirror: Mirrored, framing: Literal["length", "chunked", "close"], reset: bool
) -> None:
    for offset in OFFSETS:
        path = f"cut-{offset}.rpm"
        mirror.origin.script[f"/{path}"] = [
            Answer(BODY, framing=framing, cut=offset, reset=reset, etag="", modified="")
        ]
        taken = await mirror.take(path)

        assert taken.status >= 500 or not taken.whole, offset
        assert taken.status >= 500 or BODY.startswith(taken.body), offset
    await mirror.at_rest()
    assert mirror.kept() == {}


@pytest.mark.parametrize("framing", FRAMINGS[:2])
async def test_what_broke_off_goes_on_unseen_and_is_kept_whole(
    mirror: Mirrored, framing: Literal["length", "chunked"]
) -> None:
    cut = Answer(BODY, framing=framing, cut=len(BODY) // 3)
    mirror.origin.script["/a.rpm"] = [cut, cut, Answer(BODY, framing=framing)]
    taken = await mirror.take("a.rpm")

    assert (taken.status, taken.whole, taken.body == BODY) == (200, True, True)
    await mirror.at_rest()
    assert mirror.kept()["a.rpm"].size == len(BODY)
    assert [asked.headers.get("range", "") for asked in mirror.origin.asked if asked.method == "GET"] == [
        "",
        "bytes=100000-",
        "bytes=200000-",
    ]


LIES: dict[str, Answer] = {
    "longer than it is": Answer(BODY, claim=1000),
    "empty, and said to be long": Answer(b"", claim=1000),
    "packed, though nobody asked": Answer(gzip.compress(BODY), headers={"Content-Encoding": "gzip"}),
    "a page to log in": LOGIN,
    "moved in a circle": moved("/file.rpm"),
    "moved to this host's own": moved("http://localhost:1/file.rpm"),
    "moved to another protocol": moved("file:///etc/passwd"),
    "an error": refused(500),
    "too many": refused(429),
    "a part that nobody asked for": Answer(BODY[:100], 206, {"Content-Range": "bytes 0-99/300000"}),
    "parts that nobody asked for": Answer(BODY[:100], 206, {"Content-Type": "multipart/byteranges"}),
    "nothing, and that well": Answer(b"", 204),
    "as it was, though nothing was there": Answer(b"", 304),
}


@pytest.mark.parametrize("name", LIES)
async def test_a_lie_is_not_kept_and_the_truth_is_later(mirror: Mirrored, name: str) -> None:
    mirror.origin.script["/file.rpm"] = [LIES[name]]
    taken = await mirror.take("file.rpm")
    await mirror.at_rest()

    assert taken.status >= 400 or not taken.whole or taken.body == BODY
    assert all(known.size == len(BODY) for known in mirror.kept().values())


async def test_what_is_shorter_than_it_says_is_no_other_file(mirror: Mirrored) -> None:
    """Nobody can tell without a digest; the bytes beyond must not be taken for another answer."""
    mirror.origin.script |= {"/a.rpm": [Answer(BODY, claim=-1000)], "/b.rpm": [Answer(b"b" * 5000)]}
    for _ in range(3):
        assert (await mirror.take("a.rpm")).body == BODY[:-1000]
        assert (await mirror.take("b.rpm")).body == b"b" * 5000


async def test_what_is_not_there_is_there_later(mirror: Mirrored) -> None:
    mirror.origin.script["/a.rpm"] = [refused(404), Answer(BODY)]
    assert (await mirror.take("a.rpm")).status == 404
    async with asyncio.timeout(20):
        while (taken := await mirror.take("a.rpm")).status != 200:
            await asyncio.sleep(0.1)
    assert taken.body == BODY


async def test_a_stall_ends_as_a_broken_transfer(tmp_path: Path, empty_database: Path) -> None:
    async with mirrored(tmp_path, empty_database, silent=0.2) as mirror:
        mirror.origin.script["/a.rpm"] = [Answer(BODY, stall=100_000), Answer(BODY, stall=0)]
        taken = await mirror.take("a.rpm")

        assert not taken.whole and BODY.startswith(taken.body)
        await mirror.at_rest()
        assert mirror.kept() == {}


async def test_slow_is_not_broken(tmp_path: Path, empty_database: Path) -> None:
    async with mirrored(tmp_path, empty_database, silent=0.5) as mirror:
        mirror.origin.script["/a.rpm"] = [Answer(BODY[:2000], rate=1000)]
        taken = await mirror.take("a.rpm")

        assert (taken.whole, taken.body) == (True, BODY[:2000])
