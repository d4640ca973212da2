"""`/tree/{tree}/{path}`: files of install trees, from a directory or passed through from where they are.

A guest reads every tree by HTTP, whether that is a directory, an ISO file, or a server's by HTTP, FTP or NFS.

`images` is the tree of packed root file systems. A tree is looked up by name and nothing else of the
request chooses a source, so this is no proxy. What is sent becomes events of the install it belongs to.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from provisioner.core.errors import NotFound, Unavailable
from provisioner.core.install import Install
from provisioner.core.profile import Tree
from provisioner.core.source import kind, shown
from provisioner.web import ledger
from provisioner.web.errors import BadGateway
from provisioner.web.files import Progress, TreeFile, by_kernel, locate
from provisioner.web.keys import LEDGER, SERVICES, TREES
from provisioner.web.place import peer, shared
from provisioner.web.routes import Route
from provisioner.web.services import Upstream

IMAGES: Final = "images"
_ASKED = ("Range", "If-Range", "If-None-Match", "If-Modified-Since", "Accept")
_GIVEN = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Encoding",
    "Accept-Ranges",
    "ETag",
    "Last-Modified",
)
_ABSENT = (403, 404, 410)


async def file(request: web.Request) -> web.StreamResponse:
    """One file of a tree; folders and what lies outside are not there."""
    services = request.app[SERVICES]
    name, path = request.match_info["tree"], request.match_info["path"]
    install = await request.app[LEDGER].owner(peer(request), shared=shared(request))
    if name == IMAGES:
        tree = Tree(IMAGES, str(services.state_dir / IMAGES))
    else:
        tree = await request.app[TREES].get(name)
    if kind(tree.source) != "path":
        return await _upstream(request, tree, path, install)
    return await _path(request, tree, path, install)


def part(tree: Tree, path: str) -> ledger.Part:
    """What a file of a tree is to an install."""
    if tree.name == IMAGES:
        return ledger.IMAGE
    if path == tree.kernel:
        return ledger.KERNEL
    if path == tree.initrd:
        return ledger.INITRD
    return ledger.PACKAGE


async def _path(request: web.Request, tree: Tree, path: str, install: Install | None) -> web.StreamResponse:
    found, single = await asyncio.to_thread(_located, Path(tree.source), path)
    if single:
        return await _upstream(request, tree, path, install)
    if found is None:
        await _missing(request, tree, path, install)
        raise NotFound(f"tree {tree.name} has no file {path[:200]!r}")
    return TreeFile(found, _progress(request, install, part(tree, path), path))


def _located(source: Path, path: str) -> tuple[Path | None, bool]:
    """The file of a folder, and whether the source is no folder but a file: an ISO, be it there or gone."""
    found = locate(source, path)
    gone = source.suffix.lower() == ".iso" and not source.exists()
    return found, found is None and (gone or source.is_file())


async def _missing(request: web.Request, tree: Tree, path: str, install: Install | None) -> None:
    """Installers probe for files that need not be there; without these an install cannot go on."""
    source = Path(tree.source)
    if not await asyncio.to_thread(source.is_dir):
        text = f"the folder {source} of tree {tree.name} is not there"
        await request.app[LEDGER].failed(install, text, {"url": str(source), "tree": tree.name})
        raise Unavailable(
            text, remedy=f"mount it again, or name its new place: provisioner tree add {tree.name}"
        )
    if part(tree, path) is not ledger.PACKAGE:
        text = f"{source / path} is not there"
        await request.app[LEDGER].failed(install, text, {"url": str(source / path), "tree": tree.name})


async def _upstream(
    request: web.Request, tree: Tree, path: str, install: Install | None
) -> web.StreamResponse:
    """Passes a file through as it comes. A transfer that breaks upstream breaks here too, never ends well."""
    asked = {key: request.headers[key] for key in _ASKED if key in request.headers}
    if any(piece in ("", ".", "..") for piece in path.split("/")) or "\0" in path:
        raise NotFound(f"tree {tree.name} has no file {path[:200]!r}")
    url = shown(f"{tree.source.rstrip('/')}/{path}")
    note = _progress(request, install, part(tree, path), path)
    response: web.StreamResponse | None = None
    try:
        async with request.app[SERVICES].upstream(tree.source, path, asked) as upstream:
            if upstream.status in _ABSENT and part(tree, path) is not ledger.PACKAGE:
                text = f"{url} is not there"
                await request.app[LEDGER].failed(install, text, {"url": url, "tree": tree.name})
            _check(upstream.status, url, tree, path)
            response = web.StreamResponse(status=upstream.status, headers=_given(upstream.headers))
            await response.prepare(request)
            if request.method != "HEAD" and upstream.status != HTTPStatus.NOT_MODIFIED:
                sent, total = _span(upstream.headers)
                async with aclosing(_sending(request, response, upstream)) as pieces:
                    async for count in pieces:
                        sent += count
                        await note(sent, total or sent, False)
                await response.write_eof()
                await note(sent, total or sent, True)
            return response
    except Unavailable as error:
        await request.app[LEDGER].failed(install, str(error), {"url": url, "tree": tree.name})
        if response is None:
            raise BadGateway(str(error), remedy=error.remedy) from error
        raise ConnectionResetError(str(error)) from error


def _sending(request: web.Request, response: web.StreamResponse, upstream: Upstream) -> AsyncGenerator[int]:
    """Sends the body; gives the bytes of each piece that went."""
    if upstream.local is None:
        return _by_hand(response, upstream)
    if request.transport is None:
        raise ConnectionResetError("the client has gone")
    return by_kernel(request.transport, upstream.local.file, upstream.local.runs)


async def _by_hand(response: web.StreamResponse, upstream: Upstream) -> AsyncGenerator[int]:
    async for chunk in upstream.chunks():
        await response.write(chunk)
        yield len(chunk)


def _check(status: int, url: str, tree: Tree, path: str) -> None:
    if status in (200, 206, 304, 416):
        return
    if status in _ABSENT:
        raise NotFound(f"tree {tree.name} has no file {path[:200]!r}")
    raise Unavailable(f"{url} answers {status}")


def _given(headers: Mapping[str, str]) -> dict[str, str]:
    return {key: headers[key] for key in _GIVEN if key in headers}


def _span(headers: Mapping[str, str]) -> tuple[int, int]:
    """Where in its file a body begins, and the file's size; 0 where that is not told."""
    words = headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    begin = words[0].partition("-")[0]
    if begin.isdigit():
        return int(begin), int(words[2]) if words[2].isdigit() else 0
    length = headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else 0


def _progress(request: web.Request, install: Install | None, kind: ledger.Part, path: str) -> Progress:
    book = request.app[LEDGER]

    async def note(sent: int, total: int, done: bool) -> None:
        if install is not None:
            await book.sent(install, kind, path, sent, total, done)

    return note


ROUTES = (Route("GET", "/tree/{tree}/{path:.+}", file, "public"),)
