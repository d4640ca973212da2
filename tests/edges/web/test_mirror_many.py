"""Many clients of one file: one fetch, right bytes for each, whoever leaves."""

import asyncio
import hashlib
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.edges.mirror.answer import Answer
from tests.edges.web.mirrored import TREE, Mirrored, client, mirrored

FULL = os.environ.get("TORTURE", "0") != "0"
BODY = random.Random(1).randbytes(4_000_000)
CLIENTS = 200


@pytest.fixture
async def mirror(tmp_path: Path, empty_database: Path) -> AsyncIterator[Mirrored]:
    async with mirrored(tmp_path, empty_database) as made:
        yield made


async def test_a_stampede_is_one_fetch(mirror: Mirrored) -> None:
    mirror.origin.script["/a.rpm"] = [Answer(BODY)]
    mirror.origin.rate = len(BODY)  # a second: all of them come while it is fetched

    async def take(number: int) -> tuple[int, bool, bool]:
        async with client(f"127.0.7.{number + 1}") as guest:
            taken = await mirror.take("a.rpm", client=guest)
        return taken.status, taken.whole, taken.sha256 == digest

    digest = hashlib.sha256(BODY).hexdigest()
    taken = Counter(await asyncio.gather(*map(take, range(CLIENTS))))

    assert taken == {(200, True, True): CLIENTS}
    assert mirror.origin.count("/a.rpm") == 1
    await mirror.at_rest()
    assert mirror.kept()["a.rpm"].size == len(BODY)


async def test_parts_of_what_comes_just_now_are_of_the_same_fetch(mirror: Mirrored) -> None:
    mirror.origin.script["/a.rpm"] = [Answer(BODY, stall=2_000_000)]
    leader = asyncio.create_task(mirror.take("a.rpm"))
    while mirror.origin.sent < 2_000_000:
        await asyncio.sleep(0.01)
    parts = await asyncio.gather(
        *(mirror.take("a.rpm", Range=f"bytes={at}-{at + 999}") for at in (0, 1000, 1_000_000))
    )
    mirror.origin.go_on.set()
    end = await mirror.take("a.rpm", Range="bytes=-1000")

    assert [part.status for part in (*parts, end)] == [206] * 4
    assert [part.body for part in parts] == [BODY[at : at + 1000] for at in (0, 1000, 1_000_000)]
    assert end.body == BODY[-1000:]
    assert (await leader).body == BODY
    assert sum(asked.headers.get("range", "") == "" for asked in mirror.origin.asked) == 1


async def test_torture_the_first_client_leaves_and_the_others_have_it_right(mirror: Mirrored) -> None:
    small = BODY[:400_000]
    for number in range(100 if FULL else 10):
        path = f"{number}.rpm"
        mirror.origin.script[f"/{path}"] = [Answer(small, stall=20_000)]
        mirror.origin.go_on.clear()
        before = mirror.origin.sent
        reader, writer = await asyncio.open_connection("127.0.0.1", mirror.world.guest_port)
        writer.write(f"GET /tree/{TREE}/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert await reader.read(1000)
        followers = [asyncio.create_task(mirror.take(path)) for _ in range(4)]
        while mirror.origin.sent - before < 20_000:
            await asyncio.sleep(0.001)
        writer.transport.abort()
        await asyncio.sleep(0)
        mirror.origin.go_on.set()
        taken = await asyncio.gather(*followers)

        assert [(one.whole, one.body == small) for one in taken] == [(True, True)] * 4
        assert mirror.origin.count(f"/{path}") == 1


async def test_one_who_leaves_alone_ends_nothing_that_others_began(mirror: Mirrored) -> None:
    """Nobody waits any more: it may end, and what it left is gone or whole."""
    mirror.origin.script["/a.rpm"] = [Answer(BODY, rate=len(BODY) // 2)]
    reader, writer = await asyncio.open_connection("127.0.0.1", mirror.world.guest_port)
    writer.write(f"GET /tree/{TREE}/a.rpm HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert await reader.read(1000)
    writer.transport.abort()
    taken = await mirror.take("a.rpm")

    assert (taken.whole, taken.body == BODY) == (True, True)
    await mirror.at_rest()
    assert mirror.kept()["a.rpm"].size == len(BODY)
