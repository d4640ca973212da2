"""Requests that two servers may read differently, and those that name another server: refused, and no more.

Behind each a second request is sent, as a smuggler does: it must not be answered.
"""

import asyncio
import socket
from contextlib import closing, suppress
from pathlib import Path

import pytest

from provisioner.core.profile import Tree
from tests.edges.web.world import World

_GET = b"GET /tree/t/file HTTP/1.1\r\nHost: x\r\n"
_EMPTY = b"\r\n\r\n0\r\n\r\n"
SMUGGLED = b"GET /tree/t/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
BODY, SECRET = b"what is asked for", b"what is smuggled"

ODD = {
    "two lengths": _GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxx",
    "one length twice": _GET + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nxxxxx",
    "a list of lengths": _GET + b"Content-Length: 5, 5\r\n\r\nxxxxx",
    "a length with a plus": _GET + b"Content-Length: +5\r\n\r\nxxxxx",
    "a length below nought": _GET + b"Content-Length: -5\r\n\r\n",
    "a length in hexadecimal": _GET + b"Content-Length: 0x5\r\n\r\nxxxxx",
    "a length with a line": _GET + b"Content-Length: 1_0\r\n\r\n0123456789",
    "two words of length": _GET + b"Content-Length: 5 5\r\n\r\nxxxxx",
    "no number of a length": _GET + b"Content-Length: \r\n\r\n",
    "a length beyond all": _GET + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "length and chunks": _GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked" + _EMPTY,
    "chunks and length": _GET + b"Transfer-Encoding: chunked\r\nContent-Length: 5" + _EMPTY,
    "a coding like chunks": _GET + b"Transfer-Encoding: xchunked" + _EMPTY,
    "chunks not last": _GET + b"Transfer-Encoding: chunked, identity" + _EMPTY,
    "chunks of something": _GET + b"Transfer-Encoding: identity, chunked" + _EMPTY,
    "chunks twice": _GET + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + _EMPTY,
    "packed": _GET + b"Transfer-Encoding: gzip\r\n\r\n",
    "chunks behind a tab": _GET + b"Transfer-Encoding: \x0bchunked" + _EMPTY,
    "chunks before a null": _GET + b"Transfer-Encoding: chunked\0" + _EMPTY,
    "a space before the colon": _GET + b"Transfer-Encoding : chunked" + _EMPTY,
    "chunks of HTTP/1.0": _GET.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked" + _EMPTY,
    "a folded coding": _GET + b"Transfer-Encoding:\r\n chunked" + _EMPTY,
    "a chunk in hexadecimal": _GET + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "a chunk below nought": _GET + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a folded header": _GET + b"X: a\r\n b\r\n\r\n",
    "lines without a return": _GET.replace(b"\r\n", b"\n") + b"\n",
    "a return alone": _GET + b"X: a\rb\r\n\r\n",
    "a null": _GET + b"X: a\0b\r\n\r\n",
    "a name of two words": _GET + b"X y: a\r\n\r\n",
    "a line without a colon": _GET + b"Xy\r\n\r\n",
    "two hosts": _GET + b"Host: y\r\n\r\n",
    "no host": b"GET /tree/t/file HTTP/1.1\r\n\r\n",
    "a host with a path": b"GET /tree/t/file HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "a host with a user": b"GET /tree/t/file HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "two words of a host": b"GET /tree/t/file HTTP/1.1\r\nHost: a b\r\n\r\n",
    "HTTP/2.0": b"GET /tree/t/file HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/1.2": b"GET /tree/t/file HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /tree/t/file\r\n\r\n",
    "a method in small letters": b"get /tree/t/file HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tab for a space": b"GET\t/tree/t/file\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the path": b"GET /tree/t/fi le HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control character in the path": b"GET /tree/t/fi\x01le HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.fixture
async def tree(world: World, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "file").write_bytes(BODY)
    (root / "smuggled").write_bytes(SECRET)
    await world.store.put_tree(Tree("t", str(root), "rhel", "7", "vmlinuz", "initrd"))


async def raw(world: World, request: bytes) -> bytes:
    return await asyncio.to_thread(_raw, world.guest_port, request)


def _raw(port: int, request: bytes) -> bytes:
    """A server that refuses may close over what it has not read: its answer comes, and then a reset."""
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock, suppress(ConnectionResetError):
        sock.sendall(request)
        while data := sock.recv(65536):
            answer += data
    return bytes(answer)


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_request_is_refused_and_nothing_behind_it_is_heard(
    world: World, tree: None, odd: str
) -> None:
    for _ in range(2):  # the second finds the file known and hot
        answer = await raw(world, ODD[odd] + SMUGGLED)

        assert answer.split()[1] == b"400"
        assert BODY not in answer
        assert SECRET not in answer
        for _ in range(2):
            assert (await world.get("/tree/t/file"))[:2] == (200, BODY)


_FOREIGN = (
    "GET http://{there}/x HTTP/1.1\r\nHost: {there}\r\n",
    "GET https://{there}/x HTTP/1.1\r\nHost: {there}\r\n",
    "GET http://{there}/tree/t/file HTTP/1.1\r\nHost: {there}\r\n",
    "GET ftp://{there}/x HTTP/1.1\r\nHost: {there}\r\n",
    "GET //{there}/x HTTP/1.1\r\nHost: {there}\r\n",
    "GET {there}/x HTTP/1.1\r\nHost: {there}\r\n",
    "GET @{there}/x HTTP/1.1\r\nHost: {there}\r\n",
    "CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n",
    "CONNECT /tree/t/file HTTP/1.1\r\nHost: {there}\r\n",
    "GET /tree/http://{there}/x HTTP/1.1\r\nHost: x\r\n",
    "GET /tree/t/http://{there}/x HTTP/1.1\r\nHost: x\r\n",
    "GET /tree/t/http:%2f%2f{there}%2fx HTTP/1.1\r\nHost: x\r\n",
    "GET /tree/t///{there}/x HTTP/1.1\r\nHost: x\r\n",
    "GET /tree/far/..%2f..%2f@{there}/x HTTP/1.1\r\nHost: x\r\n",
    "GET /tree/far@{there}/x HTTP/1.1\r\nHost: x\r\n",
    "GET /tree/t/file?url=http://{there}/x HTTP/1.1\r\nHost: x\r\n",
    "GET /tree/t/none?mirror={there} HTTP/1.1\r\nHost: x\r\n",
    "GET /tree/t/none HTTP/1.1\r\nHost: {there}\r\n",
    "GET /tree/t/none HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: {there}\r\nForwarded: host={there}\r\n",
    "GET /tree/t/none HTTP/1.1\r\nHost: x\r\nX-Original-URL: http://{there}/x\r\nReferer: http://{there}/\r\n",
    "OPTIONS http://{there}/ HTTP/1.1\r\nHost: {there}\r\n",
    "TRACE http://{there}/ HTTP/1.1\r\nHost: {there}\r\n",
)
"""As an open proxy would be asked; `{there}` is a server that must hear nothing of it."""


async def test_two_hundred_requests_that_name_another_server_open_no_connection_to_it(
    world: World, tree: None
) -> None:
    heard = 0

    def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.3", 0)
    number = server.sockets[0].getsockname()[1]
    await world.store.put_tree(Tree("far", "http://mirror.test/os", "rhel", "7", "vmlinuz", "initrd"))
    names = (
        f"127.0.0.3:{number}",
        f"2130706435:{number}",
        f"0x7f000003:{number}",
        f"[::ffff:7f00:3]:{number}",
    )
    asked = [form.format(there=name) for form in _FOREIGN for name in names] * 3

    statuses = set()
    for text in asked:
        answer = await raw(world, text.encode() + b"Connection: close\r\n\r\n")
        statuses.add(answer.split()[1])
        assert SECRET not in answer
    server.close()

    assert len(asked) >= 200
    assert statuses <= {b"200", b"400", b"404", b"405", b"502"}
    assert heard == 0
    assert {source for source, _, _ in world.upstream.asked} <= {"http://mirror.test/os"}


async def test_a_client_that_says_nothing_is_cut_off_first(world: World) -> None:
    """These listeners give two seconds to the headers, and a second to the first byte."""
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", world.guest_port)
    began = loop.time()
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 10) == b""
    silent = loop.time() - began
    writer.close()

    reader, writer = await asyncio.open_connection("127.0.0.1", world.guest_port)
    writer.write(b"G")
    began = loop.time()
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()

    assert silent < loop.time() - began


async def test_a_mass_of_silent_clients_keeps_nobody_out(world: World, tree: None) -> None:
    """These listeners hold a hundred connections: the longest silent make room."""
    held = []
    for number in range(160):
        made = socket.create_connection(
            ("127.0.0.1", world.guest_port), source_address=(f"127.1.0.{number % 16 + 1}", 0)
        )
        held.append(made)
        if number % 20 == 0:
            await asyncio.sleep(0.01)

    assert (await world.get("/tree/t/file"))[:2] == (200, BODY)

    for made in held:
        with closing(made):
            pass


async def test_a_client_that_takes_a_little_at_a_time_is_served_to_the_end(
    world: World, tree: None, tmp_path: Path
) -> None:
    """It takes longer than any patience with a request: a thousand bytes now and then are a sign of life."""
    body = bytes(range(256)) * 4000
    (tmp_path / "tree" / "large").write_bytes(body)
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(("127.0.0.1", world.guest_port))
        client.sendall(b"GET /tree/t/large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        got, began = bytearray(), loop.time()
        while loop.time() - began < 4.5:
            got += await loop.sock_recv(client, 1024)
            await asyncio.sleep(0.2)
        while piece := await loop.sock_recv(client, 65536):
            got += piece

    assert got.partition(b"\r\n\r\n")[2] == body
