"""`/tree/{tree}/{path}`: files of install trees, read from wherever they are, as a client asks for them.

A guest reads every tree by HTTP, whether that is a directory, an ISO file, or a server's by HTTP, FTP or NFS.
What lies in a file of this host is sent by the kernel; what is asked for often is answered in `hot`.

`images` is the tree of packed root file systems. A tree is looked up by name and nothing else of the
request chooses a source, so this is no proxy. What is sent becomes events of the install it belongs to.
"""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from provisioner.core.errors import NotFound, Unavailable
from provisioner.core.install import Install
from provisioner.core.profile import Tree
from provisioner.core.source import kind, shown
from provisioner.distros.files import role
from provisioner.web import counts
from provisioner.web.errors import BadGateway
from provisioner.web.hot import Name
from provisioner.web.keys import HOT, LEDGER, SERVICES, TREES
from provisioner.web.listing import listing
from provisioner.web.place import peer, shared
from provisioner.web.routes import Route
from provisioner.web.sending import follow, given, head, opening, send, sent, write
from provisioner.web.services import Services
from provisioner.web.services_files import Growing, Local, Upstream

IMAGES: Final = "images"
_ASKED = ("Range", "If-Range", "If-None-Match", "If-Modified-Since", "Accept")
_ABSENT = (403, 404, 410)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A file of a tree that somebody asks for; `install` is whose machine it is, if anybody's."""

    request: web.Request
    tree: Tree
    path: str
    install: Install | None

    @property
    def url(self) -> str:
        return shown(f"{self.tree.source.rstrip('/')}/{self.path}")

    async def note(self, gone: int, total: int, *, done: bool) -> None:
        if self.install is not None:
            book = self.request.app[LEDGER]
            await book.sent(self.install, part(self.tree, self.path), self.path, gone, total, done)

    async def failed(self, text: str) -> None:
        data: dict[str, object] = {"url": self.url, "tree": self.tree.name}
        await self.request.app[LEDGER].failed(self.install, text, data)


async def named(services: Services, name: str) -> Tree:
    """The tree of that name. Raises NotFound."""
    if name == IMAGES:
        return Tree(IMAGES, str(services.state_dir.absolute() / IMAGES))
    return await services.trees.get(name)


async def file(request: web.Request) -> web.StreamResponse:
    """One file of a tree, or the page of a folder; what lies outside is not there."""
    services = request.app[SERVICES]
    name, path = request.match_info["tree"], request.match_info["path"]
    address = peer(request)
    install = await request.app[LEDGER].owner(address, shared=shared(request))
    asked = _Asked(request, await request.app[TREES].get(name), path, install)
    if not path or path.endswith("/"):
        return await _folder(asked)
    if any(piece in ("", ".", "..") for piece in path.split("/")) or "\0" in path or "\\" in path:
        raise NotFound(f"tree {name} has no file {path[:200]!r}")
    headers = {key: request.headers[key] for key in _ASKED if key in request.headers}
    source = asked.tree.source
    here = services.files.hit(source, path, headers, client=address)
    if here is not None:
        return await _answer(asked, here)
    sending = False
    try:
        async with services.files.open(source, path, headers, client=address) as found:
            await _check(asked, found)
            if found.url.endswith("/"):
                return _moved(request)
            sending = True
            return await _answer(asked, found)
    except Unavailable as error:
        await asked.failed(str(error))
        if sending:
            raise ConnectionResetError(str(error)) from error
        if kind(source) == "path":
            raise
        raise BadGateway(str(error), remedy=error.remedy) from error


def part(tree: Tree, path: str) -> counts.Part:
    """What a file of a tree is to an install."""
    if tree.name == IMAGES:
        return counts.IMAGE
    if path == tree.kernel:
        return counts.KERNEL
    if path == tree.initrd:
        return counts.INITRD
    return counts.ROLES[role(path)]


async def _folder(asked: _Asked) -> web.StreamResponse:
    """The page of a folder, for people."""
    found = None
    if "\\" not in asked.path:
        try:
            found = await asked.request.app[SERVICES].listing(asked.tree.source, asked.path)
        except Unavailable as error:
            await asked.failed(str(error))
            if kind(asked.tree.source) == "path":
                raise
            raise BadGateway(str(error), remedy=error.remedy) from error
    if found is None:
        raise NotFound(f"tree {asked.tree.name} has no folder {asked.path[:200]!r} that can be listed")
    return listing(asked.tree.name, asked.path, found)


async def _is_folder(asked: _Asked) -> bool:
    services = asked.request.app[SERVICES]
    return await services.listing(asked.tree.source, f"{asked.path}/") is not None


def _moved(request: web.Request) -> web.StreamResponse:
    """A folder is asked for with a slash behind it, or the links in its page lead elsewhere."""
    raise web.HTTPMovedPermanently(request.rel_url.with_query(None).raw_path + "/")


async def _check(asked: _Asked, found: Upstream) -> None:
    """Installers probe for files that need not be there; without kernel and initrd they cannot go on."""
    if found.status in (200, 206, 304, 416):
        return
    if found.status not in _ABSENT:
        raise Unavailable(f"{asked.url} answers {found.status}")
    if part(asked.tree, asked.path).needed:
        await asked.failed(f"{asked.url} is not there")
    elif kind(asked.tree.source) == "path" and await _is_folder(asked):
        _moved(asked.request)
    raise NotFound(f"tree {asked.tree.name} has no file {asked.path[:200]!r}")


async def _answer(asked: _Asked, found: Upstream) -> web.StreamResponse:
    if asked.request.method == "HEAD" or found.status == HTTPStatus.NOT_MODIFIED:
        await write(asked.request, _head(asked, found))
        return sent(asked.request)
    if found.local is not None:
        return await _here(asked, found, found.local)
    if found.grows is not None and "Content-Length" in found.headers:
        return await _growing(asked, found, found.grows)
    return await _passed_on(asked, found)


async def _here(asked: _Asked, found: Upstream, local: Local) -> web.StreamResponse:
    """A file of this host, or a part of one."""
    request = asked.request
    request.app[HOT].learn(request, Name(asked.tree, asked.path, part(asked.tree, asked.path)))
    first, total = _span(found.headers)

    async def told(gone: int) -> None:
        await asked.note(first + gone, total, done=False)

    await send(request, _head(asked, found), local.file, local.runs, told if asked.install else None)
    await asked.note(first + sum(run for _, run in local.runs), total, done=True)
    return sent(request)


async def _growing(asked: _Asked, found: Upstream, body: Growing) -> web.StreamResponse:
    """What comes into a file of this host is sent out of it, as far as it has come."""
    first, total = _span(found.headers)
    gone, length = 0, int(found.headers["Content-Length"])
    await write(asked.request, _head(asked, found))
    async with aclosing(follow(asked.request, body.file, body.first, body.reach)) as counts:
        async for count in counts:
            gone += count
            await asked.note(first + gone, total, done=False)
    async for piece in body.rest(body.first + gone):
        await write(asked.request, piece)
        gone += len(piece)
    if gone != length:
        raise Unavailable(f"{asked.url} broke off after {gone} of {length} bytes")
    await asked.note(first + gone, total, done=True)
    return sent(asked.request)


async def _passed_on(asked: _Asked, found: Upstream) -> web.StreamResponse:
    """As it comes. A transfer that breaks upstream breaks here too, never ends well."""
    response = web.StreamResponse(status=found.status, headers=given(found.headers))
    await response.prepare(asked.request)
    gone, total = _span(found.headers)
    async for chunk in found.chunks():
        await response.write(chunk)
        gone += len(chunk)
        await asked.note(gone, total or gone, done=False)
    await response.write_eof()
    await asked.note(gone, total or gone, done=True)
    return response


def _head(asked: _Asked, found: Upstream) -> bytes:
    return head(asked.request, opening(found.status, given(found.headers)))


def _span(headers: Mapping[str, str]) -> tuple[int, int]:
    """Where in its file a body begins, and the file's size; 0 where that is not told."""
    words = headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    begin = words[0].partition("-")[0]
    if begin.isdigit():
        return int(begin), int(words[2]) if words[2].isdigit() else 0
    length = headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else 0


ROUTES = (Route("GET", "/tree/{tree}/{path:.*}", file, "public"),)
