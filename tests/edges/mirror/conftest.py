"""A tree on disk, and the same tree behind a real HTTP server with its moods."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from provisioner.mirror.client import session

BODY = bytes(range(256)) * 2048


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "images").mkdir(parents=True)
    (root / ".treeinfo").write_text("[general]\n")
    (root / "images/vmlinuz").write_bytes(BODY)
    (root / "Packages.gz").write_bytes(b"\x1f\x8b packed")
    (tmp_path / "secret").write_text("secret")
    return root


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
