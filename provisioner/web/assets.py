"""`/static/…`: our style sheets, scripts and icon, read once and packed once for all browsers."""

import asyncio
import zlib
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from aiohttp.web import ContentCoding

from provisioner import resources
from provisioner.web.files import locate
from provisioner.web.operation import unchanged
from provisioner.web.routes import Route

_SMALLEST = 1024
"""Bytes; what is smaller gains nothing."""
_PACKED = ("text/", "application/json", "application/javascript", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of ours as it is sent. `packed` is its body in zlib's form."""

    kind: str
    body: bytes
    packed: bytes
    etag: str


async def static(request: web.Request) -> web.StreamResponse:
    """A file of ours; nothing of it where the browser has it already."""
    found = await asyncio.to_thread(_find, request.match_info["path"])
    if found is None:
        raise web.HTTPNotFound
    headers = {
        hdrs.ETAG: f'"{found.etag}"',
        hdrs.CACHE_CONTROL: "no-cache",
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        hdrs.CONTENT_TYPE: found.kind,
    }
    if unchanged(request, found.etag):
        return web.Response(status=304, headers=headers)
    if takes_packed(request):
        return web.Response(body=found.packed, headers=headers | {hdrs.CONTENT_ENCODING: "deflate"})
    return web.Response(body=found.body, headers=headers)


def takes_packed(request: web.BaseRequest) -> bool:
    return "deflate" in request.headers.get(hdrs.ACCEPT_ENCODING, "")


@web.middleware
async def packed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Pages and JSON go packed to whoever takes that; streams and what is packed already go as they are."""
    response = await handler(request)
    if (
        isinstance(response, web.Response)
        and not response.prepared
        and isinstance(response.body, bytes)
        and len(response.body) >= _SMALLEST
        and response.content_type.startswith(_PACKED)
        and hdrs.CONTENT_ENCODING not in response.headers
        and takes_packed(request)
    ):
        response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        response.enable_compression(ContentCoding.deflate)
    return response


def _find(path: str) -> Asset | None:
    found = locate(resources.root() / "templates" / "web" / "static", path)
    return None if found is None else _read(found, found.stat().st_mtime_ns)


@lru_cache(256)
def _read(path: Path, _changed: int) -> Asset:
    body = path.read_bytes()
    kind = guess_type(path.name)[0] or "application/octet-stream"
    return Asset(kind, body, zlib.compress(body, 9), sha256(body).hexdigest()[:20])


ROUTES = (Route("GET", "/static/{path:.+}", static, "public"),)
