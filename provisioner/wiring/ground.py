"""What both processes need: the clock, the first loaders of this host, the end of a task."""

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path

from provisioner.core.firmware import ALL


def now() -> datetime:
    return datetime.now(UTC)


def loaders(folders: list[Path]) -> dict[str, bytes]:
    """The first loaders that this host has, by name; the first folder that has one wins."""
    found = {}
    for name in ALL:
        for folder in folders:
            if (folder / name).is_file():
                found[name] = (folder / name).read_bytes()
                break
    return found


def is_unheld(port: int) -> bool:
    """Whether a TCP port of the loopback could be opened now."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
