"""The networks of a libvirt host."""

from provisioner.core.host import Network
from provisioner.hypervisor import network
from provisioner.hypervisor.calls import Calls


class NetworkCalls(Calls):
    async def networks(self) -> list[Network]:
        return await self._link.run(network.networks)

    async def lease(self, mac: str) -> str | None:
        return await self._link.run(network.lease, mac)

    async def ensure_network(self, name: str, bridge: str, cidr: str, mode: str, bootp: str = "") -> None:
        """Makes and starts a network of ours; see `network.ensure_network`."""
        await self._link.act(network.ensure_network, name, bridge, cidr, mode, bootp)

    async def remove_network(self, name: str) -> None:
        """Removes a network that `ensure_network` made."""
        await self._link.act(network.remove_network, name)

    async def start_network(self, name: str) -> None:
        """Starts an existing network, now and at every boot of the host."""
        await self._link.act(network.start_network, name)
