"""The one HTTP client that upstreams are read with, and what it may follow."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    ServerDisconnectedError,
    TCPConnector,
)
from yarl import URL

from provisioner.core.errors import Unavailable
from provisioner.core.source import shown
from provisioner.mirror.proxies import proxy
from provisioner.mirror.stream import Pieces
from provisioner.mirror.trust import Erred, Trust, check_spelling, public

REDIRECTS = 5
Known = Callable[[URL], bool]
ABSENT = (403, 404, 410)
"""Servers answer 403 for folders and dot files, whether they have them or not."""
CONNECT_SECONDS = 10
SILENT_SECONDS = 60
_BUFFER = 1024 * 1024
"""Bytes of a body that may wait here; more at once costs fewer turns."""
_TIMEOUT = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS)
_MOVED = frozenset({301, 302, 303, 307, 308})
_SAFE = "/~+:@!$&'()*,;="
_TRIED = 4
"""So many addresses of one host at most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response and where it came from, by name."""

    response: ClientResponse
    url: URL


def session(connector: TCPConnector | None = None) -> ClientSession:
    """A client that hands out bodies as they were sent: a `.gz` of a mirror must stay packed."""
    return ClientSession(
        connector=connector,
        timeout=_TIMEOUT,
        read_bufsize=_BUFFER,
        auto_decompress=False,
        cookie_jar=DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
    )


def address(source: str, path: str) -> URL:
    """The URL of a path below a tree's root."""
    return URL(f"{source.rstrip('/')}/{quote(path, safe=_SAFE)}", encoded=True)


@asynccontextmanager
async def fetch(
    client: ClientSession,
    url: URL,
    *,
    source: str = "",
    trust: Trust | None = None,
    headers: dict[str, str] | None = None,
) -> AsyncIterator[Answer]:
    """The answer to one request, redirects followed by our rules. Raises Unavailable naming the URL.

    `source` is the upstream that the URL belongs to, "" for the URL's own host.
    """
    answer = await _answered(client, url, source or str(url), trust or Trust(), headers or {})
    async with answer.response:
        yield answer


async def _answered(
    client: ClientSession, asked: URL, source: str, trust: Trust, headers: dict[str, str]
) -> Answer:
    url, seen = asked, {asked}
    for _ in range(REDIRECTS + 1):
        try:
            response = await _request(client, url, headers, named=trust.may_ask(source, url))
        except Erred as error:
            raise Erred(f"{asked} redirects to a place that is not asked: {error}") from error
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            raise _failed(asked, error) from error
        location = response.headers.get("Location", "")
        if response.status not in _MOVED or not location:
            return Answer(response, url)
        response.close()
        before, url = url, redirect(url, location, known=lambda target: trust.may_ask(source, target))
        if url in seen:
            raise Erred(f"{asked} redirects in a circle: {before} leads back to {url}")
        seen.add(url)
    raise Erred(f"{asked} redirects more than {REDIRECTS} times")


async def _request(
    client: ClientSession, url: URL, headers: dict[str, str], *, named: bool
) -> ClientResponse:
    """`named`: an operator named this host. Raises ClientError, OSError, and Erred for a place within."""
    through = proxy(url)
    if through is not None:
        # The proxy sees the request itself, or of HTTPS only the question for a tunnel.
        login, tunnel = (through.headers, None) if url.scheme == "http" else ({}, dict(through.headers))
        return await client.get(
            url, headers=headers | login, allow_redirects=False, proxy=through.url, proxy_headers=tunnel
        )
    if named:
        return await client.get(url, headers=headers, allow_redirects=False)
    host, port = url.host or "", url.port or 0
    name = url.raw_host if url.scheme == "https" else None
    addresses = (await public(host, port))[:_TRIED]
    for number, found in enumerate(addresses, 1):
        try:
            return await client.get(
                url.with_host(found),
                headers=headers | {"Host": url.raw_authority.rpartition("@")[2]},
                allow_redirects=False,
                server_hostname=name,
            )
        except ClientConnectorError:
            if number == len(addresses):
                raise
    raise OSError("it has no address")


async def pieces(answer: Answer) -> Pieces:
    """The body. Raises Unavailable naming the URL where it breaks off."""
    try:
        async for piece in answer.response.content.iter_chunked(_BUFFER):
            yield piece
    except (ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"{answer.url} broke off: {_reason(error)}") from error


def redirect(url: URL, location: str, *, known: Known | None = None) -> URL:
    """Where a redirect leads. Raises Erred for a place that an upstream has no business to name.

    `known` tells of a URL whether an operator named its host.
    """
    try:
        target = url.join(URL(location))
        port = target.port
    except ValueError as error:
        raise Erred(f"{url} redirects to what is no address: {location[:200]!r}") from error
    if target.scheme not in ("http", "https") or (url.scheme == "https" and target.scheme == "http"):
        raise Erred(f"{url} redirects to {target.scheme}, which is not followed")
    if target.user is not None or target.password is not None:
        raise Erred(f"{url} redirects to {shown(str(target))}, with a login in it, which is not followed")
    if not target.host or not port:
        raise Erred(f"{url} redirects to what is no address: {location[:200]!r}")
    if (target.host, port) == (url.host, url.port) or (known and known(target)):
        return target.with_fragment(None)
    if what := check_spelling(target.host):
        raise Erred(
            f"{url} redirects to {target.host}, {what}, which is not followed",
            remedy="where that place is right, add it as the tree's source, or by --mirror",
        )
    return target.with_fragment(None)


def _failed(asked: URL, error: Exception) -> Unavailable:
    if isinstance(error, ClientResponseError | ClientPayloadError | InvalidURL):
        return Erred(f"{asked} is not answered in HTTP: {_reason(error)}")
    return Unavailable(
        f"{asked} cannot be read: {_reason(error)}", remedy="look whether the server answers from this host"
    )


def _reason(error: Exception) -> str:
    inner = error.os_error if isinstance(error, ClientConnectorError) else error
    match inner:
        case ClientConnectorCertificateError():
            return f"its certificate is refused: {inner.certificate_error}"
        case socket.gaierror():
            return "there is no such host"
        case ConnectionRefusedError():
            return "the connection is refused"
        case TimeoutError():
            return f"no answer within {CONNECT_SECONDS} s of connecting, or nothing for {SILENT_SECONDS} s"
        case ServerDisconnectedError() | ConnectionResetError() | asyncio.IncompleteReadError():
            return "the server closed the connection"
        case ClientResponseError():
            return inner.message.strip().partition("\n")[0].rstrip(":")
        case OSError(strerror=str(text)) if not isinstance(inner, ClientError):
            return text
        case _:
            return str(error) or type(error).__name__
