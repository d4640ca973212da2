"""`SegmentHost`: this machine as the port `service.ports.Segments`; every blocking call in a thread."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from provisioner.core.errors import Unavailable
from provisioner.core.network import Range, Repair
from provisioner.core.segment import Answer, Firewall, HostAddresses, Lease, Link
from provisioner.segment import firewall, links
from provisioner.segment.dnsmasq import AddressServer

Ask = Callable[[str, str], list[Answer]]
"""(interface, MAC) to the answers that a PXE question gets there."""
Take = Callable[[str, str, str], Lease | None]
"""(interface, MAC, wanted address) to an address of the segment's own DHCP server."""


class SegmentHost:
    """`folder` keeps the leases that our own DHCP servers lend; its path tells our links from another's."""

    def __init__(self, folder: Path, ask: Ask, take: Take) -> None:
        self._folder = folder
        self._owner = str(folder)
        self._ask = ask
        self._take = take
        self._servers: dict[str, AddressServer] = {}
        self._asking = asyncio.Lock()

    async def links(self) -> dict[str, Link]:
        return await asyncio.to_thread(links.links)

    async def in_use(self) -> HostAddresses:
        return await asyncio.to_thread(links.in_use)

    async def firewall(self, interface: str) -> Firewall:
        return await asyncio.to_thread(firewall.read, interface)

    async def ask(self, device: str) -> list[Answer]:
        async with self._asking:  # one cable at a time is enough for a person
            return await asyncio.to_thread(self._ask_from_place, device)

    async def ensure_macvlan(self, repair: Repair) -> Lease | None:
        return await asyncio.to_thread(self._ensure_macvlan, repair)

    async def remove_macvlan(self, name: str) -> None:
        await asyncio.to_thread(links.remove_macvlan, name, self._owner)

    async def our_macvlans(self) -> list[str]:
        return [link.name for link in await asyncio.to_thread(links.macvlans, self._owner)]

    async def ensure_addresses(self, repair: Repair, own: str) -> None:
        server = self._servers.get(repair.interface)
        if server is not None and server.running:
            return
        lent = Range.parse(repair.given)
        server = AddressServer(repair.interface, own, str(lent.first), str(lent.last), self._folder)
        await server.start()
        self._servers[repair.interface] = server

    async def stop_addresses(self, interface: str) -> None:
        if server := self._servers.pop(interface, None):
            await server.stop()

    async def address(self, interface: str) -> str:
        return await asyncio.to_thread(links.has_address, interface)

    async def sweep(self) -> None:
        """Removes what a killed service of this folder left in the middle of a question."""
        await asyncio.to_thread(links.sweep, self._owner)

    async def close(self) -> None:
        for interface in list(self._servers):
            await self.stop_addresses(interface)

    def _ask_from_place(self, device: str) -> list[Answer]:
        with links.guest_place(device, self._owner) as (interface, mac):
            return self._ask(interface, mac)

    def _ensure_macvlan(self, repair: Repair) -> Lease | None:
        name = repair.interface
        links.make_macvlan(name, repair.device, repair.mac, self._owner)
        if repair.address:
            if links.has_address(name) != repair.address:
                links.address_macvlan(name, repair.address)
            return None
        held = links.has_address(name).partition("/")[0]
        lease = self._take(name, repair.mac, held)
        if lease is None:
            if held:
                return None  # its server is away; what we have stays until it ends
            raise Unavailable(
                f"no DHCP server on {repair.device} gives {name} an address",
                remedy="name a free one of that segment: --address 192.168.90.5/24",
            )
        links.address_macvlan(name, lease.address, lease.seconds)
        return lease
