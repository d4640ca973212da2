"""The hostile upstream does what it is told to: seen by curl, which knows nothing of it."""

import asyncio
import hashlib
import shutil
from pathlib import Path

import pytest

from tests.edges.mirror.answer import LOGIN, Answer, moved, refused
from tests.edges.mirror.origin import Origin, beside, origin

BODY = bytes(range(256)) * 400
CUT = len(BODY) // 2
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")


async def curl(url: str, *words: str) -> tuple[int, str, bytes]:
    """Exit status (18: cut short, 56: reset), head and body."""
    command = ("curl", "-sS", "-D", "/dev/stderr", "--max-time", "20", *words, url)
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    body, head = await child.communicate()
    return child.returncode or 0, head.decode(), body


SEEN: dict[str, tuple[Answer, tuple[str, ...], int, str, bytes]] = {
    "honest": (Answer(BODY), (), 0, "200", BODY),
    "chunked": (Answer(BODY, framing="chunked"), (), 0, "chunked", BODY),
    "close": (Answer(BODY, framing="close"), (), 0, "Connection: close", BODY),
    "cut": (Answer(BODY, cut=CUT), (), 18, "200", BODY[:CUT]),
    "cut in chunks": (Answer(BODY, cut=CUT, framing="chunked"), (), 18, "200", BODY[:CUT]),
    "cut without a length": (Answer(BODY, cut=CUT, framing="close"), (), 0, "200", BODY[:CUT]),
    "reset": (Answer(BODY, cut=0, framing="close", reset=True), (), 56, "", b""),
    "longer than it is": (Answer(BODY, claim=1), (), 18, f"Content-Length: {len(BODY) + 1}", BODY),
    "shorter than it is": (Answer(BODY, claim=-1), (), 0, f"Content-Length: {len(BODY) - 1}", BODY[:-1]),
    "a part": (Answer(BODY), ("-r", "1000-1999"), 0, f"bytes 1000-1999/{len(BODY)}", BODY[1000:2000]),
    "its end": (Answer(BODY), ("-r", "-100"), 0, "206", BODY[-100:]),
    "no such part": (Answer(BODY), ("-r", "999999-"), 0, f"bytes */{len(BODY)}", b""),
    "ranges ignored": (Answer(BODY, ranges="ignored"), ("-r", "1000-1999"), 0, "200", BODY),
    "another part": (Answer(BODY, ranges="shifted"), ("-r", "0-9"), 0, "bytes 1-10/", BODY[1:11]),
    "another part, denied": (Answer(BODY, ranges="swapped"), ("-r", "0-9"), 0, "bytes 0-9/", BODY[1:11]),
    "unchanged": (Answer(BODY), ("-H", 'If-None-Match: "first"'), 0, "304", b""),
    "changed": (Answer(BODY, etag='"x"'), ("-r", "5-", "-H", 'If-Range: "first"'), 0, "200", BODY),
    "moved": (moved("/elsewhere"), (), 0, "Location: /elsewhere", b""),
    "refused": (refused(503), (), 0, "503", b"<h1>503</h1>\n"),
    "a login page": (LOGIN, (), 0, "text/html", LOGIN.body),
}


@needs_curl
@pytest.mark.parametrize("name", SEEN)
async def test_each_mood_is_what_it_is_called(name: str) -> None:
    answer, words, status, told, body = SEEN[name]
    async with origin() as upstream:
        upstream.script["/file"] = [answer]
        ended, head, got = await curl(f"{upstream.url}/file", *words)

    assert (ended, got) == (status, body)
    assert told in head


async def test_it_changes_stalls_and_goes_on() -> None:
    async with origin() as upstream:
        upstream.script["/file"] = [refused(404), Answer(BODY, stall=CUT), Answer(b"other", etag='"2"')]
        assert (await curl(f"{upstream.url}/file"))[2] == b"<h1>404</h1>\n"
        stalled = asyncio.create_task(curl(f"{upstream.url}/file"))
        while upstream.sent < CUT:
            await asyncio.sleep(0.01)
        assert not stalled.done()
        upstream.go_on.set()
        assert (await stalled)[2] == BODY
        assert (await curl(f"{upstream.url}/file"))[2] == b"other"
        assert upstream.count("/file") == 3


async def test_it_goes_and_comes_back_on_its_port(tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(BODY)
    async with origin(tmp_path) as upstream:
        for _ in range(2):
            assert (await curl(f"{upstream.url}/a%20b"))[2] == BODY
            await upstream.stop()
            assert (await curl(f"{upstream.url}/a%20b"))[0] == 7
            await upstream.start()


async def test_a_line_is_shared_and_requests_sent_ahead_wait_beside_each_other(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(50_000))
    begun = asyncio.get_running_loop().time()
    async with origin(tmp_path, rate=500_000, latency=0.2) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        writer.write(b"GET /file HTTP/1.1\r\n\r\n" * 5)
        got = b""
        while got.count(b"HTTP/1.1 200") < 5 or not got.endswith(bytes(50_000)):
            got += await reader.read(1 << 20)
        writer.close()
    took = asyncio.get_running_loop().time() - begun

    assert took >= 5 * 50_000 / upstream.rate
    assert upstream.sent == 5 * 50_000


def test_it_runs_on_a_thread_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)

    async def ask(upstream: Origin) -> bytes:
        return (await curl(f"{upstream.url}/file"))[2]

    with beside(tmp_path) as other:
        got = asyncio.run(ask(other.origin))
    assert hashlib.sha256(got).digest() == hashlib.sha256(BODY).digest()
