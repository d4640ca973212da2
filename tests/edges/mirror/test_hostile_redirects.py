"""A hundred redirects to where no upstream may lead: nobody inside is ever connected to."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout

from provisioner.core.errors import Unavailable
from provisioner.mirror import client as clients
from provisioner.mirror.trust import Trust
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.answer import Answer, moved
from tests.edges.mirror.origin import Origin, origin

PUBLIC = "192.88.99.77"
"""Of no network in use, and no private one."""
NAMES: dict[str, list[str]] = {
    "evil.example": ["127.0.0.1"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "two.example": [PUBLIC, "127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "lan.example": ["192.168.1.1"],
}
HOSTS = (
    *("127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "127.0.0.1.", "0", "0.0.0.0", "localhost"),
    *("LOCALHOST", "localhost.", "a.localhost", "ip6-localhost", "2130706433", "0x7f000001", "0x7f.0.0.1"),
    *("0177.0.0.1", "017700000001", "0x7f.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[0:0:0:0:0:ffff:7f00:0001]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::7f00:1]", "[fe80::1]"),
    *("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "10.0.0.1", "172.16.0.1", "192.168.0.1"),
    *(
        "224.0.0.1",
        "255.255.255.255",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "\uff11\uff12\uff17.0.0.1",
        *NAMES,
        "EVIL.example",
    ),
    *("me:secret@127.0.0.1", "a.example@127.0.0.1", "evil.example."),
)
WHOLE = (
    *(
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/_x",
        "dict://127.0.0.1:{port}/x",
        "ldap://127.0.0.1:{port}",
    ),
    *(
        "ftp://127.0.0.1:{port}/x",
        "tftp://127.0.0.1/x",
        "data:,x",
        "javascript:x",
        "unix:/run/x",
        "nfs://127.0.0.1/x",
    ),
    *("//127.0.0.1:{port}/x", "///127.0.0.1:{port}/x", "http:/127.0.0.1:{port}/x", "http:127.0.0.1:{port}"),
    *(
        "\\\\127.0.0.1:{port}\\x",
        "http:\\\\127.0.0.1:{port}\\x",
        "http://127.0.0.1:{port}#@{own}/x",
        "http://",
    ),
    *("http://{own}@127.0.0.1:{port}/x", "http://127.0.0.1:{port}?@{own}/x", "http://[::1/x", "http://a b/x"),
    *(
        "http://127.0.0.1:{port}\\@{own}/x",
        "http://127.0.0.1:99999/",
        "http://:{port}/x",
        "HTTP://127.0.0.1:{port}/",
    ),
)


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names that were asked for; those of the table answer by it, `rebinding.example` ever otherwise."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: Any, *words: Any, **named: Any) -> Any:
        name = str(host).rstrip(".").lower()
        asked.append(name)
        found = NAMES.get(name, [])
        if name == "rebinding.example":
            found = [PUBLIC if asked.count(name) == 1 else "127.0.0.1"]
        if not found:
            return real(host, *words, **named)
        return [row for one in found for row in real(one, *words, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    yield asked


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClientSession]:
    monkeypatch.setattr(clients, "_TIMEOUT", ClientTimeout(total=None, sock_connect=0.3, sock_read=0.3))
    async with clients.session() as made:
        yield made


@pytest.fixture
async def honeypot() -> AsyncIterator[tuple[int, list[str]]]:
    """A port on every address of this host, and who came."""
    came: list[str] = []

    async def caught(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(str(writer.get_extra_info("peername")))
        writer.close()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(caught, "0.0.0.0", 0))
        port = server.sockets[0].getsockname()[1]
        with suppress(OSError):  # no IPv6 here
            await stack.enter_async_context(await asyncio.start_server(caught, "::1", port))
        yield port, came


def table(port: int, own: str) -> list[str]:
    """The same hundred each time, in ways and with hops that a seed draws."""
    drawn = random.Random(7)
    forms = [f"http://{host}:{port}/x" for host in HOSTS]
    forms += [form.replace("{port}", str(port)).replace("{own}", own) for form in WHOLE]
    while len(forms) < 100:
        host = drawn.choice(HOSTS)
        forms.append(
            f"{drawn.choice(('http', 'https', '', 'hTTp'))}{':' * 1}//{host}:{port}/{drawn.random()}"
        )
    return [form.removeprefix(":") for form in forms]


def lead(one: Origin, number: int, location: str) -> str:
    """The path that leads there, by one redirect or several, of any kind."""
    drawn = random.Random(number)
    hops = drawn.randint(0, 3)
    for hop in range(hops):
        one.script[f"/{number}/{hop}"] = [moved(f"/{number}/{hop + 1}")]
    status = drawn.choice((301, 302, 303, 307, 308))
    one.script[f"/{number}/{hops}"] = [
        Answer(status=status, headers={"Location": location}, etag="", modified="")
    ]
    return f"{number}/0"


async def test_a_hundred_redirects_inwards_reach_nobody(
    client: ClientSession, honeypot: tuple[int, list[str]], resolved: list[str]
) -> None:
    port, came = honeypot
    ended: dict[str, str] = {}
    async with origin() as one:
        upstream = Upstream(client)
        locations = table(port, f"127.0.0.1:{one.port}")
        for number, location in enumerate(locations):
            path = lead(one, number, location.encode().decode("latin-1"))
            try:
                async with upstream.open(one.url, path) as stream:
                    ended[f"{number} {location}"] = str(stream.status)
            except Unavailable as error:
                ended[f"{number} {location}"] = str(error)

    assert len(locations) >= 100
    assert came == []
    assert {what for what in ended.values() if what.isdecimal()} <= {"404"}, (
        "what stays on the server is not there"
    )
    assert sum(what.isdecimal() for what in ended.values()) < 10
    assert all("secret" not in what and "\n" not in what for what in ended.values())


async def test_a_name_is_resolved_once_and_that_address_is_asked(
    client: ClientSession, honeypot: tuple[int, list[str]], resolved: list[str]
) -> None:
    port, came = honeypot
    async with origin() as one:
        one.script["/f"] = [moved(f"http://rebinding.example:{port}/x")]
        with pytest.raises(Unavailable, match="cannot be read"):
            async with Upstream(client).open(one.url, "f"):
                pass

    assert came == []
    assert resolved.count("rebinding.example") == 1


async def test_another_upstream_of_the_configuration_is_followed_wherever_it_is(
    client: ClientSession,
) -> None:
    async with origin() as one, origin() as other:
        one.script["/f"] = [moved(f"{other.url}/g")]
        other.script["/g"] = [Answer(b"found")]
        async with Upstream(client, Trust(lambda: [other.url])).open(one.url, "f") as stream:
            assert b"".join([piece async for piece in stream.chunks()]) == b"found"
            assert stream.url == f"{other.url}/g"
        with pytest.raises(Unavailable, match="an address of this host, which is not followed") as refusal:
            async with Upstream(client).open(one.url, "f"):
                pass

    assert other.count("/g") == 1
    assert "--mirror" in refusal.value.remedy


async def test_what_a_list_named_is_asked_only_where_it_is_public(
    client: ClientSession, honeypot: tuple[int, list[str]], resolved: list[str]
) -> None:
    port, came = honeypot
    trust = Trust()
    for host in ("127.0.0.1", "evil.example", "2130706433", "[::1]"):
        trust.distrust(f"http://{host}:{port}")
        with pytest.raises(Unavailable, match="is not asked"):
            async with Upstream(client, trust).open(f"http://{host}:{port}", "f"):
                pass

    assert came == []


async def test_a_circle_is_named(client: ClientSession) -> None:
    async with origin() as one:
        one.script |= {"/a": [moved("/b")], "/b": [moved("/a")], "/c": [moved("/c")]}
        for path, words in (("a", "/b leads back to .*/a"), ("c", "/c leads back to .*/c")):
            with pytest.raises(Unavailable, match=f"redirects in a circle: .*{words}"):
                async with Upstream(client).open(one.url, path):
                    pass
