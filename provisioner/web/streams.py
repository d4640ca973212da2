"""Bodies too large for memory: taken in and given out piece by piece, at the pace of the slower side."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from provisioner.core.errors import Invalid
from provisioner.web.errors import Unsupported

IDLE_SECONDS = 60.0
_PIECE = 512 * 1024


def announced(request: web.Request) -> int:
    """The size of the body. Raises Invalid where it is not said, Unsupported for a packed body."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unsupported("a body that is compressed on its way is not taken", remedy="send it as it is")
    if request.content_length is None:
        raise Invalid("the size of the body is not said", remedy="send the header Content-Length")
    return request.content_length


async def pieces(request: web.Request) -> AsyncIterator[bytes]:
    """The body, in pieces of half a mebibyte. Raises TimeoutError for a sender that falls silent."""
    held = bytearray()
    while True:
        async with asyncio.timeout(IDLE_SECONDS):
            piece = await request.content.readany()
        held += piece
        while len(held) >= _PIECE:
            yield bytes(memoryview(held)[:_PIECE])
            del held[:_PIECE]
        if not piece:
            if held:
                yield bytes(held)
            return


async def send(
    request: web.Request, size: int, content: AsyncIterator[bytes], name: str
) -> web.StreamResponse:
    """Gives `size` bytes out; one that ends early is broken off, so that it never looks complete."""
    safe = "".join(letter for letter in name if letter.isascii() and (letter.isalnum() or letter in ".-_"))
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "Content-Disposition": f'attachment; filename="{safe}"',
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    sent = 0
    try:
        async for piece in content:
            await response.write(piece)
            sent += len(piece)
    except ConnectionError:
        raise
    except Exception as error:
        raise ConnectionResetError(f"{name} broke off after {sent} bytes: {error}") from error
    if sent != size:
        raise ConnectionResetError(f"{name} gave {sent} bytes of {size}")
    await response.write_eof()
    return response
