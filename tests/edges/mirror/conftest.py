"""A tree on disk, as an ISO, and behind real servers: HTTP with its moods, FTP, NFS."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from provisioner.mirror.client import session
from provisioner.mirror.tree import LIMIT
from tests.lab import ftpd, nfsd
from tests.lab.iso import write_iso

BODY = bytes(range(256)) * 2048
KINDS = ("directory", "iso", "http", "ftp", "nfs")


@pytest.fixture(scope="session")
def shared() -> Iterator[Path]:
    """A folder that servers' own users may enter, unlike pytest's."""
    place = Path(tempfile.mkdtemp(prefix="mirror-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def tree(shared: Path) -> Iterator[Path]:
    above = Path(tempfile.mkdtemp(dir=shared))
    above.chmod(0o755)
    root = above / "tree"
    (root / "images").mkdir(parents=True)
    (root / ".treeinfo").write_text("[general]\n")
    (root / "images/vmlinuz").write_bytes(BODY)
    (root / "images/a b+c%2b~#1.rpm").write_bytes(b"odd")
    (root / "images/empty").write_bytes(b"")
    with (root / "big").open("wb") as file:
        file.truncate(LIMIT + 1)
    (root / "Packages.gz").write_bytes(b"\x1f\x8b packed")
    (above / "secret").write_text("secret")
    yield root
    shutil.rmtree(above)


@pytest.fixture(scope="session")
def ftp(shared: Path) -> Iterator[ftpd.FtpServer]:
    need(ftpd.missing())
    with ftpd.ftp_server(shared) as server:
        yield server


@pytest.fixture(scope="session")
def nfs(shared: Path) -> Iterator[nfsd.NfsServer]:
    need(nfsd.missing())
    with nfsd.nfs_server(shared) as server:
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1 in one file."""
    place = tmp_path_factory.mktemp("tls") / "both.pem"
    if not shutil.which("openssl"):
        pytest.skip("openssl is not here")
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mirror"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(place), "-out", f"{place}.crt"]
    subprocess.run(words, check=True, capture_output=True)
    place.write_text(place.read_text() + Path(f"{place}.crt").read_text())
    return place


def need(packages: str) -> None:
    if packages or os.geteuid() != 0:
        pytest.skip(f"missing: {packages}" if packages else "this server is started as root")


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, tree: Path) -> str:
    """The same tree, by each way to read it."""
    below = f"{tree.parent.name}/{tree.name}"
    match request.param:
        case "directory":
            return str(tree)
        case "iso":
            return str(write_iso(tree.parent / "tree.iso", "TREE", tree))
        case "http":
            return f"{request.getfixturevalue('upstream')}/tree"
        case kind:
            return f"{request.getfixturevalue(kind).url}/{below}"


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with session() as opened:
        yield opened


@pytest.fixture
async def upstream(tree: Path) -> AsyncIterator[str]:
    """The base URL; `/tree/` is the tree, the other paths answer as they are called."""

    async def moved(request: web.Request) -> web.Response:
        left = int(request.match_info["left"])
        target = f"/moved/{left - 1}" if left else "/tree/.treeinfo"
        raise web.HTTPFound(target)

    async def inwards(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://localhost:1/")

    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 10)
        assert request.transport is not None
        request.transport.abort()
        return response

    async def status(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["code"]))

    async def packed(request: web.Request) -> web.Response:
        data = (tree / "Packages.gz").read_bytes()
        return web.Response(body=data, headers={"Content-Encoding": "gzip"})

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(65536))
            await asyncio.sleep(0)

    app = web.Application()
    app.router.add_get("/moved/{left}", moved)
    app.router.add_get("/inwards/.treeinfo", inwards)
    app.router.add_get("/broken/file", broken)
    app.router.add_get("/status/{code}", status)
    app.router.add_get("/packed/Packages.gz", packed)
    app.router.add_get("/endless/file", endless)
    app.router.add_static("/tree/", tree)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")
