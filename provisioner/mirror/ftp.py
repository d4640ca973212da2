"""Files of a tree on an FTP server: one connection for each file, from any byte on.

Passive connections only, to the address that was asked for and no other that a server may name.
"""

import asyncio
import socket
import time
from calendar import timegm
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import unquote, urlsplit

from aioftp import AIOFTPException, Client, StatusCodeError

from provisioner.core.errors import Unavailable
from provisioner.core.source import shown
from provisioner.mirror.stream import PIECE, File, Headers, Pieces, Stream, absent, answer

CONNECT_SECONDS = 10
SILENT_SECONDS = 60
ASKED_SECONDS = 9
"""The login is answered within so long, and what is asked of a file."""
BUSY_SECONDS = 30
_TOO_MANY = "421"
_ABSENT = "550"
"""Servers say so of a file that is not there, of a folder, and of what they do not let anybody read."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file is; `path` is below the login's own folder unless it begins with a slash."""

    host: str
    port: int
    user: str
    password: str
    path: str
    url: str


@asynccontextmanager
async def open_file(source: str, path: str, asked: Headers) -> AsyncIterator[Stream]:
    """As `stream.Open`. The size is asked for; the transfer begins when the body is read."""
    place = _place(source, path)
    if any(character in place.path for character in "\r\n\0"):
        yield absent()
        return
    client = await _logged_in(place)
    try:
        yield await _described(client, place, asked)
    finally:
        client.close()


def _place(source: str, path: str) -> _Place:
    parts = urlsplit(source)
    below = unquote(parts.path)[1:].rstrip("/")
    return _Place(
        parts.hostname or "",
        parts.port or 21,
        unquote(parts.username or "anonymous"),
        unquote(parts.password or ("anonymous@" if not parts.username else "")),
        f"{below}/{path}" if below else path,
        shown(f"{source}/{path}"),
    )


async def _logged_in(place: _Place) -> Client:
    """A server that has too many at the moment is asked again, for many guests may be reading."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        client = Client(socket_timeout=SILENT_SECONDS, connection_timeout=CONNECT_SECONDS)
        try:
            async with asyncio.timeout(ASKED_SECONDS):
                await client.connect(place.host, place.port)
                await client.login(place.user, place.password)
                await client.command("TYPE I", "200")
            return client
        except (AIOFTPException, OSError, EOFError, ValueError) as error:
            client.close()
            if not _busy(error) or time.monotonic() > end:
                raise _refused(place, error) from error
        except BaseException:
            client.close()
            raise
        await asyncio.sleep(1)


def _busy(error: Exception) -> bool:
    return isinstance(error, StatusCodeError) and error.received_codes[-1].matches(_TOO_MANY)


def _refused(place: _Place, error: Exception) -> Unavailable:
    if isinstance(error, StatusCodeError):
        if error.received_codes[-1].matches("530"):
            return Unavailable(
                f"{place.url}: the server refuses the login of {place.user}: {_said(error)}",
                remedy="write user and password into the source: ftp://user:password@host/path",
            )
        return Unavailable(f"{place.url} cannot be read: the server says: {_said(error)}")
    return Unavailable(
        f"{place.url} cannot be read: {_reason(error)}",
        remedy="look whether the server answers from this host",
    )


async def _described(client: Client, place: _Place, asked: Headers) -> Stream:
    try:
        async with asyncio.timeout(ASKED_SECONDS):
            size = int(await _told(client, f"SIZE {place.path}") or -1)
            modified = _seconds(await _told(client, f"MDTM {place.path}"))
    except StatusCodeError as refusal:
        if refusal.received_codes[-1].matches(_ABSENT):
            return absent()
        raise Unavailable(f"{place.url} cannot be read: the server says: {_said(refusal)}") from refusal
    except (AIOFTPException, OSError, EOFError, ValueError) as error:
        raise Unavailable(f"{place.url} cannot be read: {_reason(error)}") from error
    tag = f"{int(modified):x}-{size:x}" if modified is not None and size >= 0 else ""
    known = None if size < 0 else size
    return answer(File(partial(_read, client, place), known, modified, tag), asked)


async def _told(client: Client, command: str) -> str:
    """What a server says of a file, "" where it does not know the question. Raises StatusCodeError."""
    code, lines = await client.command(command, ("213", "50x"))
    return lines[-1].strip() if code.matches("213") else ""


def _seconds(stamp: str) -> float | None:
    """`20181125162100` as seconds since 1970."""
    with suppress(ValueError):
        return timegm(datetime.strptime(stamp[:14], "%Y%m%d%H%M%S").timetuple())
    return None


async def _read(client: Client, place: _Place, first: int, length: int | None) -> Pieces:
    got = 0
    try:
        stream = await client.get_stream(f"RETR {place.path}", "1xx", offset=first)
        try:
            while length is None or got < length:
                piece = await stream.read(PIECE if length is None else min(PIECE, length - got))
                if not piece:
                    break
                got += len(piece)
                yield piece
            if length is None:
                await stream.finish()
        finally:
            stream.close()
    except TimeoutError as error:
        raise Unavailable(
            f"{place.url} broke off after {got} bytes: nothing came for {SILENT_SECONDS} s"
        ) from error
    except (AIOFTPException, OSError, EOFError, ValueError) as error:
        reason = f"the server says: {_said(error)}" if isinstance(error, StatusCodeError) else _reason(error)
        raise Unavailable(f"{place.url} broke off after {got} bytes: {reason}") from error
    if length is not None and got < length:
        raise Unavailable(f"{place.url} broke off after {got} of {length} bytes")


def _said(refusal: StatusCodeError) -> str:
    """The server's own last line."""
    lines = [refusal.info] if isinstance(refusal.info, str) else refusal.info
    return lines[-1].strip(" -") or f"code {refusal.received_codes[-1]}"


def _reason(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "there is no such host"
        case ConnectionRefusedError():
            return "the connection is refused"
        case TimeoutError():
            return f"no answer within {min(ASKED_SECONDS, SILENT_SECONDS)} s of asking"
        case ConnectionError() | EOFError():
            return "the server closed the connection"
        case OSError(strerror=str(text)):
            return text
        case _:
            return str(error) or type(error).__name__
