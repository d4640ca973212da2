"""What is asked for again is answered from what is prepared: byte for byte the same, and never too old."""

import asyncio
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from provisioner.core.install import Kind
from provisioner.core.profile import Tree
from tests.edges.web.world import World

SIZES = (0, 1, 20_000, 64 * 1024, 64 * 1024 + 1, 3_000_000)


@pytest.fixture
async def tree(world: World, tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    for size in SIZES:
        (root / f"{size}.rpm").write_bytes(os.urandom(size))
    (root / "vmlinuz").write_bytes(b"k" * 100_000)
    await world.store.put_tree(Tree("t", str(root), "rhel", "7", "vmlinuz", "initrd"))
    return root


@pytest.mark.parametrize("size", SIZES)
async def test_every_time_it_is_the_same_answer(world: World, tree: Path, size: int) -> None:
    expected = (tree / f"{size}.rpm").read_bytes()
    first = None
    for _ in range(4):
        status, body, headers = await world.get(f"/tree/t/{size}.rpm")
        assert (status, body) == (200, expected)
        told = {name: value for name, value in headers.items() if name != "Date"}
        first = first or told
        assert told == first
        assert headers["Content-Type"] == "application/x-rpm"
        assert "Date" in headers


async def test_what_wants_something_particular_gets_it_of_a_hot_file_too(world: World, tree: Path) -> None:
    expected = (tree / "20000.rpm").read_bytes()
    etag = [await world.get("/tree/t/20000.rpm") for _ in range(3)][-1][2]["ETag"]

    cases = [
        ("GET", {"Range": "bytes=10-19"}, 206, expected[10:20]),
        ("GET", {"RANGE": "bytes=-5"}, 206, expected[-5:]),
        ("GET", {"range": "bytes=0-0"}, 206, expected[:1]),
        ("GET", {"Range": "bytes=20000-"}, 416, b""),
        ("GET", {"Range": "bytes=1-2", "If-Range": '"other"'}, 200, expected),
        ("GET", {"if-none-match": etag}, 304, b""),
        ("GET", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304, b""),
        ("GET", {"Connection": "close"}, 200, expected),
        ("GET", {"Accept-Encoding": "gzip"}, 200, expected),
        ("HEAD", {}, 200, b""),
        ("POST", {}, 405, None),
        ("PUT", {}, 405, None),
        ("DELETE", {}, 405, None),
    ]
    for method, asked, status, body in cases:
        answered, got, headers = await world.get("/tree/t/20000.rpm", method=method, headers=asked)
        assert answered == status, (method, asked)
        assert body is None or got == body, (method, asked)
        if method == "HEAD":
            assert headers["Content-Length"] == "20000"
        assert (await world.get("/tree/t/20000.rpm"))[1] == expected


async def raw(world: World, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.guest_port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_an_old_client_s_connection_is_closed(world: World, tree: Path) -> None:
    expected = (tree / "20000.rpm").read_bytes()
    for _ in range(3):
        answer = await raw(world, b"GET /tree/t/20000.rpm HTTP/1.0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.endswith(expected)


async def test_many_requests_sent_ahead_are_answered_in_their_order(world: World, tree: Path) -> None:
    names = ["20000.rpm", "3000000.rpm", "1.rpm", "65537.rpm", "0.rpm", "3000000.rpm", "20000.rpm"] * 2
    for name in names:
        await world.get(f"/tree/t/{name}")
    asked = b"".join(b"GET /tree/t/%b HTTP/1.1\r\nHost: x\r\n\r\n" % name.encode() for name in names)
    answer = await raw(world, asked + b"GET /tree/t/1.rpm HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    for name in [*names, "1.rpm"]:
        head, _, rest = answer.partition(b"\r\n\r\n")
        body = (tree / name).read_bytes()
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert rest[: len(body)] == body
        answer = rest[len(body) :]
    assert answer == b""


async def test_a_file_that_changes_is_never_served_a_second_later(world: World, tree: Path) -> None:
    for size in (20_000, 3_000_000):
        place = tree / f"{size}.rpm"
        for _ in range(3):
            await world.get(f"/tree/t/{size}.rpm")
        new = os.urandom(size)
        (tree / "new").write_bytes(new)
        (tree / "new").replace(place)
        await asyncio.sleep(1.1)

        assert (await world.get(f"/tree/t/{size}.rpm"))[1] == new
        place.unlink()
        await asyncio.sleep(1.1)
        assert (await world.get(f"/tree/t/{size}.rpm"))[0] == 404


async def test_a_tree_that_is_moved_or_removed_takes_its_hot_files_with_it(
    world: World, tree: Path, tmp_path: Path
) -> None:
    for _ in range(3):
        await world.get("/tree/t/20000.rpm")
    other = tmp_path / "other"
    other.mkdir()
    (other / "20000.rpm").write_bytes(b"other")
    await world.store.put_tree(Tree("t", str(other), "rhel", "7", "vmlinuz", "initrd"))
    await asyncio.sleep(1.1)
    assert (await world.get("/tree/t/20000.rpm"))[1] == b"other"

    await world.store.remove_tree("t")
    await asyncio.sleep(1.1)
    assert (await world.get("/tree/t/20000.rpm"))[0] == 404


async def test_an_install_s_hot_files_are_its_progress(world: World, tree: Path) -> None:
    for _ in range(3):
        await world.get("/tree/t/vmlinuz")
    install = await world.install()
    await world.get(f"/boot/script/{world.token(install, 'stub')}")
    await world.get("/tree/t/20000.rpm")

    await world.get("/tree/t/vmlinuz")

    event = (await world.until(Kind.KERNEL_SENT))[0]
    assert event.install == install.id
    assert event.data == {
        "part": "kernel",
        "n": 1,
        "bytes": 100_000,
        "total": 100_000,
        "path": "vmlinuz",
        "percent": 10,
    }


@pytest.fixture
def narrow() -> Iterator[socket.socket]:
    """A client that takes little at a time."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    yield made
    made.close()


async def test_a_slow_client_gets_all_of_it_and_keeps_nobody_waiting(
    world: World, tree: Path, narrow: socket.socket
) -> None:
    expected = (tree / "3000000.rpm").read_bytes()
    for _ in range(2):
        await world.get("/tree/t/3000000.rpm")
    narrow.connect(("127.0.0.1", world.guest_port))
    narrow.sendall(b"GET /tree/t/3000000.rpm HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    narrow.setblocking(False)
    loop = asyncio.get_running_loop()
    got = bytearray()
    while piece := await loop.sock_recv(narrow, 65536):
        got += piece
        if len(got) % 7 == 0:
            await asyncio.sleep(0.001)
            assert (await world.get("/tree/t/1.rpm"))[0] == 200

    assert hashlib.sha256(got.partition(b"\r\n\r\n")[2]).digest() == hashlib.sha256(expected).digest()


async def test_clients_that_leave_in_the_middle_leave_nothing_open(world: World, tree: Path) -> None:
    for _ in range(2):
        await world.get("/tree/t/3000000.rpm")
    await asyncio.sleep(0.1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(15):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.guest_port, limit=1024)
        writer.write(b"GET /tree/t/3000000.rpm HTTP/1.1\r\nHost: x\r\n\r\n")
        with suppress(asyncio.IncompleteReadError):
            await reader.readexactly(1000)
        writer.transport.abort()
    for _ in range(50):
        await asyncio.sleep(0.1)
        after = len(list(Path("/proc/self/fd").iterdir()))
        if after <= before + 2:
            break

    assert after <= before + 2
    assert (await world.get("/tree/t/3000000.rpm"))[0] == 200


async def test_a_file_that_becomes_shorter_never_ends_well(
    world: World, tree: Path, narrow: socket.socket
) -> None:
    (tree / "large").write_bytes(os.urandom(30_000_000))
    narrow.connect(("127.0.0.1", world.guest_port))
    narrow.sendall(b"GET /tree/t/large HTTP/1.1\r\nHost: x\r\n\r\n")
    narrow.setblocking(False)
    loop = asyncio.get_running_loop()
    got = len(await loop.sock_recv(narrow, 1000))
    os.truncate(tree / "large", 20_000_000)
    with suppress(ConnectionResetError):
        while piece := await loop.sock_recv(narrow, 65536):
            got += len(piece)

    assert got < 30_000_000
