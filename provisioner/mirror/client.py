"""The one HTTP client that upstreams are read with, and what it may follow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout
from yarl import URL

from provisioner.core.errors import Unavailable
from provisioner.mirror.stream import PIECE, Pieces

REDIRECTS = 5
ABSENT = (403, 404, 410)
"""Servers answer 403 for folders and dot files, whether they have them or not."""
_TIMEOUT = ClientTimeout(total=None, sock_connect=10, sock_read=60)
_MOVED = frozenset({301, 302, 303, 307, 308})
_SAFE = "/~+:@!$&'()*,;="


class Erred(Unavailable):
    """The server answers, but not with the file."""


def session() -> ClientSession:
    """A client that hands out bodies as they were sent: a `.gz` of a mirror must stay packed."""
    return ClientSession(timeout=_TIMEOUT, auto_decompress=False, headers={"Accept-Encoding": "identity"})


def address(source: str, path: str) -> URL:
    """The URL of a path below a tree's root."""
    return URL(f"{source.rstrip('/')}/{quote(path, safe=_SAFE)}", encoded=True)


@asynccontextmanager
async def fetch(
    client: ClientSession, url: URL, *, method: str = "GET", headers: dict[str, str] | None = None
) -> AsyncIterator[ClientResponse]:
    """The response to one request, redirects followed by our rules. Raises Unavailable naming the URL."""
    async with await _answered(client, url, method, headers or {}) as response:
        yield response


async def _answered(client: ClientSession, url: URL, method: str, headers: dict[str, str]) -> ClientResponse:
    asked = url
    try:
        for _ in range(REDIRECTS + 1):
            response = await client.request(method, url, headers=headers, allow_redirects=False)
            location = response.headers.get("Location", "")
            if response.status not in _MOVED or not location:
                return response
            response.close()
            url = redirect(url, location)
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise Unavailable(
            f"{asked} cannot be read: {reason}", remedy="look whether the server answers from this host"
        ) from error
    raise Erred(f"{asked} redirects more than {REDIRECTS} times")


async def pieces(response: ClientResponse) -> Pieces:
    """The body. Raises Unavailable naming the URL where it breaks off."""
    try:
        async for piece in response.content.iter_chunked(PIECE):
            yield piece
    except (ClientError, TimeoutError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise Unavailable(f"{response.url} broke off: {reason}") from error


def redirect(url: URL, location: str) -> URL:
    """Where a redirect leads. Raises Unavailable for a place that an upstream has no business to name."""
    target = url.join(URL(location))
    if target.scheme not in ("http", "https") or (url.scheme == "https" and target.scheme == "http"):
        raise Erred(f"{url} redirects to {target.scheme}, which is not followed")
    if target.host != url.host and _inward(target.host or ""):
        raise Erred(f"{url} redirects to {target.host}, an address of this host, which is not followed")
    return target


def _inward(host: str) -> bool:
    """Whether an address is this host's own, or one that only neighbours have (cloud metadata)."""
    try:
        number = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return number.is_loopback or number.is_link_local or number.is_unspecified
