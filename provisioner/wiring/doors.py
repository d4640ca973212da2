"""The guests' HTTP on the addresses of the served interfaces, as these come, go and change."""

import asyncio
import logging
from typing import TYPE_CHECKING

from provisioner.core.errors import Unavailable

if TYPE_CHECKING:
    from provisioner.service.served import Served
    from provisioner.web.listener import Listener

_log = logging.getLogger("provisioner")
_FOLLOW_SECONDS = 0.5


async def listen(listener: "Listener", address: str, port: int) -> None:
    """Raises Unavailable that names the port."""
    try:
        await listener.listen(address, port)
    except OSError as error:
        raise Unavailable(
            f"TCP port {port} on {address} cannot be opened: {error.strerror}",
            remedy="stop what holds it, or choose another port",
        ) from error


class Doors:
    """Opens what is new. A socket of an address that went serves it when it is back."""

    def __init__(self, listener: "Listener", port: int, served: "Served") -> None:
        self._listener = listener
        self._port = port
        self._served = served
        self._open: dict[str, str] = {}
        """Address to the interface that it was opened for."""

    async def follow(self) -> None:
        """Raises Unavailable for a port that is taken."""
        now = self._served()
        for address, interface in list(self._open.items()):
            if not self._served.covers(interface):
                del self._open[address]
                await self._listener.close(address)
        for interface, address in now.items():
            if address not in self._open:
                await listen(self._listener, address, self._port)
            self._open[address] = interface

    async def follow_on(self) -> None:
        said = ""
        while True:
            await asyncio.sleep(_FOLLOW_SECONDS)
            try:
                await self.follow()
            except Unavailable as error:
                if str(error) != said:
                    _log.error("%s", error)
                said = str(error)
