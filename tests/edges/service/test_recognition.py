"""Trees behind a real server: told in few questions, and what is none is refused in one sentence."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from provisioner.core.errors import Invalid, Unavailable
from provisioner.mirror.client import session
from provisioner.mirror.tree import Reader
from provisioner.mirror.upstream import Upstream
from provisioner.service.recognition import Wanted, look
from tests.treeinfo import ROCKY
from tests.unit.distros.recorded import REFUSED, TREES

RECORDED = Path(__file__).parents[2] / "data/trees"
MOST = 10
KERNEL = b"a kernel"
LISTING = '<html><body><a href="../">..</a> <a href="AppStream/">AppStream/</a> <a href="BaseOS/">BaseOS/</a>'
TREEINFO = (
    ROCKY
    + """
[stage2]
mainimage = images/install.img

[checksums]
images/pxeboot/vmlinuz = sha256:{}
"""
)
FILES = ("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", "images/install.img")


class Site:
    """A web server whose folders are the recorded trees, and some that are none. `asked` counts by tree."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    async def recorded(self, request: web.Request) -> web.Response:
        name, path = request.match_info["name"], request.match_info["path"]
        self.asked[name] += 1
        file = RECORDED / name / path
        if path and file.is_file():
            return web.Response(body=file.read_bytes())
        facts = TREES.get(name)
        if facts and path in (facts.kernel, facts.initrd, *facts.parts):
            return web.Response(body=KERNEL)
        raise web.HTTPNotFound

    async def guarded(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/login")

    async def login(self, request: web.Request) -> web.Response:
        return web.Response(
            text="<!DOCTYPE html>\n<html><title>Sign in</title></html>", content_type="text/html"
        )

    async def listed(self, request: web.Request) -> web.Response:
        if request.match_info["path"] != "9.4/":
            raise web.HTTPNotFound
        return web.Response(text=LISTING, content_type="text/html")

    async def denied(self, request: web.Request) -> web.Response:
        raise web.HTTPUnauthorized


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def root(site: Site) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/guarded/{path:.*}", site.guarded)
    app.router.add_get("/login", site.login)
    app.router.add_get("/pages/{path:.*}", site.login)
    app.router.add_get("/listed/{path:.*}", site.listed)
    app.router.add_get("/denied/{path:.*}", site.denied)
    app.router.add_get("/{name:[^/]+/[^/]+}/{path:.*}", site.recorded)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    async with session() as client:
        yield Reader(Upstream(client))


async def test_a_tree_is_known_in_ten_requests_and_each_is_explained(
    reader: Reader, site: Site, root: str
) -> None:
    for name, facts in TREES.items():
        found = await look(reader, f"{root}/{name}", Wanted())

        assert found.tree() == facts, name
        assert len(found.probes) == site.asked[name]
        assert f"{facts.family} {facts.release} for {facts.arch}" in [probe.says for probe in found.probes]
    assert {name: count for name, count in site.asked.items() if count > MOST} == {}


async def test_what_is_no_tree_is_refused_after_all_that_could_tell(reader: Reader, root: str) -> None:
    for name, sentence in REFUSED.items():
        with pytest.raises(Invalid) as refusal:
            (await look(reader, f"{root}/{name}", Wanted())).tree()

        assert str(refusal.value).endswith(sentence)


BAD = {
    "guarded/os": ("/.treeinfo is a web page, and no file of a tree", "open the address in a browser"),
    "pages/debian": ("/dists/stable/Release is a web page, and no file", "open the address in a browser"),
    "listed/9.4": (
        "/listed/9.4 is a listing of folders and no tree: AppStream, BaseOS",
        "/listed/9.4/BaseOS/x86_64/os",
    ),
    "denied/os": ("answered 401 Unauthorized", ""),
}


@pytest.mark.parametrize("path", BAD)
async def test_a_server_that_shows_something_else_is_told(reader: Reader, root: str, path: str) -> None:
    words, remedy = BAD[path]
    with pytest.raises((Invalid, Unavailable)) as refusal:
        (await look(reader, f"{root}/{path}", Wanted())).tree()

    assert words in str(refusal.value)
    assert remedy in refusal.value.remedy


async def test_a_question_without_an_answer_is_shown(reader: Reader, root: str) -> None:
    found = await look(reader, f"{root}/denied/centos", Wanted())

    assert found.facts is None
    assert [(probe.asked, probe.found) for probe in found.probes] == [
        (path, "no answer") for path in (".treeinfo", "treeinfo", ".discinfo")
    ]
    assert "answered 401 Unauthorized" in found.probes[0].says


def tree(place: Path, digest: str, *left_out: str) -> str:
    for path in FILES:
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if path not in left_out:
            file.write_bytes(KERNEL)
    (place / ".treeinfo").write_text(TREEINFO.format(digest))
    return str(place)


RIGHT, LIE = hashlib.sha256(KERNEL).hexdigest(), "0" * 64


@pytest.mark.parametrize("path", FILES)
async def test_a_tree_that_is_half_there_names_what_is_missing(
    reader: Reader, tmp_path: Path, path: str
) -> None:
    with pytest.raises(Unavailable) as refusal:
        (await look(reader, tree(tmp_path, RIGHT, path), Wanted())).tree()

    assert str(refusal.value) == f"{tmp_path} is not all of rhel 9.4: {path} is missing"


LACKING = {
    "debian/medium": ("install/netboot/debian-installer/amd64/linux", "provisioner tree add debian13"),
    "ubuntu/24.04-live": ("casper/vmlinuz", "add the ISO itself, or put it into the folder as medium.iso"),
    "rhel/stream-9": ("images/pxeboot/vmlinuz", "look whether the mirror is complete"),
}


@pytest.mark.parametrize("name", LACKING)
async def test_what_is_missing_of_a_medium_is_told_with_what_to_do(reader: Reader, name: str) -> None:
    path, remedy = LACKING[name]
    with pytest.raises(Unavailable, match=f"{path} is missing") as refusal:
        (await look(reader, str(RECORDED / name), Wanted())).tree()

    assert remedy in refusal.value.remedy


async def test_a_checksum_that_lies_is_found_out(reader: Reader, tmp_path: Path) -> None:
    assert (await look(reader, tree(tmp_path, RIGHT), Wanted())).tree().release == "9.4"
    with pytest.raises(Invalid) as refusal:
        (await look(reader, tree(tmp_path, LIE), Wanted())).tree()

    assert str(refusal.value) == (
        f"{tmp_path}: images/pxeboot/vmlinuz is not the file that the tree's .treeinfo names, sha256:{LIE}"
    )


async def test_a_checksum_far_away_is_read_where_that_is_asked_for(reader: Reader, tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_static("/", tree(tmp_path, LIE))
    async with TestServer(app) as server:
        source = str(server.make_url("")).rstrip("/")

        assert (await look(reader, source, Wanted())).tree().family == "rhel"
        with pytest.raises(Invalid, match="is not the file that the tree's"):
            (await look(reader, source, Wanted(verify=True))).tree()


async def test_a_tree_for_another_processor_is_told_by_its_kernel(reader: Reader, tmp_path: Path) -> None:
    for path in ("install/media.1/products", "boot/aarch64/loader/linux", "boot/aarch64/loader/initrd"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("/ Leap 16.0-1\n")
    (tmp_path / "LiveOS").mkdir()
    (tmp_path / "LiveOS/squashfs.img").touch()

    assert (await look(reader, str(tmp_path), Wanted())).tree().arch == "aarch64"
    with pytest.raises(Unavailable, match="boot/x86_64/loader/linux is missing"):
        (await look(reader, str(tmp_path), Wanted(arch="x86_64"))).tree()


async def test_a_silent_tree_is_what_a_person_says_of_it(reader: Reader, tmp_path: Path) -> None:
    tree(tmp_path, RIGHT)
    (tmp_path / ".treeinfo").unlink()
    with pytest.raises(Invalid, match="no known installer: found none") as refusal:
        (await look(reader, str(tmp_path), Wanted())).tree()

    assert "--family and --release" in refusal.value.remedy
    assert (await look(reader, str(tmp_path), Wanted(family="rhel", release="9.4"))).tree().release == "9.4"
