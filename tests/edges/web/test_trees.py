"""Trees over HTTP: whole files, ranges, nothing outside, and the events that downloads become."""

import asyncio
import hashlib
import os
from pathlib import Path

import aiohttp
import pytest

from provisioner.core.errors import Unavailable
from provisioner.core.install import Install, Kind, Stage
from provisioner.core.profile import Tree
from tests.edges.web.world import World

BODY = bytes(range(256)) * 40


@pytest.fixture
async def tree(world: World, tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "images").mkdir(parents=True)
    (root / "vmlinuz").write_bytes(b"k" * 5000)
    (root / "initrd").write_bytes(b"i" * 6000)
    (root / "file").write_bytes(BODY)
    (root / "file.gz").write_bytes(b"packed")
    (root / "empty").write_bytes(b"")
    (root / "a b+c%d.rpm").write_bytes(b"odd")
    (root / "inside").symlink_to("file")
    (root / "outside").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to("..")
    (tmp_path / "secret").write_bytes(b"SECRET")
    (tmp_path / "tree-sibling").mkdir()
    (tmp_path / "tree-sibling" / "secret").write_bytes(b"SECRET")
    os.mkfifo(root / "pipe")
    await world.store.put_tree(Tree("t", str(root), "rhel", "7", "vmlinuz", "initrd"))
    images = world.services.state_dir / "images"
    images.mkdir(parents=True)
    (images / "tiny.tar.zst").write_bytes(os.urandom(9_000_000))
    return root


@pytest.fixture
async def install(world: World) -> Install:
    """Its machine has spoken from this address."""
    made = await world.install()
    await world.store.bind(made.id, "127.0.0.1")
    return made


async def test_a_file_and_its_parts(world: World, tree: Path) -> None:
    status, body, headers = await world.get("/tree/t/file")
    assert (status, body) == (200, BODY)
    assert headers["Accept-Ranges"] == "bytes"
    etag = headers["ETag"]

    cases = [
        ({"Range": "bytes=10-19"}, 206, BODY[10:20]),
        ({"Range": "bytes=10200-"}, 206, BODY[10200:]),
        ({"Range": "bytes=-5"}, 206, BODY[-5:]),
        ({"Range": "bytes=5-99999"}, 206, BODY[5:]),
        ({"Range": "bytes=99999-"}, 416, b""),
        ({"Range": "nonsense"}, 200, BODY),
        ({"Range": "bytes=1-2", "If-Range": etag}, 206, BODY[1:3]),
        ({"Range": "bytes=1-2", "If-Range": '"another"'}, 200, BODY),
        ({"If-None-Match": etag}, 304, b""),
        ({"If-None-Match": '"another"'}, 200, BODY),
        ({"Accept-Encoding": "gzip"}, 200, BODY),
    ]
    for asked, expected, part in cases:
        status, body, headers = await world.get("/tree/t/file", headers=asked)
        assert (status, body) == (expected, part), asked
        assert "Content-Encoding" not in headers


async def test_a_head_has_the_size_and_no_body(world: World, tree: Path) -> None:
    status, body, headers = await world.get("/tree/t/file", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(BODY)))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("empty", b""),
        ("inside", BODY),
        ("a%20b+c%25d.rpm", b"odd"),
        ("//file", BODY),
        ("%66ile", BODY),
    ],
)
async def test_names_that_are_inside(world: World, tree: Path, path: str, expected: bytes) -> None:
    status, body, _ = await world.get(f"/tree/t/{path}")
    assert (status, body) == (200, expected)


TRAVERSALS = [
    "../secret",
    "..%2fsecret",
    "%2e%2e/secret",
    "%2e%2e%2fsecret",
    "%252e%252e%252fsecret",
    "..%5csecret",
    "..\\secret",
    "....//secret",
    ".../secret",
    "images/../../secret",
    "images/..%2f..%2fsecret",
    "../tree-sibling/secret",
    "%2e%2e/tree-sibling/secret",
    "outside",
    "up/secret",
    "up/tree/../secret",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "file%00.txt",
    "..%00/secret",
    "..;/secret",
    "..%c0%afsecret",
    "..%ef%bc%8fsecret",
    "file:///etc/passwd",
    "pipe",
    "pipe/",
    "file/",
    "up/",
    "outside/",
    "images//../..",
    "../",
    "%2e%2e/",
    "%2e%2e%2f",
    "..%5c/",
    "nothing",
    "x" * 5000,
]


@pytest.mark.parametrize("path", TRAVERSALS)
async def test_nothing_outside_is_found(world: World, tree: Path, path: str) -> None:
    status, body, _ = await world.get(f"/tree/t/{path}")

    assert status in (400, 404)
    assert b"SECRET" not in body
    assert b"root:" not in body


async def test_an_unknown_tree_is_not_there(world: World, tree: Path) -> None:
    for name in ("nope", "..", "%2e%2e", "images/..", "t%2f.."):
        assert (await world.get(f"/tree/{name}/secret"))[0] == 404


async def test_kernel_and_initrd_become_events_when_they_are_whole(
    world: World, tree: Path, install: Install
) -> None:
    await world.get("/tree/t/vmlinuz", method="HEAD")
    await world.get("/tree/t/vmlinuz", headers={"Range": "bytes=0-9"})
    assert Kind.KERNEL_SENT not in await world.kinds(install.id)

    await world.get("/tree/t/vmlinuz")
    await world.get("/tree/t/initrd")

    await world.until(Kind.INITRD_SENT)
    kinds = await world.kinds(install.id)
    assert [kind for kind in kinds if kind in (Kind.KERNEL_SENT, Kind.INITRD_SENT)] == [
        Kind.KERNEL_SENT,
        Kind.INITRD_SENT,
    ]
    event = (await world.until(Kind.INITRD_SENT))[0]
    assert event.data == {
        "part": "initrd",
        "n": 1,
        "bytes": 6000,
        "total": 6000,
        "path": "initrd",
        "percent": 19,
    }
    assert (await world.store.install(install.id)).stage is Stage.LOADING


async def test_an_image_that_streams_is_told_in_percent(world: World, tree: Path, install: Install) -> None:
    file = world.services.state_dir / "images" / "tiny.tar.zst"

    _, body, _ = await world.get("/tree/images/tiny.tar.zst")

    assert hashlib.sha256(body).digest() == hashlib.sha256(file.read_bytes()).digest()
    events = await world.until(Kind.TREE_BYTES, 2)
    percents = [int(str(event.data["percent"])) for event in events]
    assert percents[-1] == 90
    assert percents == sorted(percents)
    assert events[-1].data["bytes"] == 9_000_000
    assert (await world.store.install(install.id)).percent == 90


async def test_many_small_files_are_few_events(world: World, tree: Path, install: Install) -> None:
    for _ in range(50):
        await world.get("/tree/t/file")

    assert len(await world.store.events(kinds=[Kind.TREE_BYTES])) <= 10


async def test_downloads_of_strangers_are_no_events(world: World, tree: Path) -> None:
    await world.install()

    await world.get("/tree/t/vmlinuz")

    assert Kind.KERNEL_SENT not in await world.kinds()


async def test_a_stranger_is_known_as_soon_as_it_has_spoken(world: World, tree: Path) -> None:
    install = await world.install()
    await world.get("/tree/t/file")
    await world.get(f"/boot/script/{world.token(install, 'stub')}")

    await world.get("/tree/t/vmlinuz")

    assert (await world.until(Kind.KERNEL_SENT))[0].install == install.id


async def test_downloads_belong_to_whom_the_answer_file_was_sent(world: World, tree: Path) -> None:
    """The installer has another address than its firmware had."""
    install = await world.install()
    await world.store.bind(install.id, "192.0.2.1")
    await world.get(f"/answer/{world.token(install, 'answer')}/ks.cfg")

    await world.get("/tree/t/file")

    event = (await world.until(Kind.TREE_BYTES))[0]
    assert event.install == install.id


async def test_a_folder_that_was_unmounted_is_said(world: World, tree: Path, install: Install) -> None:
    await world.store.put_tree(Tree("gone", "/nonexistent/dvd", "rhel", "7", "vmlinuz", "initrd"))

    assert (await world.get("/tree/gone/vmlinuz"))[0] == 503
    event = (await world.until(Kind.TREE_FAILED))[0]
    assert event.install == install.id
    assert "/nonexistent/dvd" in event.text


async def test_a_kernel_that_is_missing_is_said_a_probe_is_not(
    world: World, tree: Path, install: Install
) -> None:
    (tree / "vmlinuz").unlink()

    assert (await world.get("/tree/t/images/updates.img"))[0] == 404
    assert Kind.TREE_FAILED not in await world.kinds()
    assert (await world.get("/tree/t/vmlinuz"))[0] == 404
    assert Kind.TREE_FAILED in await world.kinds()


class TestUpstream:
    @pytest.fixture(autouse=True)
    async def tree(self, world: World) -> None:
        await world.store.put_tree(Tree("far", "http://mirror.test/os", "rhel", "7", "vmlinuz", "initrd"))

    async def test_what_comes_is_passed_through(self, world: World, install: Install) -> None:
        world.upstream.headers = {"Content-Length": "10", "ETag": '"e"', "Set-Cookie": "no"}
        world.upstream.pieces = [b"01234", b"56789"]

        status, body, headers = await world.get(
            "/tree/far/vmlinuz", headers={"If-None-Match": '"x"', "Cookie": "c"}
        )

        assert (status, body) == (200, b"0123456789")
        assert headers["ETag"] == '"e"'
        assert "Set-Cookie" not in headers
        source, path, asked = world.upstream.asked[0]
        assert (source, path) == ("http://mirror.test/os", "vmlinuz")
        assert dict(asked) == {"If-None-Match": '"x"', "Accept": "*/*"}
        assert (await world.until(Kind.KERNEL_SENT))[0].install == install.id

    async def test_a_range_is_handed_on(self, world: World, install: Install) -> None:
        world.upstream.status = 206
        world.upstream.headers = {"Content-Range": "bytes 5-9/10", "Content-Length": "5"}
        world.upstream.pieces = [b"56789"]

        status, body, headers = await world.get("/tree/far/vmlinuz", headers={"Range": "bytes=5-"})

        assert (status, body, headers["Content-Range"]) == (206, b"56789", "bytes 5-9/10")
        assert world.upstream.asked[0][2]["Range"] == "bytes=5-"

    async def test_no_length_is_no_lie(self, world: World) -> None:
        world.upstream.pieces = [b"abc", b"def"]

        assert (await world.get("/tree/far/x"))[1] == b"abcdef"

    @pytest.mark.parametrize("status", [403, 404, 410])
    async def test_what_is_not_there_is_404(self, world: World, status: int) -> None:
        world.upstream.status = status

        assert (await world.get("/tree/far/x"))[0] == 404

    @pytest.mark.parametrize("trouble", ["refused", "status"])
    async def test_an_upstream_in_trouble_is_502_and_an_event_with_the_url(
        self, world: World, install: Install, trouble: str
    ) -> None:
        if trouble == "refused":
            world.upstream.down = "connection refused"
        else:
            world.upstream.status = 500

        status, body, headers = await world.get("/tree/far/vmlinuz")

        assert status == 502
        assert headers["Content-Type"].startswith("application/problem+json")
        assert b"http://mirror.test/os/vmlinuz" in body
        event = (await world.until(Kind.TREE_FAILED))[0]
        assert event.install == install.id
        assert event.data == {"url": "http://mirror.test/os/vmlinuz", "tree": "far"}

    async def test_a_transfer_that_breaks_never_ends_well(self, world: World, install: Install) -> None:
        world.upstream.pieces = [b"abc", Unavailable("http://mirror.test/os/x broke off")]

        with pytest.raises(aiohttp.ClientError):
            await world.get("/tree/far/x")

        assert (await world.until(Kind.TREE_FAILED))[0].install == install.id

    @pytest.mark.parametrize(
        "path", ["../x", "%2e%2e/x", "a/%2e%2e/%2e%2e/x", "..%2f..%2fx", "http://other.test/x"]
    )
    async def test_no_path_leaves_the_source(self, world: World, path: str) -> None:
        await world.get(f"/tree/far/{path}")

        for source, asked, _ in world.upstream.asked:
            assert source == "http://mirror.test/os"
            assert ".." not in asked.split("/")


async def test_a_download_from_an_address_that_guests_share_is_nobodys(
    world: World, tree: Path, install: Install
) -> None:
    other = await world.install("web2", mac="52:54:00:00:00:99")
    for one in (install, other):
        await world.get(f"/answer/{world.token(one, 'answer')}/ks.cfg")

    await world.get("/tree/t/vmlinuz")
    await world.event(Kind.SUCCEEDED, other.id)
    await world.event(Kind.REBOOTED, other.id)
    await asyncio.sleep(1.1)  # what is known of an address may be a second old
    await world.get("/tree/t/initrd")

    assert [event.install for event in await world.until(Kind.INITRD_SENT)] == [install.id]
    assert Kind.KERNEL_SENT not in await world.kinds()
