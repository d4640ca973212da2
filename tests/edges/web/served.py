"""A world in a process of its own, so that it can be killed.

`python -m tests.edges.web.served FOLDER PORT GUESTS` says `ready` and its port when it listens. Each line of
its standard input is a burst: events a second, and for how many seconds. Each is answered, once it is over,
by the last event's id and the process's peak of memory in KiB.
"""

import asyncio
import itertools
import random
import resource
import sys
import time
from pathlib import Path

import aiohttp

from provisioner.core.install import Event, Kind
from tests.edges.web.crowd import appear, guests
from tests.edges.web.world import TOKEN, World, now


async def serve(folder: Path, port: int, count: int) -> None:
    """In FOLDER is a database `web.db` of the present form; guests are added to an empty one."""
    world = World(folder, folder / "web.db")
    world.people_port = port
    async with world:
        if await world.store.installs(limit=1):
            await appear(world)
        else:
            await guests(world, count)
        _say("ready", world.people_port)
        while line := await asyncio.to_thread(sys.stdin.readline):
            rate, seconds = line.split()
            await _burst(world, int(rate), float(seconds))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            _say("over", await world.store.last_event_id(), peak)


async def _burst(world: World, rate: int, seconds: float) -> None:
    """Every event moves an install on by one percent; of those that run the first tenth by name stays."""
    running = [install for install in await world.store.installs(limit=10_000) if not install.over]
    running.sort(key=lambda install: install.guest)
    del running[: len(running) // 10]
    random.shuffle(running)
    begun = time.monotonic()
    for number, install in enumerate(itertools.islice(itertools.cycle(running), int(rate * seconds))):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        percent = 21 + number // len(running)
        event = Event(Kind.TREE_BYTES, now(), "test", install=install.id, data={"percent": percent})
        await world.store.record([event])


def _say(*words: object) -> None:
    print(*words, flush=True)


class Served:
    """Such a process, as a test holds it."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count, self.port = folder, count, 0

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """At the port that it had before."""
        words = (str(self._folder), str(self.port), str(self._count))
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.edges.web.served", *words, stdin=pipe, stdout=pipe
        )
        self.port = int((await self._line())[1])

    async def burst(self, rate: int, seconds: float) -> tuple[int, int]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{rate} {seconds}\n".encode())
        last, peak = (await self._line())[1:]
        return int(last), int(peak)

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()

    async def _line(self) -> list[str]:
        assert self._process.stdout is not None
        async with asyncio.timeout(120):
            return (await self._process.stdout.readline()).decode().split()

    async def link(self) -> str:
        """An address that logs a browser in."""
        headers, door = {"Authorization": f"Bearer {TOKEN}"}, f"{self.root}/api/v1/login-keys"
        async with aiohttp.ClientSession(headers=headers) as session, session.post(door) as answer:
            return str((await answer.json())["url"])


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
