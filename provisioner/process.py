"""The netboot process seen from both ends: started and kept by the service, told what to do on its input.

The child says on its standard output what became of it, one JSON line a time, and ends when its standard
input does: however the service ends, its child does not stay.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.core.errors import Unavailable

_log = logging.getLogger("provisioner")


def say(word: Mapping[str, object]) -> None:
    print(json.dumps(word), flush=True)  # noqa: T201 - the parent reads it


async def orphaned() -> None:
    """Returns when the parent is gone: its end of our standard input closes however it ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()


class NetbootProcess:
    """Keeps the child running. `ready()` raises what keeps it from serving."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = json.dumps(given).encode() + b"\n"
        self._process: asyncio.subprocess.Process | None = None
        self._word: dict[str, Any] = {}
        self._keeper: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """The child begins to load its program. `start` tells it what to do."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "provisioner.wiring.netboot"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            start_new_session=True,  # a Ctrl-C in the terminal is the parent's to handle
        )

    async def start(self) -> None:
        """Raises Unavailable with the child's reason."""
        await self._begin()
        self.ready()
        self._keeper = asyncio.create_task(self._keep())

    def ready(self) -> None:
        if not self._word.get("ready"):
            reason = self._word.get("error", "its process ended")
            raise Unavailable(f"netboot does not serve: {reason}", remedy=self._word.get("remedy", ""))

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _begin(self) -> None:
        if self._process is None or self._process.returncode is not None:
            await self.load()
        process = self._process
        assert process is not None  # noqa: S101 - just loaded
        assert process.stdin is not None  # noqa: S101 - asked for in load
        process.stdin.write(self._given)
        await self._listen(process)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for in load
        line = await process.stdout.readline()
        self._word = json.loads(line) if line else {}

    async def _keep(self) -> None:
        pause = 0.1
        while self._process is not None:
            await self._listen(self._process)  # nothing more is said until it ends
            await self._process.wait()
            _log.error("netboot ended: %s; starting it again", self._word.get("error", "no word"))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)
            await self._begin()
