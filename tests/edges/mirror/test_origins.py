"""A tree's several upstreams: which is asked, when another is, and what is told of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror import health, origins
from provisioner.mirror.limits import Limits
from provisioner.mirror.origins import Origins
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.answer import Answer, refused
from tests.edges.mirror.origin import Origin, origin

BODY = bytes(range(256)) * 400
NOWHERE = "http://127.0.0.1:1/tree"
"""Nobody listens there."""


@pytest.fixture
async def three() -> AsyncIterator[Sequence[Origin]]:
    """Upstreams that each give their own answer at /f."""
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(origin()) for _ in range(3)]
        for number, one in enumerate(made):
            one.script["/f"] = [Answer(b"%d" % number * 1000, etag=f'"{number}"')]
        yield made


def of(client: ClientSession, *urls: str) -> Origins:
    """The first is the tree's source."""
    return Origins(Upstream(client).open, mirrors=lambda _: urls[1:])


async def got(made: Origins, source: str, **headers: str) -> tuple[int, bytes, str]:
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    async with made.open(source, "f", named) as stream:
        return stream.status, b"".join([piece async for piece in stream.chunks()]), stream.url


def states(made: Origins) -> list[str]:
    return [row.state for row in made.health()]


async def test_the_source_comes_first_and_is_told(client: ClientSession, three: Sequence[Origin]) -> None:
    urls = [one.url for one in three]
    made = of(client, *urls)

    assert await got(made, urls[0]) == (200, b"0" * 1000, f"{urls[0]}/f")
    assert [(row.url, row.state, row.reason, row.bytes, row.requests) for row in made.health()] == [
        (urls[0], "ok", "", 1000, 1)
    ]


FAILING: dict[str, tuple[Answer, str]] = {
    "503": (refused(503), "answered 503"),
    "500": (refused(500), "answered 500"),
    "redirects in a circle": (
        Answer(status=302, headers={"Location": "/f"}, etag="", modified=""),
        "redirects",
    ),
}


@pytest.mark.parametrize("name", FAILING)
async def test_one_that_answers_wrongly_is_passed_by_and_down_after_three(
    client: ClientSession, three: Sequence[Origin], name: str
) -> None:
    answer, reason = FAILING[name]
    urls = [one.url for one in three]
    three[0].script["/f"] = [answer]
    made = of(client, *urls)
    seen = []
    for _ in range(health.STRIKES):
        seen.append(states(made))
        assert (await got(made, urls[0]))[1:] == (b"1" * 1000, f"{urls[1]}/f")
    asked = len(three[0].asked)
    assert (await got(made, urls[0]))[0] == 200

    assert len(three[0].asked) == asked
    assert states(made) == ["down", "ok"]
    assert reason in made.health()[0].reason


async def test_one_that_is_away_is_left_alone_for_a_growing_while(client: ClientSession) -> None:
    made = of(client, NOWHERE)
    with pytest.raises(Unavailable, match=f"{NOWHERE}/f cannot be read"):
        await got(made, NOWHERE)
    root = made._roots[NOWHERE]
    waits = [root.pause()]
    for _ in range(8):
        root.server._again = time.monotonic()  # the while is over
        with pytest.raises(Unavailable, match="cannot be read"):
            await got(made, NOWHERE)
        waits.append(root.pause())

    assert [round(wait) for wait in waits] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    with pytest.raises(Unavailable, match=r"cannot be read: the server is down \(asked again in 60 s\)"):
        await got(made, NOWHERE)
    assert states(made) == ["down"]
    assert made.health()[0].requests == 9


async def test_many_that_see_one_outage_are_one_outage(client: ClientSession) -> None:
    made = of(client, NOWHERE)
    await asyncio.gather(*(got(made, NOWHERE) for _ in range(20)), return_exceptions=True)

    assert made._roots[NOWHERE].pause() <= health.FIRST_SECONDS


async def test_one_request_finds_out_whether_it_is_back_and_the_others_wait(client: ClientSession) -> None:
    async with origin() as one:
        one.script["/f"] = [Answer(BODY)]
        await one.stop()
        made = of(client, one.url)
        with pytest.raises(Unavailable):
            await got(made, one.url)
        await one.start()
        one.latency = 0.2
        found = await asyncio.gather(*(got(made, one.url) for _ in range(10)))

    assert [(status, body) for status, body, _ in found] == [(200, BODY)] * 10
    assert states(made) == ["ok"]


async def test_a_server_that_never_answers_costs_a_share_of_ten_seconds(
    client: ClientSession, three: Sequence[Origin], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "ANSWER_SECONDS", 0.6)
    monkeypatch.setattr(origins, "_SHARE_SECONDS", 0.2)
    urls = [one.url for one in three]
    three[0].latency = three[1].latency = 3600
    made = of(client, *urls)

    assert (await got(made, urls[0]))[1] == b"2" * 1000
    assert states(made) == ["down", "down", "ok"]
    three[2].latency = 3600
    with pytest.raises(
        Unavailable, match=r"cannot be read: .*; nor from 127.0.0.1:\d+: it did not begin to answer"
    ) as told:
        await got(made, urls[0])
    assert [str(told.value).count(f":{one.port}") for one in three] == [1, 1, 1]
    assert "\n" not in str(told.value)


async def test_all_that_are_down_are_asked_once_more_where_that_is_soon(client: ClientSession) -> None:
    async with origin() as one, origin() as other:
        for each in (one, other):
            each.script["/f"] = [Answer(BODY)]
            await each.stop()
        made = of(client, one.url, other.url)
        with pytest.raises(Unavailable):
            await got(made, one.url)
        await other.start()

        assert (await got(made, one.url))[2] == f"{other.url}/f"


async def test_one_that_is_blamed_is_asked_last(client: ClientSession, three: Sequence[Origin]) -> None:
    urls = [one.url for one in three]
    made = of(client, *urls)
    url = (await got(made, urls[0]))[2]
    made.blame(url, "its f is not the f that Release names")

    assert (await got(made, urls[0]))[2] == f"{urls[1]}/f"
    assert [(row.state, row.reason) for row in made.health()] == [
        ("aside", "its f is not the f that Release names"),
        ("ok", ""),
    ]
    await three[1].stop()
    await three[2].stop()
    assert (await got(made, urls[0]))[2] == f"{urls[0]}/f", "better than none"
    made.blame("http://elsewhere.example/f", "nobody's")


async def test_a_redirect_s_end_is_blamed_on_the_upstream_that_named_it(
    client: ClientSession, three: Sequence[Origin]
) -> None:
    urls = [one.url for one in three]
    three[0].script["/f"] = [Answer(status=302, headers={"Location": "/g"}, etag="", modified="")]
    three[0].script["/g"] = [Answer(BODY)]
    made = of(client, urls[0], urls[1])
    url = (await got(made, urls[0]))[2]
    assert url == f"{urls[0]}/g"
    made.blame(url, "wrong")

    assert (await got(made, urls[0]))[2] == f"{urls[1]}/f"


async def test_a_transfer_that_breaks_makes_the_next_go_elsewhere(
    client: ClientSession, three: Sequence[Origin]
) -> None:
    urls = [one.url for one in three]
    three[0].script["/f"] = [Answer(BODY, cut=100)]
    made = of(client, *urls)
    with pytest.raises(Unavailable, match="broke off"):
        await got(made, urls[0])

    assert states(made) == ["aside"]
    assert (await got(made, urls[0]))[2] == f"{urls[1]}/f"


async def test_a_part_comes_from_where_its_validator_came_from(
    client: ClientSession, three: Sequence[Origin]
) -> None:
    urls = [one.url for one in three]
    three[0].script["/f"] = [refused(503), Answer(b"0" * 1000)]
    made = of(client, *urls)
    assert (await got(made, urls[0]))[2] == f"{urls[1]}/f"

    asked = {"range": "bytes=10-", "if_range": '"1"'}
    assert await got(made, urls[0], **asked) == (206, b"1" * 990, f"{urls[1]}/f")
    await three[1].stop()
    status, body, url = await got(made, urls[0], **asked)
    assert (status, body, url) == (200, b"0" * 1000, f"{urls[0]}/f"), "another's file is never continued"


async def test_the_quicker_of_those_that_do_well_is_asked_first(
    client: ClientSession, three: Sequence[Origin]
) -> None:
    urls = [one.url for one in three]
    three[0].latency = 0.5
    made = of(client, *urls)
    assert (await got(made, urls[0]))[2] == f"{urls[0]}/f"
    assert (await got(made, urls[0]))[2] == f"{urls[0]}/f", "what was not measured is not preferred"
    made.blame(f"{urls[0]}/f", "a moment")
    assert (await got(made, urls[0]))[2] == f"{urls[1]}/f"
    made._roots[urls[0]].own._aside = 0

    assert (await got(made, urls[0]))[2] == f"{urls[1]}/f"


async def test_a_file_of_this_host_is_passed_straight_on(client: ClientSession, tmp_path: Path) -> None:
    made = of(client)
    (tmp_path / "f").write_bytes(BODY)

    assert await got(made, str(tmp_path)) == (200, BODY, "")
    assert made.health() == []


async def test_what_a_tree_that_is_there_lacks_is_absent(
    client: ClientSession, three: Sequence[Origin]
) -> None:
    urls = [one.url for one in three]
    three[0].script |= {"/f": [refused(404)], "/.treeinfo": [Answer(b"[general]")]}
    made = of(client, *urls)

    assert (await got(made, urls[0]))[0] == 404
    assert three[1].asked == []
    assert states(made) == ["ok"]


async def test_a_tree_that_is_gone_from_its_source_is_read_from_a_mirror(
    client: ClientSession, three: Sequence[Origin]
) -> None:
    urls = [one.url for one in three]
    three[0].script["/f"] = three[1].script["/f"] = [refused(404)]
    made = of(client, *urls)

    assert (await got(made, urls[0]))[2] == f"{urls[2]}/f"
    asked = len(three[0].asked)
    assert (await got(made, urls[0]))[2] == f"{urls[2]}/f"
    assert len(three[0].asked) == asked, "it is asked again in an hour"


async def test_a_place_in_the_region_comes_first_and_what_it_lacks_is_at_the_makers(
    client: ClientSession, three: Sequence[Origin]
) -> None:
    near, maker = three[0], three[1]
    near.script["/.treeinfo"] = [Answer(b"[general]")]
    made = Origins(Upstream(client).open, regional=lambda _: near.url)
    assert (await got(made, maker.url))[2] == f"{near.url}/f"
    near.script["/f"] = [refused(404)]

    assert (await got(made, maker.url))[2] == f"{maker.url}/f"


async def test_a_host_is_asked_for_so_many_files_at_once(client: ClientSession) -> None:
    async with origin() as one:
        one.script |= {f"/{number}": [Answer(BODY, stall=10)] for number in range(9)}
        made = Origins(Upstream(client).open, limits=Limits(4))
        begun = 0

        async def read(number: int) -> int:
            nonlocal begun
            async with made.open(one.url, str(number)) as stream:
                begun += 1
                return len(b"".join([piece async for piece in stream.chunks()]))

        reading = [asyncio.create_task(read(number)) for number in range(9)]
        while begun < 4:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert len(one.asked) == 4
        one.go_on.set()

        assert await asyncio.gather(*reading) == [len(BODY)] * 9
