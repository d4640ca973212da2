"""Pools, volumes and media over HTTP: contents stream through, and what is refused leaves nothing."""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.edges.web.world import TOKEN, World
from tests.unit.media.bases import SIZE, iso, mbr, raw
from tests.unit.media.evil import descriptor

BEARER = {"Authorization": f"Bearer {TOKEN}"}
POOLS = "/api/v1/pools"
CONTENT = f"{POOLS}/default/volumes/v/content"
QCOW2 = (
    b"QFI\xfb\0\0\0\3" + (1024).to_bytes(8, "big") + (11).to_bytes(4, "big") + bytes(1004) + b"/etc/shadow"
)


async def put(world: World, path: str, data: Any, **headers: str) -> tuple[int, Any]:
    data = io.BytesIO(data) if isinstance(data, bytes) else data
    status, body, _ = await world.ask("PUT", path, data=data, headers=BEARER | headers)
    return status, body


async def test_pools_come_and_go(world: World) -> None:
    new = {"name": "fast", "path": "/srv/fast"}
    status, made, _ = await world.ask("POST", POOLS, new)
    assert (status, made["kind"], made["path"], made["active"]) == (201, "dir", "/srv/fast", True)
    assert [pool["name"] for pool in (await world.ask("GET", POOLS))[1]] == ["default", "fast"]
    assert (await world.ask("GET", f"{POOLS}/fast"))[1] == made
    assert (await world.ask("POST", f"{POOLS}/fast/start"))[0] == 200
    assert (await world.ask("DELETE", f"{POOLS}/fast"))[1] == {
        "done": "pool fast is forgotten, its files stay",
        "volumes": [],
    }
    assert (await world.ask("GET", f"{POOLS}/fast"))[0] == 404


async def test_volumes_come_and_go(world: World) -> None:
    volumes = f"{POOLS}/default/volumes"
    status, made, _ = await world.ask("POST", volumes, {"name": "v", "capacity": 1024})
    assert (status, made["format"], made["capacity"], made["backing"]) == (201, "qcow2", 1024, "")
    _, top, _ = await world.ask("POST", volumes, {"name": "top", "backing": "v"})
    assert (top["backing"], top["capacity"]) == (made["path"], 1024)
    _, copy, _ = await world.ask("POST", volumes, {"name": "copy", "clone": "v", "capacity": 4096})
    assert (copy["backing"], copy["capacity"]) == ("", 4096)
    assert [volume["name"] for volume in (await world.ask("GET", volumes))[1]] == ["copy", "top", "v"]
    assert (await world.ask("PUT", f"{volumes}/v/size", {"capacity": 2048}))[1]["capacity"] == 2048
    assert (await world.ask("DELETE", f"{volumes}/v"))[0] == 409
    for name in ("top", "v", "copy"):
        assert (await world.ask("DELETE", f"{volumes}/{name}"))[0] == 200
    assert (await world.ask("GET", volumes))[1] == []


async def test_a_content_streams_in_and_out(world: World) -> None:
    content = os.urandom(3_000_000)

    status, made = await put(world, CONTENT, content)

    assert (status, made["capacity"]) == (200, len(content))
    status, body, headers = await world._request("GET", world.people_root + CONTENT, headers=BEARER)
    assert (status, body) == (200, content)
    assert headers["Content-Length"] == str(len(content))
    assert headers["Content-Disposition"] == 'attachment; filename="v"'
    status, body, headers = await world._request("HEAD", world.people_root + CONTENT, headers=BEARER)
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(content)))
    assert (await put(world, CONTENT, b"abc"))[0] == 409
    assert (await put(world, f"{CONTENT}?overwrite=1", b"abc"))[0] == 200
    assert world.pools.content["default", "v"] == b"abc" + content[3:]


EVIL = {
    "a backing file": (QCOW2.ljust(200_000, b"\0"), "volume v names the backing file '/etc/shadow'"),
    "an extent elsewhere": (
        descriptor("monolithicFlat", 'RW 9 FLAT "/etc/shadow" 0'),
        "whose data lie in other",
    ),
    "two things at once": (QCOW2.ljust(32769, b"\0") + b"CD001".ljust(2048), "is several things at once"),
    "only at its end": (raw() + b"koly".ljust(512, b"\0"), "is several things at once"),
    "a disk cut short": (mbr(), "is cut short"),
}


@pytest.mark.parametrize("name", EVIL)
async def test_evil_content_is_refused_and_nothing_is_left(world: World, name: str) -> None:
    content, words = EVIL[name]
    if name == "two things at once":
        content = b"QFI\xfb\0\0\0\3" + content[8:]

    for path in (CONTENT, "/api/v1/media/x.img"):
        status, problem = await put(world, path, content)

        assert status == 422, problem
        assert words in problem["detail"].replace("image x.img", "volume v")
    assert world.pools.disks == {}
    assert (await world.ask("GET", "/api/v1/media"))[1] == []


async def test_an_end_that_shows_what_it_is_comes_too_late_for_nobody(world: World) -> None:
    """The footer of a large image is seen before the volume is there for anybody."""
    content = raw() + os.urandom(6 * 1024 * 1024) + b"koly".ljust(512, b"\0")

    status, problem = await put(world, CONTENT, content)

    assert (status, world.pools.disks) == (422, {})
    assert "is several things at once (a DMG image and a raw disk)" in problem["detail"]


# method, path, JSON, status, words
WRONG: list[tuple[str, str, Any, int, str]] = [
    ("POST", POOLS, {"name": "x"}, 422, "pool x: '' is not an absolute path"),
    ("POST", POOLS, {"name": "x", "path": "srv"}, 422, "is not an absolute path"),
    ("POST", POOLS, {"name": "x", "path": "/srv/../etc"}, 422, "is not an absolute path"),
    ("POST", POOLS, {"name": "x", "path": "//srv"}, 422, "is not an absolute path"),
    ("POST", POOLS, {"name": "x", "path": "/etc"}, 422, "/etc belongs to the system"),
    ("POST", POOLS, {"name": "x", "path": "/"}, 422, "/ belongs to the system"),
    ("POST", POOLS, {"name": "x", "path": "/var/lib"}, 422, "/var/lib belongs to the system"),
    ("POST", POOLS, {"name": "x", "path": "/root/.ssh"}, 422, "belongs to the system"),
    ("POST", POOLS, {"name": "x/y", "path": "/srv/x"}, 422, "pool name 'x/y' is not usable"),
    ("POST", POOLS, {"name": 'x"]]>', "path": "/srv/x"}, 422, "is not usable"),
    ("POST", POOLS, {"name": "default", "path": "/srv/x"}, 409, "a pool called default is there already"),
    ("POST", POOLS, {"name": "x", "kind": "zfs"}, 422, "kind must be one of"),
    ("POST", POOLS, {"name": "x", "kind": "logical"}, 422, "'' is not the name of a volume group"),
    ("POST", POOLS, {"name": "x", "kind": "netfs", "path": "/srv/x"}, 422, "'' is not the name of a server"),
    (
        "POST",
        POOLS,
        {"name": "x", "kind": "netfs", "path": "/srv/x", "host": "nas", "source": "export"},
        422,
        "'export' is not an absolute path",
    ),
    ("GET", f"{POOLS}/nothing", None, 404, "no storage pool is called 'nothing'"),
    ("DELETE", f"{POOLS}/nothing", None, 404, "no storage pool is called 'nothing'"),
    ("DELETE", f"{POOLS}/default?delete_files=perhaps", None, 422, "write delete_files=1"),
    ("GET", f"{POOLS}/nothing/volumes", None, 404, "no storage pool is called 'nothing'"),
    ("GET", f"{POOLS}/default/volumes/v", None, 404, "has no volume 'v'"),
    ("GET", CONTENT, None, 404, "has no volume 'v'"),
    ("POST", f"{POOLS}/default/volumes", {"name": "v"}, 422, "volume v: a size of 0 bytes is not usable"),
    ("POST", f"{POOLS}/default/volumes", {"name": "v", "capacity": -1}, 422, "-1 bytes is not usable"),
    ("POST", f"{POOLS}/default/volumes", {"name": "v", "capacity": 2**63}, 422, "64 TiB is the most"),
    ("POST", f"{POOLS}/default/volumes", {"name": "v", "capacity": 2**45}, 409, "has left"),
    ("POST", f"{POOLS}/default/volumes", {"name": "v", "capacity": "4G"}, 422, "capacity: "),
    ("POST", f"{POOLS}/default/volumes", {"name": "../v", "capacity": 1}, 422, "volume name '../v' is not"),
    ("POST", f"{POOLS}/default/volumes", {"name": ".v", "capacity": 1}, 422, "volume name '.v' is not"),
    ("POST", f"{POOLS}/default/volumes", {"name": "v", "capacity": 1, "format": "vmdk"}, 422, "format must"),
    ("POST", f"{POOLS}/default/volumes", {"name": "v", "backing": "none"}, 404, "has no volume 'none'"),
    ("POST", f"{POOLS}/default/volumes", {"name": "v", "clone": "none"}, 404, "has no volume 'none'"),
    (
        "POST",
        f"{POOLS}/default/volumes",
        {"name": "v", "clone": "a", "backing": "b"},
        422,
        "volume v: it is either an overlay or a clone",
    ),
    ("PUT", f"{POOLS}/default/volumes/v/size", {"capacity": 1}, 404, "has no volume 'v'"),
    ("PUT", f"{POOLS}/default/volumes/v/size", {}, 422, "capacity is missing"),
    ("DELETE", f"{POOLS}/default/volumes/v", None, 404, "has no volume 'v'"),
    ("GET", "/api/v1/media/none.iso", None, 404, "there is no file none.iso"),
    ("DELETE", "/api/v1/media/none.iso", None, 404, "there is no file none.iso"),
    ("GET", "/api/v1/media/..%2f..%2fetc%2fpasswd", None, 422, "is outside the media folders"),
    ("GET", "/api/v1/media/%2fetc%2fpasswd", None, 422, "is outside the media folders"),
    ("GET", "/api/v1/media/file:%2f%2f%2fetc%2fpasswd", None, 422, "names a protocol"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), WRONG)
async def test_what_is_wrong_is_one_sentence(
    world: World, method: str, path: str, body: Any, status: int, words: str
) -> None:
    got, problem, _ = await world.ask(method, path, body)

    assert (got, words in problem["detail"]) == (status, True), problem
    assert "\n" not in problem["detail"]
    assert (list(world.pools.there), world.pools.disks) == (["default"], {})


BODIES: list[tuple[str, Any, dict[str, str], int, str]] = [
    (CONTENT, b"", {}, 422, "a size of 0 bytes is not usable"),
    (CONTENT, b"x", {"Content-Encoding": "gzip"}, 415, "compressed on its way"),
    (f"{POOLS}/none/volumes/v/content", b"x", {}, 404, "no storage pool is called 'none'"),
    (f"{POOLS}/default/volumes/.v/content", b"x", {}, 422, "volume name '.v' is not usable"),
    (f"{POOLS}/default/volumes/a%2fb/content", b"x", {}, 422, "volume name 'a/b' is not usable"),
    ("/api/v1/media/.hidden", b"x", {}, 422, "media name '.hidden' is not usable"),
    ("/api/v1/media/a%2fb", b"x", {}, 422, "media name 'a/b' is not usable"),
    ("/api/v1/media/a%00b", b"x", {}, 422, "is not usable"),
]


@pytest.mark.parametrize(("path", "data", "headers", "status", "words"), BODIES)
async def test_a_body_that_is_not_wanted(
    world: World, path: str, data: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    got, problem = await put(world, path, data, **headers)

    assert (got, words in str(problem)) == (status, True), problem
    assert world.pools.disks == {}


async def test_a_body_of_unknown_size_is_not_taken(world: World) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"x"

    for path in (CONTENT, "/api/v1/media/x"):
        status, problem = await put(world, path, parts())
        assert (status, problem["remedy"]) == (422, "send the header Content-Length")


@pytest.mark.parametrize("path", [CONTENT, "/api/v1/media/x.iso"])
async def test_a_sender_that_goes_away_leaves_nothing(world: World, path: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", world.people_port)
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9000000\r\n\r\n"
    )
    writer.write(head.encode() + b"x" * 2_000_000)
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    await writer.wait_closed()
    for _ in range(100):
        if not list(world.services.state_dir.parent.glob("*/.*.part")):
            break
        await asyncio.sleep(0.02)

    assert world.pools.disks == {}
    assert (await world.ask("GET", "/api/v1/media"))[1] == []
    assert list(world.services.state_dir.parent.glob("transfers/*")) == []
    assert list(world.services.state_dir.parent.glob("media/.*")) == []


async def test_media_come_and_go(world: World) -> None:
    status, added = await put(world, "/api/v1/media/c7.iso", iso(b"CentOS 7"))
    assert (status, added["kind"], added["note"], added["own"]) == (201, "iso", "CentOS 7", True)
    _, disk = await put(world, "/api/v1/media/disk.img", raw())
    assert (disk["kind"], disk["format"], disk["virtual_size"]) == ("disk", "raw", SIZE)
    _, other = await put(world, "/api/v1/media/vmlinuz", b"MZ" + bytes(1000))
    assert (other["kind"], other["format"]) == ("other", "")
    assert [file["name"] for file in (await world.ask("GET", "/api/v1/media"))[1]] == [
        "c7.iso",
        "disk.img",
        "vmlinuz",
    ]
    assert (await world.ask("GET", "/api/v1/media/c7.iso"))[1] == added
    status, problem = await put(world, "/api/v1/media/c7.iso", iso())
    assert (status, problem["detail"]) == (409, "a medium called c7.iso is there already")
    world.pools.used[added["path"]] = ["web1"]
    assert (await world.ask("DELETE", "/api/v1/media/c7.iso"))[0] == 409
    world.pools.used.clear()
    assert (await world.ask("DELETE", "/api/v1/media/c7.iso"))[1] == {"done": "medium c7.iso is removed"}
