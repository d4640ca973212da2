"""Small guests of their own, and waiting for what comes from a thread of libvirt."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.profile import Tree

MINI = Tree("mini", "/trees/mini", family="image")


def small_spec(pool: str = "default", network: str = "default", **changes: Any) -> GuestSpec:
    """A guest of its own: nobody else has its name, UUID or MAC."""
    tail = uuid.uuid4().hex
    spec = GuestSpec(
        f"test-{tail[:8]}",
        "tiny",
        str(uuid.UUID(tail)),
        memory=128,
        disks=(Disk(0.0625, pool),),
        nics=(Nic("network", network, f"52:54:00:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"),),
    )
    return replace(spec, **changes)


async def eventually(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Waits until `condition` holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
