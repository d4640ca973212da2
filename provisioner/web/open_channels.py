"""The channels of guests that are open just now, so that they end before the service does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from provisioner.service.ports import Channel


class OpenChannels:
    """`ending` once the service is being stopped."""

    def __init__(self) -> None:
        self._open: set[Channel] = set()
        self.ending = False

    @asynccontextmanager
    async def keep(self, channel: Channel) -> AsyncIterator[Channel]:
        """Closes it at the end, whatever happens."""
        self._open.add(channel)
        try:
            yield channel
        finally:
            self._open.discard(channel)
            await channel.close()

    async def close(self) -> None:
        """Whoever reads from one of them sees its end."""
        self.ending = True
        for channel in list(self._open):
            await channel.close()
