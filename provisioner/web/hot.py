"""Files that are asked for again and again: found by the bytes of the request, answered from prepared heads.

What is asked here is a plain GET of a whole file of a tree; whatever else a request wants, or is not known
yet, goes the ordinary way, and so does the first request for a file, which makes it known.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

from aiohttp import hdrs, web

from provisioner.core.install import Install
from provisioner.core.profile import Tree
from provisioner.web.counts import Part
from provisioner.web.ledger import Ledger
from provisioner.web.place import is_host, peer, shared
from provisioner.web.recent import Recent
from provisioner.web.sending import SENT, SENT_LAST, Runs, Told, closing, given, opening, send, write
from provisioner.web.services_files import Descriptor, Files, Upstream

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
SMALL = 64 * 1024
"""A body up to so many bytes is kept in memory with its head once it was asked for a second time."""
_NAMES = 16_384
_PARTICULAR = (hdrs.RANGE, hdrs.IF_NONE_MATCH, hdrs.IF_MODIFIED_SINCE, hdrs.EXPECT, hdrs.UPGRADE)
"""Headers with which a request is no plain one. They are looked up in any case of their letters."""


@dataclass(frozen=True, slots=True)
class Name:
    """What a path of ours stands for; `part` is what the file is to an install."""

    tree: Tree
    path: str
    part: Part


@dataclass(slots=True)
class _Prepared:
    head: bytes
    file: Descriptor
    runs: Runs
    size: int
    body: bytes | None = None


class Hot:
    """`trees` and `ledger` are asked for what they remember only."""

    def __init__(self, files: Files, trees: Recent[Tree], ledger: Ledger) -> None:
        self._files = files
        self._trees = trees
        self._ledger = ledger
        self._names: dict[str, Name] = {}
        self._prepared: WeakKeyDictionary[Upstream, _Prepared] = WeakKeyDictionary()

    def learn(self, request: web.Request, name: Name) -> None:
        """The ordinary way has found a file of this host there."""
        if request.query_string:
            return
        self._names.pop(request.raw_path, None)
        self._names[request.raw_path] = name
        if len(self._names) > _NAMES:
            del self._names[next(iter(self._names))]

    async def answer(self, ordinary: Handler, request: web.BaseRequest) -> web.StreamResponse:
        """What is plain and known at once, everything else by the ordinary way."""
        name = self._names.get(request.raw_path)
        if name is None or request.method != hdrs.METH_GET or not _plain(request):
            return await ordinary(request)
        address = peer(request)
        owner = self._ledger.peek(address, shared=shared(request))
        found = self._found(name, address) if owner is not None else None
        if owner is None or found is None:
            return await ordinary(request)
        try:
            if owner[0] is not None:
                await self._count(request, name, found, owner[0])
            elif found.body is not None:
                await write(request, found.head + closing() + found.body)
            else:
                await self._send(request, found)
        except ConnectionError:
            if request.transport is not None:
                request.transport.abort()
            return SENT_LAST
        return SENT

    def _found(self, name: Name, address: str) -> _Prepared | None:
        known = self._trees.peek(name.tree.name)
        if known is None or known[0] is not name.tree:
            return None
        stream = self._files.hit(name.tree.source, name.path, {}, client=address)
        if stream is None or stream.local is None or stream.status != 200:
            return None
        prepared = self._prepared.get(stream)
        if prepared is None:
            local = stream.local
            size = sum(length for _, length in local.runs)
            prepared = _Prepared(opening(200, given(stream.headers)), local.file, local.runs, size)
            self._prepared[stream] = prepared
        return prepared

    async def _send(self, request: web.BaseRequest, found: _Prepared, told: Told | None = None) -> None:
        beginning = found.head + closing()
        if found.body is None and found.size <= SMALL:
            found.body = await asyncio.to_thread(_read, found)
        if found.body is not None:
            await write(request, beginning + found.body)
        else:
            await send(request, beginning, found.file, found.runs, told)

    async def _count(self, request: web.BaseRequest, name: Name, found: _Prepared, install: Install) -> None:
        """Sends it to an install's machine, whose progress it is."""
        sent = partial(self._ledger.sent, install, name.part, name.path)

        async def told(gone: int) -> None:
            await sent(gone, found.size, False)

        await self._send(request, found, told)
        await sent(found.size, found.size, True)


def _plain(request: web.BaseRequest) -> bool:
    """Whether it asks for nothing but the whole, over a connection that is kept."""
    headers = request.headers
    for particular in _PARTICULAR:
        if particular in headers:
            return False
    plain = request.version == (1, 1) and request.keep_alive and not request.body_exists
    return plain and is_host(headers.get(hdrs.HOST, ""))


def _read(found: _Prepared) -> bytes:
    """Raises ConnectionResetError where the file became shorter."""
    body = b"".join(os.pread(found.file.fileno(), length, offset) for offset, length in found.runs)
    if len(body) != found.size:
        raise ConnectionResetError("the file became shorter while it was read")
    return body
