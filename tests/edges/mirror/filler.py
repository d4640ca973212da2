"""A process that fills a cache until it is killed: PLACE URL NAME…

It says `ready N` once its cache has started, N being the half files that there are then.
"""

import asyncio
import sys
from pathlib import Path

from provisioner.core.errors import Unavailable
from provisioner.mirror.cache import Cache
from provisioner.mirror.client import session
from provisioner.mirror.objects import Objects
from provisioner.mirror.origins import Origins
from provisioner.mirror.upstream import Upstream


async def fill(place: Path, url: str, names: list[str]) -> None:
    """All of them, eight at a time."""
    few = asyncio.Semaphore(8)
    async with session() as client:
        cache = Cache(Origins(Upstream(client).open), Objects(place))
        await cache.start()
        print("ready", len(list((place / "parts").iterdir())), flush=True)

        async def one(name: str) -> None:
            async with few:
                try:
                    await cache.fill(url, name)
                except Unavailable as error:
                    print(error, flush=True)

        await asyncio.gather(*map(one, names))
        print("all", flush=True)
        await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
