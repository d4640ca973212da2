"""Answers that are not what was asked for, or not one answer: none is taken for a file."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.upstream import Upstream

BODY = b"0123456789"
LONG = "x" * 9000
OK = "HTTP/1.1 200 OK\r\n"
PAGE = "Content-Type: text/html; charset=utf-8\r\n"
REFUSED: dict[str, tuple[str, str, str]] = {
    "two lengths": (
        f"{OK}Content-Length: 10\r\nContent-Length: 11\r\n\r\n",
        "f.rpm",
        "Duplicate Content-Length",
    ),
    "the same length twice": (
        f"{OK}Content-Length: 10\r\nContent-Length: 10\r\n\r\n",
        "f.rpm",
        "Duplicate Content-Length",
    ),
    "lengths in a list": (
        f"{OK}Content-Length: 10, 10\r\n\r\n",
        "f.rpm",
        "Invalid character in Content-Length",
    ),
    "a length with a sign": (f"{OK}Content-Length: +10\r\n\r\n", "f.rpm", "Invalid character"),
    "a length below nothing": (f"{OK}Content-Length: -10\r\n\r\n", "f.rpm", "Invalid character"),
    "a length in hex": (f"{OK}Content-Length: 0xa\r\n\r\n", "f.rpm", "Invalid character"),
    "a length that is empty": (f"{OK}Content-Length:\r\n\r\n", "f.rpm", "Empty Content-Length"),
    "a length beyond all": (f"{OK}Content-Length: {'9' * 30}\r\n\r\n", "f.rpm", "Content-Length overflow"),
    "chunks and a length": (
        f"{OK}Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
        "f.rpm",
        "Transfer-Encoding can't be present",
    ),
    "a coding that is none": (
        f"{OK}Transfer-Encoding: xchunked\r\n\r\n",
        "f.rpm",
        "a length that cannot be told: xchunked",
    ),
    "packed chunks": (
        f"{OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "f.rpm",
        "is not answered in HTTP",
    ),
    "a packed package": (
        f"{OK}Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n",
        "f.rpm",
        "packed .gzip.",
    ),
    "a packed list": (
        f"{OK}Content-Encoding: br\r\nContent-Length: 10\r\n\r\n",
        "Packages.gz",
        "packed .br.",
    ),
    "a login page": (
        f"{OK}{PAGE}Content-Length: 10\r\n\r\n",
        "images/boot.iso",
        "a web page: the server asks",
    ),
    "a page for a kernel": (f"{OK}{PAGE}Content-Length: 10\r\n\r\n", "images/pxeboot/vmlinuz", "a web page"),
    "a page for metadata": (f"{OK}{PAGE}Content-Length: 10\r\n\r\n", "repodata/repomd.xml", "a web page"),
    "a part unasked": (
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/100\r\nContent-Length: 10\r\n\r\n",
        "f.rpm",
        "a part that was not asked for: bytes 0-9/100",
    ),
    "headers without an end": (
        OK + "".join(f"X-{n}: y\r\n" for n in range(10_000)) + "\r\n",
        "f.rpm",
        "Too many headers",
    ),
    "a header without an end": (
        f"{OK}X: {LONG}\r\nContent-Length: 10\r\n\r\n",
        "f.rpm",
        "more than 8190 bytes",
    ),
    "a first line without an end": (
        f"HTTP/1.1 200 {LONG}\r\nContent-Length: 10\r\n\r\n",
        "f.rpm",
        "more than 8190 bytes",
    ),
    "no HTTP": ("SSH-2.0-OpenSSH_9\r\n", "f.rpm", "is not answered in HTTP"),
    "nothing": ("", "f.rpm", "the server closed the connection"),
    "a switch of protocols": ("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "f.rpm", "answered 101"),
    "a status beyond all": ("HTTP/1.1 999 What\r\nContent-Length: 10\r\n\r\n", "f.rpm", "answered 999"),
}
TAKEN: dict[str, tuple[str, str]] = {
    "a length": (f"{OK}Content-Length: 10\r\n\r\n", "f.rpm"),
    "chunks": (f"{OK}Transfer-Encoding: Chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", "f.rpm"),
    "the end of the connection": (f"{OK}\r\n", "f.rpm"),
    "an older protocol": ("HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n", "f.rpm"),
    "a packed file told as packed": (
        f"{OK}Content-Encoding: x-gzip\r\nContent-Length: 10\r\n\r\n",
        "x/F.tar.GZ",
    ),
    "identity": (f"{OK}Content-Encoding: identity\r\nContent-Length: 10\r\n\r\n", "f.rpm"),
    "a page where there may be one": (f"{OK}{PAGE}Content-Length: 10\r\n\r\n", "README.html"),
    "a listing": (f"{OK}{PAGE}Content-Length: 10\r\n\r\n", ""),
    "many headers": (
        OK + "".join(f"X-{n}: y\r\n" for n in range(90)) + "Content-Length: 10\r\n\r\n",
        "f.rpm",
    ),
}


class Raw:
    """A server that says what it is told to, whatever it is asked."""

    def __init__(self) -> None:
        self.says = b""
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.says)
        writer.close()


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    made = Raw()
    async with await asyncio.start_server(made.talk, "127.0.0.1", 0) as server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


async def got(client: ClientSession, raw: Raw, path: str, headers: dict[str, str] | None = None) -> bytes:
    async with Upstream(client).open(raw.url, path, headers) as stream:
        return b"".join([piece async for piece in stream.chunks()])


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_one_answer_is_no_file(client: ClientSession, raw: Raw, name: str) -> None:
    head, path, words = REFUSED[name]
    raw.says = head.encode() + BODY
    if name == "nothing":
        raw.says = b""
    with pytest.raises(Unavailable, match=words) as refusal:
        await got(client, raw, path)

    assert f"{raw.url}/{path}" in str(refusal.value)
    assert len(str(refusal.value)) < 400
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", TAKEN)
async def test_what_servers_really_say_is_taken(client: ClientSession, raw: Raw, name: str) -> None:
    head, path = TAKEN[name]
    raw.says = head.encode() + (b"" if name == "chunks" else BODY)

    assert await got(client, raw, path) == BODY


async def test_a_server_is_asked_for_bytes_as_they_are_and_told_nothing_of_others(
    client: ClientSession, raw: Raw
) -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            f"{OK}Set-Cookie: a=b\r\nContent-Length: 10\r\nConnection: close\r\n\r\n".encode() + BODY
        )
        writer.close()

    raw.talk = talk  # type: ignore[method-assign]
    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        raw.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for _ in range(2):
            await got(client, raw, "f.rpm", {"Cookie": "mine=1", "Authorization": "x"})

    assert all(b"Accept-Encoding: identity\r\n" in one for one in heard)
    assert not [one for one in heard if b"ookie" in one or b"Authorization" in one]
