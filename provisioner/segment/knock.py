"""Whether an ssh server greets at an address: an open port alone may be a forwarder of the host's own."""

import asyncio

_SECONDS = 2.0


async def knock(address: str, port: int) -> bool:
    """Connects, reads the first bytes and leaves. Never raises for what is there or not."""
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                return await reader.readexactly(4) == b"SSH-"
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
