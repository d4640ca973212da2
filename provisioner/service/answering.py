"""Whether the system of a guest answers: its ssh from the network, or a login prompt on its serial line."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from provisioner.core.errors import Unavailable
from provisioner.service.addresses import find_address
from provisioner.service.ports import GuestRow, LifeHosts, Store

Knock = Callable[[str, int], Awaitable[bool]]
"""(address, port) to whether an ssh server greets there."""

_LOOK_SECONDS = 0.5
TAIL = 64 * 1024
"""So much of a serial line is compared with what it said before."""
_MARK = 32
_PROMPT = re.compile(rb"login: ?\Z")


class Answering:
    """`neighbour` gives the address that the host's neighbour table has for a MAC, "" for none."""

    def __init__(
        self, store: Store, hosts: LifeHosts, knock: Knock, *, neighbour: Callable[[str], str | None]
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._knock = knock
        self._neighbour = neighbour

    async def until(self, name: str, said: bytes, seconds: float) -> str:
        """How a guest answers that was switched on just now; `said` is the last of its serial line before.

        Raises Unavailable where it does not within so many seconds.
        """
        row = await self._store.guest(name)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if answer := await self._prompted(row, said) or await self._greeted(row):
                        return answer
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise Unavailable(
                f"guest {name} runs, and gave no sign within {seconds:g} s: no ssh server greets at its "
                "address, and its serial line shows no login prompt",
                remedy=f"see what it does: provisioner guest console {name}",
            ) from None

    async def _prompted(self, row: GuestRow, said: bytes) -> str:
        tail = await self._hosts(row.uri).serial_tail(row.spec.name, row.spec.uuid, TAIL)
        return "a login prompt on its serial line" if _PROMPT.search(since(said, tail)) else ""

    async def _greeted(self, row: GuestRow) -> str:
        install = await self._store.install(row.install)
        host = self._hosts(row.uri)
        address = await find_address(self._store, host, self._neighbour, install, row.spec.nic)
        if address is None or not await self._knock(address.ip, address.port):
            return ""
        return f"ssh at {address.ip}" + ("" if address.port == 22 else f" port {address.port}")


def since(before: bytes, tail: bytes) -> bytes:
    """What came after `before`, both being the last `TAIL` bytes of one text that grows.

    Each boot says much the same: the longest piece that both share is what was there before.
    """
    mark, at = tail[:_MARK], -1
    while mark and (at := before.find(mark, at + 1)) >= 0:
        if tail.startswith(before[at:]):
            return tail[len(before) - at :]
    return tail
