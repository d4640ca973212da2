"""The networks of a libvirt host."""

from provisioner.core.host import Network
from provisioner.hypervisor import network, network_acts
from provisioner.hypervisor.calls import Calls


class NetworkCalls(Calls):
    async def networks(self) -> list[Network]:
        return await self._link.run(network.networks)

    async def network(self, name: str) -> Network:
        return await self._link.run(network_acts.show, name)

    async def network_xml(self, name: str) -> str:
        return await self._link.run(network_acts.xml, name)

    async def network_leases(self, name: str) -> list[str]:
        return await self._link.run(network_acts.leases, name)

    async def create_network(self, xml: str, autostart: bool) -> Network:
        return await self._link.act(network_acts.create, xml, autostart=autostart)

    async def begin_network(self, name: str) -> None:
        await self._link.act(network_acts.start, name)

    async def stop_network(self, name: str, force: bool) -> None:
        await self._link.act(network_acts.stop, name, force=force)

    async def autostart_network(self, name: str, on: bool) -> None:
        await self._link.act(network_acts.autostart, name, on=on)

    async def delete_network(self, name: str, foreign: bool, force: bool) -> None:
        await self._link.act(network_acts.delete, name, foreign=foreign, force=force)

    async def redefine_network(self, name: str, xml: str, force: bool) -> None:
        await self._link.act(network_acts.redefine, name, xml, force=force)

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
