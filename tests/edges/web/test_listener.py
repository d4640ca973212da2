"""What a listener takes from odd, slow and greedy clients."""

import asyncio
from contextlib import suppress

import pytest

from tests.edges.web.world import World


async def raw(world: World, request: bytes) -> bytes:
    """All that the guests' listener sends until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.guest_port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "line",
    [
        "GET http://other.test/healthz HTTP/1.0",
        "GET https://other.test/ HTTP/1.0",
        "CONNECT other.test:443 HTTP/1.0",
        "GET other.test/ HTTP/1.0",
        "OPTIONS * HTTP/1.0",
        "GET ftp://other.test/x HTTP/1.0",
    ],
)
async def test_it_is_no_proxy(world: World, line: str) -> None:
    answer = await raw(world, f"{line}\r\nHost: other.test\r\n\r\n".encode())

    assert answer.split()[1] in (b"400", b"404", b"405")
    assert world.upstream.asked == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(500)) + b"\r\n",
    ],
)
async def test_smuggling_and_garbage_are_refused(world: World, request_bytes: bytes) -> None:
    answer = await raw(world, request_bytes)

    assert answer.split()[1] == b"400"
    assert b"Traceback" not in answer


async def test_headers_must_come_in_time(world: World) -> None:
    """The listener of these tests waits two seconds; a letter now and then buys no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.guest_port)
    writer.write(b"GET /healthz HTTP/1.1\r\n")

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.2)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    dripping.cancel()
    writer.close()


async def test_one_address_holds_only_so_many_connections(world: World) -> None:
    """Twenty here; more are cut off, and the others are served on."""
    held = [await asyncio.open_connection("127.0.0.1", world.guest_port) for _ in range(20)]
    await asyncio.sleep(0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.guest_port)
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()

    held[0][1].write(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (await held[0][0].read()).startswith(b"HTTP/1.0 200")
    for _, other in held:
        other.close()
    await asyncio.sleep(0.1)
    assert (await world.get("/healthz"))[0] == 200


async def test_a_body_cut_short_is_no_report(world: World) -> None:
    install = await world.install()
    before = await world.kinds()
    _, writer = await asyncio.open_connection("127.0.0.1", world.guest_port)
    path = f"/report/{world.token(install, 'report')}/success"
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhalf".encode())
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.2)

    assert await world.kinds() == before
