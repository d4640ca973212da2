"""A process that writes to a store until it is killed, saying what was acknowledged.

python -m tests.edges.store.writer URL PREFIX COUNT     (0: for ever)
"""

import asyncio
import sys
from datetime import UTC, datetime

from provisioner.core.install import Event, Kind
from provisioner.store.database import Database


async def main(url: str, prefix: str, count: int) -> None:
    store = Database(url)
    await store.open()
    number = 0
    while not count or number < count:
        texts = [f"{prefix}-{number}-{part}" for part in range(3)]
        now = datetime.now(UTC)
        data = {"percent": number % 80}
        await store.record(
            [Event(Kind.PROGRESS, now, "test", install="i1", text=t, data=data) for t in texts]
        )
        sys.stdout.write("".join(f"{text}\n" for text in texts))
        sys.stdout.flush()
        number += 1
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
