"""How long an upstream is waited for: what is silent, or as good as silent, has broken off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from provisioner.core.errors import Unavailable
from provisioner.mirror.stream import Pieces

_PROGRESS = 64 * 1024


class Silent(Unavailable):
    """It says nothing any more, and has to be asked once more, or another in its place."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Within `silent` seconds an upstream has to give a byte, and `least` bytes for each of them.

    `tries` in a row may bring next to nothing; `pause` seconds stand before the second, twice that before the
    next, and so on.
    """

    silent: float = 30
    least: int = 1000
    tries: int = 5
    pause: float = 0.5

    async def read(self, pieces: Pieces, name: str) -> AsyncIterator[bytes]:
        """The pieces. Raises Silent."""
        loop = asyncio.get_running_loop()
        since, got = loop.time(), 0
        while True:
            try:
                async with asyncio.timeout(self.silent):
                    piece = await anext(pieces, None)
            except TimeoutError:
                raise Silent(f"{name} broke off: nothing came for {self.silent:g} s") from None
            if piece is None:
                return
            got += len(piece)
            yield piece
            if loop.time() - since >= self.silent:
                if got < self.least * self.silent:
                    raise Silent(f"{name} broke off: {got} bytes came within {self.silent:g} s")
                since, got = loop.time(), 0

    async def rest(self, failed: int) -> None:
        """Before it is tried again after so many failures in a row."""
        await asyncio.sleep(self.pause * 2 ** max(0, failed - 1))


def is_progress(before: int, after: int) -> bool:
    """Whether a try brought enough to be none of those that bring nothing."""
    return after - before >= _PROGRESS
