"""What both processes need: the clock, the end of a task."""

import asyncio
import socket
from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


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
