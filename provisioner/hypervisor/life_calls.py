"""What a guest's life needs of a libvirt host: pausing, its lines, its screen, what it is made of."""

import asyncio
from datetime import datetime

from provisioner.hypervisor import copies, pause, screen, serial_log
from provisioner.hypervisor.calls import Calls
from provisioner.hypervisor.console import Console
from provisioner.hypervisor.screen import Screen
from provisioner.plan.cloning import Blueprint
from provisioner.service.ports import Channel, Display, VolumeFacts


class LifeCalls(Calls):
    async def suspend(self, name: str, uuid: str) -> None:
        await self._link.act(pause.suspend, name, uuid)

    async def resume(self, name: str, uuid: str) -> None:
        await self._link.act(pause.resume, name, uuid)

    async def console(self, name: str, uuid: str, *, force: bool) -> Channel:
        opened = Console(asyncio.get_running_loop())
        try:
            await self._link.act(opened.attach, name, uuid, force)
        except BaseException:
            await opened.close()
            raise
        return opened

    async def serial_tail(self, name: str, uuid: str, size: int) -> bytes:
        path = await self._link.run(serial_log.log_file, name, uuid, self.uri)
        return await asyncio.to_thread(serial_log.tail, path, size) if path else b""

    async def serial_text(self, name: str, uuid: str, size: int) -> Channel:
        path = await self._link.run(serial_log.log_file, name, uuid, self.uri)
        return serial_log.SerialLog(path, size) if path else await self.console(name, uuid, force=False)

    async def screenshot(self, name: str, uuid: str) -> bytes:
        return await self._link.run(screen.screenshot, name, uuid)

    async def display(self, name: str, uuid: str) -> Display:
        return await self._link.run(screen.display, name, uuid)

    async def unlock_display(self, name: str, uuid: str, password: str, until: datetime) -> Display:
        return await self._link.act(screen.unlock, name, uuid, password, until)

    async def screen(self, name: str, uuid: str) -> Channel:
        return await Screen.on(await self._link.run(screen.descriptor, name, uuid))

    async def blueprint(self, name: str, uuid: str) -> Blueprint:
        return await self._link.run(copies.blueprint, name, uuid)

    async def running_disks(self, name: str, uuid: str) -> tuple[str, ...]:
        return await self._link.run(copies.running_disks, name, uuid)

    async def volume_facts(self, pool: str) -> list[VolumeFacts]:
        return await self._link.run(copies.volumes, pool)
