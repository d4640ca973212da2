"""Upstreams behind a proxy of the environment, which asks for a login: HTTP through it, HTTPS by CONNECT."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector

from provisioner.core.errors import Unavailable
from provisioner.mirror.client import session
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.answer import Answer
from tests.edges.mirror.origin import Origin, origin

LOGIN = "Basic bWU6c0BjcmV0"


class Proxy:
    """Every name leads to `to`, by whatever way it is asked for; `heard` are the first lines."""

    def __init__(self, to: Origin) -> None:
        self.to = to
        self.heard: list[str] = []
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *rest = head.split("\r\n")
        self.heard.append(first)
        if f"Proxy-Authorization: {LOGIN}" not in rest:
            writer.write(b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.to.port)
        if first.startswith("CONNECT "):
            writer.write(b"HTTP/1.1 200 Go on\r\n\r\n")
        else:
            method, url, version = first.split(" ")
            path = "/" + url.split("/", 3)[3]
            lines = [f"{method} {path} {version}", *(line for line in rest if not line.startswith("Proxy-"))]
            back.write("\r\n".join(lines).encode())
        await asyncio.gather(_copy(reader, back), _copy(there, writer), return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@pytest.fixture
async def through(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with origin() as one:
        one.script["/f"] = [Answer(b"found")]
        made = Proxy(one)
        async with await asyncio.start_server(made.talk, "127.0.0.1", 0) as server:
            made.url = f"http://me:s%40cret@127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for scheme in ("http", "https"):
                monkeypatch.setenv(f"{scheme}_proxy", made.url)
            yield made


async def got(client: ClientSession, source: str) -> bytes:
    async with Upstream(client).open(source, "f") as stream:
        return b"".join([piece async for piece in stream.chunks()])


async def test_http_goes_through_the_proxy_with_its_login(through: Proxy, client: ClientSession) -> None:
    assert await got(client, "http://mirror.example") == b"found"
    assert through.heard == ["GET http://mirror.example/f HTTP/1.1"]
    assert not [name for one in through.to.asked for name in one.headers if name.startswith("proxy-")]


async def test_no_proxy_goes_straight(
    through: Proxy, client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.0/8")

    assert await got(client, through.to.url) == b"found"
    assert through.heard == []


async def test_a_proxy_that_refuses_is_told_without_its_login(
    through: Proxy, client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", through.url.replace("s%40cret", "wrong%40one"))
    with pytest.raises(Unavailable, match="answered 407") as refusal:
        await got(client, "http://mirror.example")

    assert "wrong" not in str(refusal.value)


async def test_https_is_asked_through_a_tunnel_and_its_certificate_is_checked(
    through: Proxy, client: ClientSession, certificate: Path
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context) as server:
        through.to.port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await got(client, "https://127.0.0.1:4443")
        trusting = ssl.create_default_context(cafile=f"{certificate}.crt")
        async with session(TCPConnector(ssl=trusting)) as trusted:
            assert await got(trusted, "https://127.0.0.1:4443") == b"secret"

    assert set(through.heard) == {"CONNECT 127.0.0.1:4443 HTTP/1.1"}
