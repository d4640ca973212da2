"""Many that fetch once, each from an address of its own: a JSON list of URLs on standard input.

Prints how long it took to get ready, and milliseconds and failures of the fetches, as JSON.
"""

import asyncio
import json
import sys
import time

import aiohttp

BEGUN = time.monotonic()
SPREAD = 4.0
"""Seconds in which they come, one after another: what was started at one time boots in its own time."""


async def fetch(number: int, url: str, after: float) -> float | None:
    """Milliseconds until it was whole, None where it failed."""
    await asyncio.sleep(after)
    here = (f"127.0.{1 + number // 250}.{1 + number % 250}", 0)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=here)) as session:
        begun = time.monotonic()
        try:
            async with session.get(url) as answer:
                whole = answer.status == 200 and (await answer.read()).rstrip().endswith(b"%end")
        except aiohttp.ClientError:
            return None
    return (time.monotonic() - begun) * 1000 if whole else None


async def load(urls: list[str]) -> dict[str, float]:
    start = time.monotonic() - BEGUN
    took = await asyncio.gather(*(fetch(n, url, n * SPREAD / len(urls)) for n, url in enumerate(urls)))
    good = sorted(each for each in took if each is not None)
    at = [good[min(len(good) - 1, int(len(good) * share))] for share in (0.5, 0.99, 1)] if good else [0, 0, 0]
    return {"start": start, "failed": len(urls) - len(good), "p50": at[0], "p99": at[1], "most": at[2]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(json.load(sys.stdin)))))
