"""Connections that fetch one URL again and again: `python -m tests.bench.http_load URL CONNECTIONS SECONDS`.

Prints how many answers were whole and how many bytes they had, as JSON.
"""

import asyncio
import json
import sys
import time

import aiohttp


async def load(url: str, connections: int, seconds: float) -> dict[str, int]:
    end, whole, size = time.monotonic() + seconds, 0, 0

    async def fetch(session: aiohttp.ClientSession) -> None:
        nonlocal whole, size
        while time.monotonic() < end:
            async with session.get(url) as answer:
                answer.raise_for_status()
                size += len(await answer.read())
                whole += 1

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(fetch(session) for _ in range(connections)))
    return {"answers": whole, "bytes": size}


if __name__ == "__main__":
    asked, many, lasting = sys.argv[1:]
    print(json.dumps(asyncio.run(load(asked, int(many), float(lasting)))))
