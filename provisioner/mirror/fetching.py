"""Fetches a file into the cache: tries again where an upstream breaks off, and keeps only what is right.

A fetch goes on where it broke off with `If-Range` and a strong tag (RFC 9110, 13.1.5), or where the digest
of the whole is known. An upstream that begins anew all the same is compared, byte for byte, with what is
there: readers have got of it, and two states of a file never become one.
"""

import asyncio
import errno
import hashlib
import logging
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from provisioner.core.digest import Expected
from provisioner.core.errors import Unavailable
from provisioner.core.source import shown
from provisioner.mirror.filling import BLOCK, Fill, Said
from provisioner.mirror.objects import Known, Objects, mark_checked
from provisioner.mirror.patience import Patience, Silent, is_progress
from provisioner.mirror.stream import Stream
from provisioner.mirror.vouching import Doubt

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_log = logging.getLogger("provisioner.mirror")
_T = TypeVar("_T")
_keeping = ThreadPoolExecutor(4, "mirror-keep")
"""A slow disk that is waited for holds up nobody who reads."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Origins(Protocol):
    """Where files come from, the best place first."""

    def open(
        self, source: str, path: str, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Stream]: ...
    def blame(self, url: str, reason: str) -> None:
        """Wrong bytes came from there."""
        ...


class Space(Protocol):
    """The disk that files are kept on. Blocking."""

    def make(self, size: int) -> bool:
        """Whether so many more bytes fit, what is used least being removed for them."""
        ...


class NoRoom(Exception):
    """The disk takes no more: why."""


class _Wrong(Exception):
    """What came is not what it must be: the reason."""


class _Changed(Exception):
    """The upstream began anew with another state of the file."""


class Fetch:
    """One fill's; `digest` as `Objects` means it."""

    def __init__(
        self,
        fill: Fill,
        digest: str,
        origins: Origins,
        objects: Objects,
        space: Space,
        patience: Patience,
        doubt: Doubt,
    ) -> None:
        self._fill = fill
        self._digest = digest
        self._origins = origins
        self._objects = objects
        self._space = space
        self._patience = patience
        self._doubt = doubt
        self._name = shown(f"{fill.source.rstrip('/')}/{fill.path}")
        self._hashes = self._fresh()
        self._url = ""
        """Where the present attempt's bytes come from."""
        self._ranges = True

    async def run(self) -> None:
        """Fills, keeps and ends; whatever happens is told to the fill's readers."""
        fill = self._fill
        try:
            await self._body()
            if fill.answer == "same" and fill.old is not None:
                with suppress(FileNotFoundError):  # it made room for another meanwhile
                    await asyncio.to_thread(mark_checked, fill.old)
                fill.known = fill.old.known
            elif fill.answer == "here":
                fill.known = await self._keep()
        except NoRoom as error:
            fill.overflow(self._tail, str(error))
        except Unavailable as error:
            fill.fail(error)
        except asyncio.CancelledError:
            fill.fail(Unavailable(f"{self._name} is not fetched any more"))
            raise
        except Exception as error:
            _log.exception("%s cannot be fetched", self._name)
            fill.fail(Unavailable(f"{self._name} cannot be fetched: {error}"))
        finally:
            if fill.part is not None and fill.known is None:
                fill.part.drop()
            fill.end()

    async def _body(self) -> None:
        """Until the body is whole and right, the file is as it was, or there is none."""
        fill, tries, again = self._fill, 0, False
        while True:
            before = fill.have
            try:
                await self._attempt()
                return
            except (_Wrong, _Changed) as error:
                if isinstance(error, _Wrong):
                    await self._reproach(error)
                if again or fill.answer is not None:
                    raise Unavailable(f"{self._name} is wrong: {error}") from error
                again = True
                self._anew()
            except Unavailable as error:
                if isinstance(error, Silent):
                    self._origins.blame(self._url, str(error))
                tries = 0 if is_progress(before, fill.have) else tries + 1
                if not fill.said.url or tries >= self._patience.tries:
                    raise
                await self._patience.rest(tries)

    async def _reproach(self, error: _Wrong) -> None:
        fill, url = self._fill, shown(self._url)
        digest = fill.expected.digest if fill.expected else ""
        if await self._doubt(fill.source, fill.path, digest):
            _log.info("%s is of another state of its repository, and not kept: %s", url, error)
            return
        self._origins.blame(self._url, str(error))
        _log.warning("%s is wrong and not kept: %s", url, error)

    async def _attempt(self) -> None:
        fill = self._fill
        async with self._origins.open(fill.source, fill.path, self._headers()) as stream:
            self._url = stream.url
            if stream.status == 304 and fill.old is not None:
                fill.answer = "same"
            elif stream.status == 404 and not fill.said.url:
                fill.answer = "absent"
            else:
                await self._take_all(await self._begin(stream), stream)
        fill.tell(now=True)

    def _headers(self) -> Mapping[str, str]:
        fill = self._fill
        if fill.have:
            strong = fill.said.etag.startswith('"')
            if not self._ranges or (not strong and fill.expected is None):
                return {}
            return {"Range": f"bytes={fill.have}-"} | ({"If-Range": fill.said.etag} if strong else {})
        if fill.old is None or fill.said.url:
            return {}
        known = fill.old.known
        asked = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
        return {name: value for name, value in asked.items() if value}

    async def _begin(self, stream: Stream) -> int:
        """Where in the file its body begins. Raises Unavailable, _Wrong for an impossible length, NoRoom."""
        fill = self._fill
        if fill.have and self._goes_on(stream):
            self._same_size(stream.total)
            return fill.have
        if stream.status != 200:
            self._ranges = False
            raise Unavailable(f"{self._name} answered {stream.status} to a question for the whole")
        self._has_an_end(stream)
        if fill.said.url:
            self._same_size(stream.total)
            return 0
        await self._first(stream)
        return 0

    async def _first(self, stream: Stream) -> None:
        """What there is to say before a byte of it came."""
        fill, headers, expected = self._fill, stream.headers, self._fill.expected
        said = (headers.get(name, "") for name in ("ETag", "Last-Modified", "Content-Type"))
        fill.said = Said(shown(stream.url) or self._name, *said)
        if expected is None and _is_page(fill.path, fill.said.content_type):
            raise _Wrong(
                f"it is a web page ({fill.said.content_type}): a login, or one for what is not there"
            )
        wanted = expected.size if expected else None
        if expected and None not in (wanted, stream.total) and wanted != stream.total:
            raise _Wrong(f"it is {stream.total} bytes long, {expected.by} says {wanted}")
        fill.size = wanted if stream.total is None else stream.total
        await _on_disk(self._open_part)
        if expected is None or fill.size is None or fill.size > BLOCK:
            fill.answer = "here"
            fill.tell(now=True)

    def _open_part(self) -> None:
        """Blocking. Raises NoRoom, OSError."""
        fill = self._fill
        if not self._space.make(fill.size or 0):
            raise NoRoom("its disk is full")
        if fill.part is None:
            fill.part = self._objects.part(fill.source, fill.path, self._digest)

    def _goes_on(self, stream: Stream) -> bool:
        """Whether it is the rest of what is there, from the same state of the file."""
        began, said = self._fill.said.etag, stream.headers.get("ETag", "")
        same = self._fill.expected is not None or said == began
        at = f"bytes {self._fill.have}-"
        return same and stream.status == 206 and stream.headers.get("Content-Range", "").startswith(at)

    def _has_an_end(self, stream: Stream) -> None:
        if self._fill.expected is None:
            ends(stream, self._name)

    def _same_size(self, total: int | None) -> None:
        if total != self._fill.size and None not in (total, self._fill.size):
            raise _Changed("it changed while it was fetched")

    async def _take_all(self, at: int, stream: Stream) -> None:
        fill = self._fill
        async for piece in self._patience.read(stream.pieces, self._name):
            if fill.size is not None and at + len(piece) > fill.size:
                raise _Changed(f"more than {fill.size} bytes came")
            await _on_disk(partial(self._take, piece, at))
            at += len(piece)
            fill.fetched += len(piece)
            first = not fill.have
            fill.have = max(at, fill.have)
            fill.tell(now=first)
        if fill.size is not None and at != fill.size:
            raise Unavailable(f"{self._name} broke off after {at} of {fill.size} bytes")
        if at < fill.have:
            raise _Changed("it changed while it was fetched")
        _check(self._hashes, fill.expected, at)
        fill.size = at
        fill.whole = True
        fill.answer = "here"

    def _take(self, piece: bytes, at: int) -> None:
        """Compares what is there already, writes and hashes the rest. Blocking."""
        fill = self._fill
        part = fill.opened()
        there = max(0, min(len(piece), fill.have - at))
        if there and os.pread(part.file.fileno(), there, at) != piece[:there]:
            raise _Changed("it changed while it was fetched")
        if fresh := piece[there:]:
            try:
                part.put(fresh, at + there)
            except OSError as error:
                if error.errno not in _FULL or not self._space.make(len(fresh)):
                    raise
                part.put(fresh, at + there)
            for found in self._hashes.values():
                found.update(fresh)

    def _anew(self) -> None:
        self._fill.have = 0
        self._fill.said = Said("", "", "", "")
        self._hashes = self._fresh()

    def _fresh(self) -> dict[str, "Hash"]:
        names = {"sha256", *([self._fill.expected.algorithm] if self._fill.expected else [])}
        return {name: hashlib.new(name, usedforsecurity=False) for name in names}

    async def _keep(self) -> Known:
        fill, said, expected = self._fill, self._fill.said, self._fill.expected
        known = Known(
            shown(fill.source),
            fill.path,
            fill.have,
            self._hashes["sha256"].hexdigest(),
            said.url,
            said.etag,
            said.modified,
            said.content_type,
            expected.by if expected else "",
            expected.signed if expected else "",
        )
        await _on_disk(partial(fill.opened().keep, known), _keeping)
        return known

    async def _tail(self, at: int) -> AsyncGenerator[bytes, None]:
        """What does not fit on the disk, from byte `at` on: not kept, and verified all the same."""
        fill, have = self._fill, self._fill.have
        hashes = {name: found.copy() for name, found in self._hashes.items()}
        asked = self._headers() if have else {}
        async with self._origins.open(fill.source, fill.path, asked) as stream:
            if not (self._goes_on(stream) if have else stream.status == 200):
                raise Unavailable(f"{self._name} cannot be kept, and its upstream gives no part of it")
            self._has_an_end(stream)
            held = b""
            async for piece in self._patience.read(stream.pieces, self._name):
                for found in hashes.values():
                    await asyncio.to_thread(found.update, piece)
                have += len(piece)
                ready = held + piece
                keep = BLOCK if fill.expected else 0
                ready, held = ready[: len(ready) - keep], ready[max(0, len(ready) - keep) :]
                if begun := ready[max(0, at - (have - len(held) - len(ready))) :]:
                    yield begun
            try:
                _check(hashes, fill.expected, have)
            except _Wrong as error:
                self._origins.blame(stream.url, str(error))
                raise Unavailable(f"{self._name} is wrong: {error}") from error
            if held:
                yield held[max(0, at - (have - len(held))) :]


def _is_page(path: str, said: str) -> bool:
    """Whether a server shows a page in place of a file."""
    return said.startswith("text/html") and not path.lower().endswith(("/", ".html", ".htm"))


def ends(stream: Stream, name: str) -> None:
    """Raises Unavailable where half of a body could not be told from the whole."""
    if not stream.framed:
        raise Unavailable(
            f"{name} comes without its length: half of it could not be told from the whole",
            remedy="read the tree from a server that sends Content-Length",
        )


def _check(hashes: Mapping[str, "Hash"], expected: Expected | None, size: int) -> None:
    """Raises _Wrong for what is not as it must be."""
    if expected is None:
        return
    if expected.size not in (None, size):
        raise _Wrong(f"it is {size} bytes long, {expected.by} says {expected.size}")
    found = hashes[expected.algorithm].hexdigest()
    if found != expected.digest:
        raise _Wrong(f"its {expected.algorithm} is {found}, {expected.by} says {expected.digest}")


async def _on_disk(do: Callable[[], _T], threads: Executor | None = None) -> _T:
    """In a thread, which is waited for whatever happens: its file must stay open. Raises NoRoom."""
    doing = asyncio.get_running_loop().run_in_executor(threads, do)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait((doing,))
        doing.exception()
        raise
    except OSError as error:
        raise NoRoom(error.strerror or str(error)) from error
