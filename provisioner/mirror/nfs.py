"""Files of a tree on an NFS server, read in user space by libnfs: no mount, no root, version 4 or 3.

`nfs-ls` tells what is there and how long it is, `nfs-cat` gives it. It always begins at the first byte, so a
part is what is left of the whole when its beginning is thrown away.
"""

import asyncio
import os
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

from provisioner.core.errors import Unavailable
from provisioner.mirror.stream import PIECE, File, Headers, Pieces, Stream, absent, answer

CONNECT_SECONDS = 10
SILENT_SECONDS = 60
FRESH_SECONDS = 120
"""A folder's listing is believed so long: an installer asks for hundreds of packages of one folder."""
MISSED_SECONDS = 5
"""The same, where what is asked for is not in it, and of a server that does not answer."""
_REMEMBERED = 64
_PORT = 2049
_GONE = ("ERR_NOENT", "ERR_NOTDIR", "ERR_ISDIR", "MNT3ERR_")
"""How libnfs says that a folder below an export that answers is not one."""


@dataclass(frozen=True, slots=True)
class _Export:
    """A tree's root on its server. `port` is None where the server's own port mapper is to tell."""

    host: str
    port: int | None
    path: str
    versions: tuple[int, ...]

    def url(self, below: str, version: int) -> str:
        """As libnfs reads it: nothing in it is percent-encoded."""
        port = f"&nfsport={self.port}" if self.port else ""
        return f"nfs://{self.host}{self.path}{f'/{below}' if below else ''}?version={version}{port}"

    def shown(self, below: str) -> str:
        port = f":{self.port}" if self.port else ""
        return f"nfs://{self.host}{port}{self.path}{f'/{below}' if below else ''}"


class _Refused(Exception):
    """libnfs's own last words."""


class Nfs:
    """Remembers which version each server spoke, and its folders for two minutes."""

    def __init__(self) -> None:
        self._version: dict[str, int] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._away: dict[str, tuple[float, Unavailable]] = {}
        self._folders: dict[tuple[str, str], tuple[float, Mapping[str, int | None]]] = {}

    @asynccontextmanager
    async def open(self, source: str, path: str, asked: Headers) -> AsyncIterator[Stream]:
        """As `stream.Open`."""
        if any(character in path for character in "?\r\n\0"):
            yield absent()  # libnfs has no way to write such a name
            return
        export = _export(source)
        folder, _, name = path.strip("/").rpartition("/")
        # Guests that ask at once wait for one answer, and for one refusal.
        async with self._asking.setdefault(source, asyncio.Lock()):
            when, refusal = self._away.get(source, (0.0, None))
            if refusal is not None and time.monotonic() - when < MISSED_SECONDS:
                raise Unavailable(str(refusal), remedy=refusal.remedy)
            try:
                await self._folder(source, export, "")
                names = await self._folder(source, export, folder, name)
            except Unavailable as error:
                self._away[source] = (time.monotonic(), error)
                raise
        if name not in names:
            yield absent()
            return
        url = export.url(path.strip("/"), self._version[source])
        yield answer(File(partial(_read, url, export.shown(path)), names[name]), asked)

    async def _folder(
        self, source: str, export: _Export, below: str, name: str = ""
    ) -> Mapping[str, int | None]:
        """Names of its files and links with their sizes, None for a link. Raises Unavailable."""
        known = self._folders.get((source, below))
        if known is not None:
            fresh = FRESH_SECONDS if not name or name in known[1] else MISSED_SECONDS
            if time.monotonic() - known[0] < fresh:
                return known[1]
        names = await (self._inner(source, export, below) if below else self._root(source, export))
        self._folders.pop((source, below), None)
        self._folders[source, below] = (time.monotonic(), names)
        if len(self._folders) > _REMEMBERED:
            del self._folders[next(iter(self._folders))]
        return names

    async def _root(self, source: str, export: _Export) -> Mapping[str, int | None]:
        """Finds out which version the server speaks, where that is not known yet."""
        await _reach(export)
        known = self._version.get(source)
        refusals = []
        for version in (known,) if known else export.versions:
            try:
                names = await _list(export.url("", version))
            except _Refused as refusal:
                refusals.append(f"version {version}: {refusal}")
                self._version.pop(source, None)
            else:
                self._version[source] = version
                return names
        raise Unavailable(
            f"{export.shown('')} cannot be read: the server does not export it to us ({'; '.join(refusals)})",
            remedy=f"showmount -e {export.host}   lists what it exports, and to whom",
        )

    async def _inner(self, source: str, export: _Export, below: str) -> Mapping[str, int | None]:
        try:
            return await _list(export.url(below, self._version[source]))
        except _Refused as refusal:
            if any(word in str(refusal) for word in _GONE):
                return {}
            raise Unavailable(f"{export.shown(below)} cannot be read: {refusal}") from refusal


def _export(source: str) -> _Export:
    parts = urlsplit(source)
    asked = parse_qs(parts.query).get("version")
    # Without its port mapper version 3 cannot be spoken, and a port that is given stands beside none.
    versions = (int(asked[0]),) if asked else (4,) if parts.port else (4, 3)
    return _Export(parts.hostname or "", parts.port, unquote(parts.path).rstrip("/"), versions)


async def _reach(export: _Export) -> None:
    """Raises Unavailable where nobody answers: libnfs would not say why, and not soon."""
    port = export.port or _PORT
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(export.host, port), CONNECT_SECONDS)
    except socket.gaierror as error:
        raise Unavailable(f"{export.shown('')} cannot be read: there is no such host") from error
    except (OSError, TimeoutError) as error:
        reason = error.strerror if isinstance(error, ConnectionError) and error.strerror else "no answer"
        if isinstance(error, ConnectionRefusedError):
            reason = "the connection is refused"
        raise Unavailable(
            f"{export.shown('')} cannot be read: {reason} (port {port})",
            remedy="look whether the NFS server answers from this host",
        ) from error
    writer.close()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(
            f"the program {name} is not installed; trees on NFS are read with it",
            remedy="apt-get install libnfs-utils   (Fedora: dnf install libnfs-utils)",
        )
    return found


async def _child(program: str, url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        _program(program),
        url,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C"},
    )


async def _end(child: asyncio.subprocess.Process) -> None:
    # Not by the child's own kill(), which may take its end away from the loop that waits for it.
    with suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGKILL)
    # What is left in its pipes has to be drained, or the wait may never end.
    await child.communicate()


async def _list(url: str) -> Mapping[str, int | None]:
    child = await _child("nfs-ls", url)
    try:
        out, err = await asyncio.wait_for(child.communicate(), SILENT_SECONDS)
    except TimeoutError:
        raise _Refused(f"no answer within {SILENT_SECONDS} s") from None
    finally:
        if child.returncode is None:
            await _end(child)
    if child.returncode:
        raise _Refused(_last(err or out))  # what it says of a file that is no folder goes to stdout
    return dict(_entries(out.decode(errors="surrogateescape")))


def _entries(listing: str) -> list[tuple[str, int | None]]:
    r"""Of `-rw-r--r--  1     0     0           10 .treeinfo`: the name and the size."""
    found = []
    for line in listing.splitlines():
        words = line.split(maxsplit=4)
        if len(words) == 5 and line[0] in "-l":
            size, _, name = words[4].partition(" ")
            found.append((name, int(size) if line[0] == "-" else None))
    return found


def _last(err: bytes) -> str:
    """The line of an error that tells the reason, not the one that repeats the URL."""
    lines = [line.strip() for line in err.decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("Failed to open nfs://")]
    return (telling or lines or ["it said nothing"])[-1].removeprefix("Failed to mount nfs share : ")


async def _read(url: str, name: str, first: int, length: int | None) -> Pieces:
    child = await _child("nfs-cat", url)
    body = cast(asyncio.StreamReader, child.stdout)
    at, sent = 0, 0
    try:
        while length is None or sent < length:
            piece = await asyncio.wait_for(body.read(PIECE), SILENT_SECONDS)
            if not piece:
                break
            wanted = piece[max(0, first - at) :]
            at += len(piece)
            if wanted:
                wanted = wanted if length is None else wanted[: length - sent]
                sent += len(wanted)
                yield wanted
        if length is None or sent < length:
            _, err = await asyncio.wait_for(child.communicate(), SILENT_SECONDS)
            if child.returncode or length is not None:
                raise Unavailable(f"{name} broke off after {at} bytes: {_last(err)}")
    except TimeoutError:
        raise Unavailable(f"{name} broke off after {at} bytes: nothing came for {SILENT_SECONDS} s") from None
    finally:
        if child.returncode is None:
            await _end(child)
