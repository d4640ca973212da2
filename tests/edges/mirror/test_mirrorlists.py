"""A tree whose mirrors are a list of mirrors: read once, asked where the source fails, public ones alone."""

import socket
from typing import Any

import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.mirrorlists import Mirrorlists
from provisioner.mirror.origins import Origins
from provisioner.mirror.trust import Trust
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.answer import Answer, refused
from tests.edges.mirror.origin import origin

NOWHERE = "http://127.0.0.1:1/os"


@pytest.fixture(autouse=True)
def _resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """m.example is this host."""
    real = socket.getaddrinfo

    def answer(host: Any, *words: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host == "m.example" else host, *words, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)


async def test_what_a_list_names_stands_in_for_the_source(client: ClientSession) -> None:
    async with origin() as lister, origin() as mirror:
        named = f"http://m.example:{mirror.port}/os"
        lister.script["/mirrorlist"] = [Answer(f"{named}/\n".encode())]
        mirror.script["/os/f"] = [Answer(b"found")]
        trust = Trust(lambda: [named])
        lists = Mirrorlists(client, trust)
        made = Origins(
            Upstream(client, trust).open, mirrors=lambda _: [f"{lister.url}/mirrorlist"], expand=lists.expand
        )
        for _ in range(3):
            async with made.open(NOWHERE, "f") as stream:
                assert b"".join([piece async for piece in stream.chunks()]) == b"found"
                assert stream.url == f"{named}/f"

        assert lister.count("/mirrorlist") == 1
        await lists.close()


async def test_what_a_list_names_is_no_door_to_this_host(client: ClientSession) -> None:
    async with origin() as lister, origin() as inner:
        lister.script["/mirrorlist"] = [
            Answer(f"http://m.example:{inner.port}/os\n{inner.url}/os\n".encode())
        ]
        trust = Trust()
        lists = Mirrorlists(client, trust)
        made = Origins(
            Upstream(client, trust).open, mirrors=lambda _: [f"{lister.url}/mirrorlist"], expand=lists.expand
        )
        with pytest.raises(Unavailable, match=r"m\.example is 127\.0\.0\.1, an address of this host"):
            async with made.open(NOWHERE, "f"):
                pass

        assert inner.asked == []
        await lists.close()


@pytest.mark.parametrize(
    "answer", [refused(503), Answer(b"x" * 2_000_000), Answer(b"<html></html>"), Answer(b"")]
)
async def test_a_list_that_fails_is_empty_and_not_asked_for_at_once(
    client: ClientSession, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    async with origin() as lister:
        lister.script["/mirrorlist"] = [answer]
        lists = Mirrorlists(client, Trust())
        for _ in range(3):
            assert await lists.expand([f"{lister.url}/mirrorlist", NOWHERE]) == [NOWHERE]

        assert lister.count("/mirrorlist") == 1
        assert len([row for row in caplog.records if "the mirror list" in row.getMessage()]) == 1
        await lists.close()
