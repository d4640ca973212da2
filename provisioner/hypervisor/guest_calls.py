"""The domains of a libvirt host."""

from collections.abc import Collection

from provisioner.core.host import Definition, Domain
from provisioner.hypervisor import guest
from provisioner.hypervisor.calls import Calls


class GuestCalls(Calls):
    async def domains(self) -> list[Domain]:
        return await self._link.run(self._census.read)

    async def xml(self, name: str) -> str:
        return await self._link.run(guest.xml, name)

    async def definitions(self, uuids: Collection[str]) -> list[Definition]:
        return await self._link.run(guest.definitions, uuids)

    async def shutdown(self, name: str) -> None:
        await self._link.act(guest.shutdown, name)

    async def reboot(self, name: str) -> None:
        await self._link.act(guest.reboot, name)

    async def reset(self, uuid: str) -> None:
        await self._link.act(guest.reset, uuid)

    async def _is_ours(self, uuid: str) -> bool | None:
        return await self._link.run(guest.is_ours, uuid)
