"""A libvirt host as a whole: its facts, its load, and what a check of it reads."""

import asyncio

from provisioner.core.host import HostFacts, Load, NodeInfo
from provisioner.core.readings import Readings
from provisioner.hypervisor import devices, host, node, readings
from provisioner.hypervisor.calls import Calls
from provisioner.hypervisor.joint import Joint


class HostCalls(Calls):
    def __init__(self) -> None:
        super().__init__()
        self._proof: tuple[bool, str] | None = None
        self._static: host.Capabilities | None = None
        self._facts = Joint(self._read_facts)

    @property
    def is_here(self) -> bool:
        """Whether its guests run on this machine."""
        return devices.is_local(self.uri) and not devices.is_test(self.uri)

    def use_kvm(self, works: bool, reason: str) -> None:
        """Takes the verdict of `kvm.prove`: from now on plans use KVM, or say why they do not."""
        self._proof, self._static = (works, reason), None

    async def offers_kvm(self) -> bool:
        """Whether libvirt believes in KVM, which is no proof."""
        return await self._link.run(host.offers_kvm)

    async def facts(self, *, fresh: bool = False) -> HostFacts:
        if fresh:
            self._census.forget()
        return await self._facts()

    async def _read_facts(self) -> HostFacts:
        works, reason = self._proof or (False, "KVM was not proved to work yet")
        if works and not devices.is_test(self.uri) and not await self.offers_kvm():
            works, reason = False, f"libvirt at {self.uri} offers no KVM"
        virt_type: host.VirtType = "kvm" if works else "qemu"
        if self._static is None or self._static.virt_type != virt_type:
            self._static = await self._link.run(host.capabilities, virt_type)
        seen = (self._static, self._lookout, self._census)
        return await self._link.run(host.facts, self.uri, reason, *seen)

    async def node(self) -> NodeInfo:
        return await self._link.run(node.read)

    async def load(self) -> Load:
        return await self._link.run(node.load)

    async def readings(self) -> Readings:
        """What `host check` judges: this machine by its own files, another by what libvirt tells."""
        told = await self._link.run(readings.told, self.uri, self._proof)
        return await asyncio.to_thread(readings.complete, told)
