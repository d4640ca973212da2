"""Lists of packages: fetched and read once, a few of them in memory."""

import asyncio
from hashlib import sha256
from pathlib import Path

import pytest

from provisioner.core.errors import Invalid, NotFound
from provisioner.mirror import roots
from provisioner.mirror.lists import Lists
from provisioner.mirror.objects import Known, Objects
from provisioner.mirror.pointers import Pointer
from provisioner.mirror.roots import Root
from provisioner.mirror.state import State
from provisioner.mirror.vouching import Looked

SOURCE, ROOT = "http://mirror.example/debian", Root("debian", "dists/s")
_A = sha256(b"a").hexdigest()


class Upstream:
    """What there is by path; what was asked for."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []

    async def fetch(self, source: str, path: str, looked: Looked) -> Known:
        self.asked.append(path)
        await asyncio.sleep(0)
        if path not in self.files:
            raise NotFound(f"{path} is not there")
        data = self.files[path]
        known = Known(source, path, len(data), sha256(data).hexdigest())
        part = self.objects.part(source, path, looked.key)
        with part.file:
            part.put(data, 0)
            part.keep(known)
        return known


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(Objects(tmp_path))


def _packages(name: str) -> bytes:
    return f"Package: x\nFilename: pool/{name}\nSize: 1\nSHA256: {_A}\n".encode()


def _state(members: dict[str, bytes]) -> State:
    rows = "".join(f" {sha256(data).hexdigest()} {len(data)} {path}\n" for path, data in members.items())
    files = {"dists/s/Release": f"SHA256:\n{rows}".encode()}
    pointer = Pointer("debian", "dists/s", {}, "", "", "", "", "", "")
    return State(SOURCE, ROOT, pointer, roots.read(ROOT, files), files)


async def test_a_list_is_fetched_once_for_all_who_ask(upstream: Upstream) -> None:
    members = {"a/Packages": _packages("a.deb")}
    upstream.files = {f"dists/s/{path}": data for path, data in members.items()}
    state, lists = _state(members), Lists(upstream.objects, upstream.fetch)
    tables = await asyncio.gather(*(lists.of(state, "dists/s/a/Packages") for _ in range(20)))

    assert [list(table or ()) for table in tables] == [["pool/a.deb"]] * 20
    assert upstream.asked == ["dists/s/a/Packages"]
    assert await lists.of(state, "dists/s/none/Packages") is None


async def test_what_takes_too_much_memory_is_read_again(upstream: Upstream) -> None:
    members = {f"{name}/Packages": _packages(f"{name}.deb") for name in "abc"}
    upstream.files = {f"dists/s/{path}": data for path, data in members.items()}
    state, lists = _state(members), Lists(upstream.objects, upstream.fetch, most=100)
    for name in "abcabc":
        table = await lists.of(state, f"dists/s/{name}/Packages")
        assert list(table or ()) == [f"pool/{name}.deb"]

    assert len(lists._tables) == 1
    assert len(upstream.asked) == 3


async def test_a_failure_is_not_asked_for_again_at_once(upstream: Upstream) -> None:
    members = {"a/Packages": b"<html>"}
    upstream.files = {f"dists/s/{path}": data for path, data in members.items()}
    state, lists = _state(members), Lists(upstream.objects, upstream.fetch)
    for _ in range(3):
        with pytest.raises(Invalid, match="cannot be used"):
            await lists.of(state, "dists/s/a/Packages")

    assert upstream.asked == ["dists/s/a/Packages"]


async def test_a_packing_that_is_left_out(upstream: Upstream) -> None:
    members = {"a/Packages.xz": b"1", "a/Packages.gz": b"2", "a/Packages": _packages("a.deb")}
    upstream.files = {"dists/s/a/Packages": members["a/Packages"]}
    state, lists = _state(members), Lists(upstream.objects, upstream.fetch)

    assert list(await lists.of(state, "dists/s/a/Packages") or ()) == ["pool/a.deb"]
    assert upstream.asked == [f"dists/s/a/Packages{ending}" for ending in (".xz", ".gz", "")]
    with pytest.raises(NotFound):
        await lists.of(_state({"b/Packages.xz": b"1"}), "dists/s/b/Packages")
