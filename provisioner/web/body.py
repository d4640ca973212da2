"""Reads a request's body within limits of size and time, and as JSON; every fault is one sentence."""

import asyncio
import json
from typing import Any

from aiohttp import web

from provisioner.web.errors import Malformed, Unsupported

JSON_BYTES = 1024 * 1024
BODY_SECONDS = 30.0


async def read(request: web.Request, limit: int) -> bytes:
    """The whole body. Raises HTTPRequestEntityTooLarge beyond `limit` and TimeoutError for a slow one."""
    if request.content_length is not None and request.content_length > limit:
        raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=request.content_length)
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > limit:
                raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=len(body))
    return bytes(body)


async def read_end(request: web.Request, limit: int, most: int) -> bytes:
    """The last `most` bytes of a body of at most `limit`. Raises as `read` does."""
    if request.content_length is not None and request.content_length > limit:
        raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=request.content_length)
    end, came = bytearray(), 0
    async with asyncio.timeout(BODY_SECONDS):
        async for piece in request.content.iter_any():
            came += len(piece)
            if came > limit:
                raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=came)
            end += piece
            del end[:-most]
    return bytes(end)


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object, empty for no body. Raises Malformed and Unsupported."""
    raw = await read(request, JSON_BYTES)
    if not raw.strip():
        return {}
    if request.content_type != "application/json":
        raise Unsupported(
            f"the body is of type {request.content_type}; this takes JSON",
            remedy="send the header Content-Type: application/json",
        )
    try:
        found = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise Malformed(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is not usable JSON: {error}") from None
    if not isinstance(found, dict):
        raise Malformed('the body must be a JSON object, like {"name": "web1"}')
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
