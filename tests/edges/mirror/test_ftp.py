"""What an FTP server may do to us, each told in one sentence. The plain reading is in test_upstream."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aioftp
import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.tree import Reader
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.conftest import BODY, need
from tests.lab import ftpd
from tests.lab.waiting import free_port


@pytest.fixture
async def private(tree: Path) -> AsyncIterator[int]:
    """The port of a server that lets in `me` alone."""
    users = [
        aioftp.User("me", "p@ss/w", base_path=tree, permissions=[aioftp.Permission("/", writable=False)])
    ]
    server = aioftp.Server(users)
    await server.start("127.0.0.1", 0)
    yield server.server_port
    await server.close()


async def read(client: ClientSession, source: str, path: str = "images/vmlinuz") -> bytes:
    async with Upstream(client).open(source, path) as stream:
        return b"".join([piece async for piece in stream.chunks()])


async def test_a_password_opens_and_is_not_repeated(client: ClientSession, private: int) -> None:
    assert await read(client, f"ftp://me:p%40ss%2Fw@127.0.0.1:{private}") == BODY
    with pytest.raises(Unavailable) as refusal:
        await read(client, f"ftp://me:wr%40ng@127.0.0.1:{private}/x")

    assert str(refusal.value).startswith(
        f"ftp://me:***@127.0.0.1:{private}/x/images/vmlinuz: the server refuses"
    )
    assert "wr%40ng" not in str(refusal.value)
    assert refusal.value.remedy.startswith("write user and password into the source")


async def test_a_refused_login_names_the_user_and_what_the_server_said(
    client: ClientSession, ftp: ftpd.FtpServer
) -> None:
    address = ftp.url.removeprefix("ftp://")
    with pytest.raises(Unavailable) as refusal:
        await Reader(Upstream(client)).read(f"ftp://me:x@{address}/os", ".treeinfo")

    assert str(refusal.value) == (
        f"ftp://me:***@{address}/os/.treeinfo: the server refuses the login of me: "
        "This FTP server is anonymous only."
    )


AWAY = {
    "ftp://no-such-host.invalid/os": "there is no such host",
    "ftp://127.0.0.1:1/os": "the connection is refused",
}


@pytest.mark.parametrize("source", AWAY)
async def test_a_server_that_does_not_answer_is_told(client: ClientSession, source: str) -> None:
    with pytest.raises(Unavailable) as refusal:
        await Reader(Upstream(client)).exists(source, ".treeinfo")

    assert str(refusal.value) == f"{source}/.treeinfo cannot be read: {AWAY[source]}"


async def test_a_silent_server_is_not_waited_for_long(
    client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.mirror.ftp.SILENT_SECONDS", 0.2)
    callers = []
    async with await asyncio.start_server(lambda *both: callers.append(both), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match=r"no answer within 0\.2 s of asking"):
            await read(client, f"ftp://127.0.0.1:{port}/os")
    for _, writer in callers:
        writer.close()
        await writer.wait_closed()


async def test_what_is_no_ftp_server_is_told(client: ClientSession) -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match=f"ftp://127.0.0.1:{port}/os/images/vmlinuz cannot be read: "):
            await read(client, f"ftp://127.0.0.1:{port}/os")


async def test_a_server_that_dies_in_the_middle_of_a_file_is_told_and_a_restart_goes_on(
    client: ClientSession, tree: Path
) -> None:
    need(ftpd.missing())
    port = free_port()
    source = f"ftp://127.0.0.1:{port}"
    got = b""
    with (
        ftpd.ftp_server(tree, port=port, rate=200_000) as server,
        pytest.raises(
            Unavailable, match=rf"{source}/images/vmlinuz broke off after \d+ of {len(BODY)} bytes"
        ),
    ):
        async with Upstream(client).open(source, "images/vmlinuz") as stream:
            async for piece in stream.chunks():
                got += piece
                server.kill()
    assert 0 < len(got) < len(BODY)

    with ftpd.ftp_server(tree, port=port):
        async with Upstream(client).open(source, "images/vmlinuz", {"Range": f"bytes={len(got)}-"}) as stream:
            got += b"".join([piece async for piece in stream.chunks()])
    assert got == BODY


async def test_a_server_that_is_full_is_asked_again(client: ClientSession, tree: Path) -> None:
    need(ftpd.missing())
    with ftpd.ftp_server(tree, clients=2) as server:
        bodies = await asyncio.gather(*(read(client, server.url) for _ in range(6)))

    assert bodies == [BODY] * 6


async def test_a_server_that_stays_full_is_told(
    client: ClientSession, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(ftpd.missing())
    monkeypatch.setattr("provisioner.mirror.ftp.BUSY_SECONDS", 0)
    with ftpd.ftp_server(tree, clients=1) as server:
        async with Upstream(client).open(server.url, "images/vmlinuz"):
            with pytest.raises(Unavailable, match="the server says: There are too many connected users"):
                await read(client, server.url)


async def test_a_name_with_a_line_break_reaches_no_server(client: ClientSession) -> None:
    async with Upstream(client).open("ftp://127.0.0.1:1/os", "x\r\nDELE y") as stream:
        assert stream.status == 404
