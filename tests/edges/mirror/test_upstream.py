"""Files of any size, passed on byte for byte from a directory and from a server alike."""

from collections.abc import Mapping

import pytest
from aiohttp import ClientSession

from provisioner.core.errors import Unavailable
from provisioner.mirror.upstream import Upstream
from tests.edges.mirror.conftest import BODY

SIZE = len(BODY)


async def fetched(
    client: ClientSession, source: str, path: str, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes, Mapping[str, str]]:
    async with Upstream(client).open(source, path, headers) as stream:
        return stream.status, b"".join([piece async for piece in stream.chunks()]), stream.headers


async def test_a_file_comes_whole(client: ClientSession, source: str) -> None:
    status, body, headers = await fetched(client, source, "images/vmlinuz")

    assert (status, body) == (200, BODY)
    assert headers["Content-Length"] == str(SIZE)
    assert headers["Accept-Ranges"] == "bytes"
    assert ("Last-Modified" in headers) == (not source.startswith("nfs:"))


RANGES = {
    "bytes=0-9": (206, BODY[:10], f"bytes 0-9/{SIZE}"),
    "bytes=1000-": (206, BODY[1000:], f"bytes 1000-{SIZE - 1}/{SIZE}"),
    "bytes=-7": (206, BODY[-7:], f"bytes {SIZE - 7}-{SIZE - 1}/{SIZE}"),
    f"bytes=5-{SIZE * 2}": (206, BODY[5:], f"bytes 5-{SIZE - 1}/{SIZE}"),
}


@pytest.mark.parametrize("asked", RANGES)
async def test_a_range_is_handed_on(client: ClientSession, source: str, asked: str) -> None:
    status, body, headers = await fetched(client, source, "images/vmlinuz", {"Range": asked, "Cookie": "a=b"})

    assert (status, body, headers["Content-Range"]) == RANGES[asked]
    assert headers["Content-Length"] == str(len(body))


async def test_a_range_behind_the_end_is_refused(client: ClientSession, source: str) -> None:
    status, _, headers = await fetched(client, source, "images/vmlinuz", {"Range": f"bytes={SIZE}-"})

    assert (status, headers["Content-Range"]) == (416, f"bytes */{SIZE}")


async def test_odd_names_and_empty_files_come_as_others_do(client: ClientSession, source: str) -> None:
    assert (await fetched(client, source, "images/a b+c%2b~#1.rpm"))[:2] == (200, b"odd")
    assert (await fetched(client, source, "images/empty"))[:2] == (200, b"")


async def test_a_transfer_goes_on_where_it_broke_off(client: ClientSession, source: str) -> None:
    got = b""
    async with Upstream(client).open(source, "images/vmlinuz") as stream:
        async for piece in stream.chunks():
            got += piece[:1000]
            break
    status, rest, _ = await fetched(client, source, "images/vmlinuz", {"Range": f"bytes={len(got)}-"})

    assert (status, got + rest) == (206, BODY)


NOWHERE = (
    "absent",
    "images",
    "../secret",
    "images/../../secret",
    "images/vmlinuz/x",
    "no/such/folder",
    "a?b",
)


@pytest.mark.parametrize("path", NOWHERE)
async def test_what_is_not_in_the_tree_is_404(client: ClientSession, source: str, path: str) -> None:
    status, body, _ = await fetched(client, source, path)

    assert (status, body) == (404, b"")


async def test_the_whole_length_is_known_of_a_part_too(client: ClientSession, source: str) -> None:
    for headers in ({}, {"Range": "bytes=0-9"}):
        async with Upstream(client).open(source, "images/vmlinuz", headers) as stream:
            assert stream.total == SIZE


async def test_a_condition_is_handed_on(client: ClientSession, upstream: str) -> None:
    _, _, headers = await fetched(client, f"{upstream}/tree", "images/vmlinuz")
    status, body, _ = await fetched(
        client, f"{upstream}/tree", "images/vmlinuz", {"If-None-Match": headers["ETag"]}
    )

    assert (status, body) == (304, b"")


async def test_a_packed_file_stays_packed(client: ClientSession, upstream: str) -> None:
    assert (await fetched(client, f"{upstream}/packed", "Packages.gz"))[1] == b"\x1f\x8b packed"


async def test_an_upstream_that_breaks_off_is_told_while_it_is_read(
    client: ClientSession, upstream: str
) -> None:
    with pytest.raises(Unavailable, match=f"{upstream}/broken/file broke off"):
        await fetched(client, f"{upstream}/broken", "file")


async def test_an_upstream_that_refuses_or_is_away_is_named(client: ClientSession, upstream: str) -> None:
    for source, path in ((upstream, "status/503"), ("http://127.0.0.1:1", "file")):
        with pytest.raises(Unavailable, match=f"{source}/{path}"):
            await fetched(client, source, path)


async def test_an_error_of_the_reader_is_not_laid_on_the_upstream(
    client: ClientSession, upstream: str
) -> None:
    with pytest.raises(ConnectionResetError, match="the guest has gone"):
        async with Upstream(client).open(f"{upstream}/tree", "images/vmlinuz") as stream:
            async for _ in stream.chunks():
                raise ConnectionResetError("the guest has gone")
