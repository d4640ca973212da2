"""What goes on beside the listeners: what was left half-made is finished or removed, silence is ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from provisioner.core.errors import ProvisionerError

_log = logging.getLogger("provisioner")
_TICK_SECONDS = 5.0
_TICKS_EACH_TIDYING = 12
_RETRY_SECONDS = 5.0

Tick = Callable[[], Awaitable[None]]
Tidy = Callable[[], Awaitable[list[str]]]
"""Returns what was done or found, a sentence each."""


async def watch(open_host: Tick, tidy: Tidy, ticks: tuple[Tick, ...]) -> None:
    """Runs until cancelled. Tidies at the start and once a minute; the same sentence is logged once."""
    # What a killed service left can be judged only by looking at libvirt.
    while not await _done(open_host):  # noqa: ASYNC110 - nobody tells when libvirt is back
        await asyncio.sleep(_RETRY_SECONDS)
    said: set[str] = set()
    rounds = 0
    while True:
        if rounds % _TICKS_EACH_TIDYING == 0:
            said = await _tidied(tidy, said)
        for tick in ticks:
            await _done(tick)
        rounds += 1
        await asyncio.sleep(_TICK_SECONDS)


async def _tidied(tidy: Tidy, said: set[str]) -> set[str]:
    try:
        lines = await tidy()
    except ProvisionerError as error:
        _log.warning("what may be left half-made will be looked at again: %s", error)
        return said
    for line in lines:
        if line not in said:
            _log.info("%s", line)
    return set(lines)


async def _done(tick: Tick) -> bool:
    try:
        await tick()
    except ProvisionerError as error:
        _log.warning("%s", error)
        return False
    return True
