"""What an NFS server may do to us, each told in one sentence. The plain reading is in test_upstream."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.tree import Reader
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.conftest import BODY, need
from tests.lab import nfsd
from tests.lab.networks import cable, namespace, run


async def read(client: ClientSession, source: str, path: str = "images/vmlinuz") -> bytes:
    async with Upstream(client).open(source, path) as stream:
        return b"".join([piece async for piece in stream.chunks()])


async def test_an_export_that_is_missing_is_one_sentence(client: ClientSession, nfs: nfsd.NfsServer) -> None:
    source = nfs.url.replace("/export", "/nothing")
    with pytest.raises(Unavailable) as refusal:
        await Reader(Upstream(client)).read(source, ".treeinfo")

    assert str(refusal.value).startswith(
        f"{source} cannot be read: the server does not export it to us (version 4:"
    )
    assert "NOENT" in str(refusal.value)
    assert refusal.value.remedy.startswith("showmount -e 127.0.0.1")


AWAY = {
    "nfs://no-such-host.invalid/os": "there is no such host",
    "nfs://127.0.0.1:1/os": "the connection is refused (port 1)",
}


@pytest.mark.parametrize("source", AWAY)
async def test_a_server_that_does_not_answer_is_told(client: ClientSession, source: str) -> None:
    with pytest.raises(Unavailable) as refusal:
        await Reader(Upstream(client)).exists(source, ".treeinfo")

    assert str(refusal.value) == f"{source} cannot be read: {AWAY[source]}"


async def test_a_server_that_is_away_is_asked_once_for_all_guests(client: ClientSession) -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        writer.close()

    asked: list[int] = []
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        upstream = Upstream(client)
        source = f"nfs://127.0.0.1:{server.sockets[0].getsockname()[1]}/os"
        answers = await asyncio.gather(
            *(Reader(upstream).exists(source, f"file{n}") for n in range(8)), return_exceptions=True
        )

    assert {str(answer) for answer in answers} == {str(answers[0])}
    assert str(answers[0]).startswith(f"{source} cannot be read: the server does not export it to us")
    assert len(asked) < 6  # once to see whether somebody listens; libnfs itself tries more than once


async def test_a_link_is_followed_and_its_length_left_open(
    client: ClientSession, nfs: nfsd.NfsServer, tree: Path
) -> None:
    (tree / "kernel").symlink_to("images/vmlinuz")
    (tree / "os").symlink_to("images")
    source = f"{nfs.url}/{tree.parent.name}/tree"
    async with Upstream(client).open(source, "kernel", {"Range": "bytes=5-"}) as stream:
        assert (stream.status, stream.total) == (200, None)
        assert b"".join([piece async for piece in stream.chunks()]) == BODY

    assert await read(client, source, "os/vmlinuz") == BODY


async def test_a_server_that_dies_in_the_middle_of_a_file_is_told(client: ClientSession, tree: Path) -> None:
    need(nfsd.missing())
    with (tree / "huge").open("wb") as file:
        file.truncate(2 * 1024**3)
    with (
        nfsd.nfs_server(tree) as server,
        pytest.raises(Unavailable, match=rf"{server.url}/huge broke off after \d+ bytes: Failed to read"),
    ):
        async with Upstream(client).open(server.url, "huge") as stream:
            async for _ in stream.chunks():
                server.kill()


async def test_nobody_reads_on_when_the_reader_has_gone(
    client: ClientSession, nfs: nfsd.NfsServer, tree: Path
) -> None:
    with (tree / "huge").open("wb") as file:
        file.truncate(2 * 1024**3)
    source = f"{nfs.url}/{tree.parent.name}/tree"
    async with Upstream(client).open(source, "huge") as stream:
        async for _ in stream.chunks():
            break

    running = [Path(entry, "cmdline") for entry in Path("/proc").glob("[0-9]*")]
    assert not any(
        b"nfs-cat" in place.read_bytes() and b"/huge" in place.read_bytes()
        for place in running
        if place.exists()
    )


async def test_what_appears_later_is_found(
    client: ClientSession, nfs: nfsd.NfsServer, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(Upstream(client))
    source = f"{nfs.url}/{tree.parent.name}/tree"
    assert not await reader.exists(source, "late")
    (tree / "late").write_text("late")
    assert not await reader.exists(source, "late")
    monkeypatch.setattr("provisioner.mirror.nfs.MISSED_SECONDS", 0)

    assert await reader.read(source, "late") == b"late"


async def test_a_missing_program_names_its_package(
    client: ClientSession, nfs: nfsd.NfsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="the program nfs-ls is not installed") as refusal:
        await read(client, nfs.url)

    assert "libnfs-utils" in refusal.value.remedy


@pytest.fixture
def version3(shared: Path) -> Iterator[nfsd.NfsServer]:
    """A server of both versions on the standard ports, in a namespace."""
    need(nfsd.missing() or ("" if shutil.which("ip") else "iproute2"))
    name = f"pvnfs{os.getpid()}"
    with ExitStack() as stack:
        stack.enter_context(namespace(name))
        stack.enter_context(cable("pvnfs0", name, "10.213.40.2"))
        run("ip", "address", "add", "10.213.40.1/24", "dev", "pvnfs0")
        yield stack.enter_context(nfsd.nfs_server(shared, address="10.213.40.2", netns=name, version3=True))


async def test_version_3_is_spoken_where_version_4_does_not_know_the_path(
    client: ClientSession, version3: nfsd.NfsServer, tree: Path
) -> None:
    """Version 4 has the export under another name, so only 3 finds it by the folder's own."""
    upstream = Upstream(client)
    source = f"{version3.url}/{tree.parent.name}/tree"
    for _ in range(2):
        async with upstream.open(source, "images/vmlinuz", {"Range": "bytes=10-"}) as stream:
            assert stream.status == 206
            assert b"".join([piece async for piece in stream.chunks()]) == BODY[10:]
    assert await read(client, f"{source}?version=3") == BODY
    async with upstream.open(source, "images/absent") as stream:
        assert stream.status == 404
    with pytest.raises(Unavailable, match="does not export it to us"):
        await read(client, f"{source}?version=4")
