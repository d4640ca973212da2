"""A host's networks: listed and shown all, made and removed ours; another's only where that is asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from provisioner.core.host import Network
from provisioner.core.network import NetworkSpec
from provisioner.plan.network import check_free, network_xml
from provisioner.service.places import is_here
from provisioner.service.ports import NetworkHost, Segments

NetworkHosts = Callable[[str], NetworkHost]
"""The host of a libvirt URI, "" for the configured one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A network with the addresses that it lent, each as `MAC address name`."""

    network: Network
    leases: tuple[str, ...]


class Networks:
    """`uri` is the host's in every call, "" the configured one."""

    def __init__(self, hosts: NetworkHosts, segments: Segments) -> None:
        self._hosts = hosts
        self._segments = segments

    async def list(self, uri: str = "") -> list[Network]:
        return await self._hosts(uri).networks()

    async def show(self, name: str, uri: str = "") -> Shown:
        """Raises NotFound."""
        host = self._hosts(uri)
        network = await host.network(name)
        leases = await host.network_leases(name) if network.active and network.dhcp else []
        return Shown(network, tuple(leases))

    async def xml(self, name: str, uri: str = "") -> str:
        return await self._hosts(uri).network_xml(name)

    async def plan(self, spec: NetworkSpec, uri: str = "") -> str:
        """The XML that would be defined. Raises Conflict for a name, bridge or address that is taken."""
        host = self._hosts(uri)
        used = await self._segments.in_use() if is_here(host.uri) else None
        check_free(spec, await host.networks(), used)
        return network_xml(spec)

    async def create(self, spec: NetworkSpec, uri: str = "") -> Network:
        """Made and started; nothing is left of one that cannot start."""
        xml = await self.plan(spec, uri)
        return await self._hosts(uri).create_network(xml, spec.autostart)

    async def start(self, name: str, uri: str = "") -> None:
        await self._hosts(uri).begin_network(name)

    async def stop(self, name: str, uri: str = "", *, force: bool = False) -> None:
        """Raises Conflict while running guests are plugged in, unless forced."""
        await self._hosts(uri).stop_network(name, force)

    async def autostart(self, name: str, on: bool, uri: str = "") -> None:
        await self._hosts(uri).autostart_network(name, on)

    async def delete(self, name: str, uri: str = "", *, foreign: bool = False, force: bool = False) -> None:
        """Raises Conflict for one that is not ours unless `foreign` says that this is meant."""
        await self._hosts(uri).delete_network(name, foreign, force)
