"""A guest whose text no file here keeps: its real console, held until a person asks, and taken again."""

import asyncio
from pathlib import Path

from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.service.far_consoles import FarConsoles
from provisioner.service.ports import GuestRow
from tests.edges.hypervisor.living import HELLO, living, read_until
from tests.fakes import START, FakeClock
from tests.memory import MemoryStore

MAC = "52:54:00:00:00:01"


async def heard(far: FarConsoles, install: Install, host: LibvirtHost, words: bytes) -> None:
    """Until it has said these words, which it does whenever it is started."""
    found, looks = b"", 0
    async with asyncio.timeout(100):
        while words not in found:
            await far.follow([install])
            if looks % 100 == 5:
                await host.reset(install.uuid)
            await asyncio.sleep(0.1)
            found += b"".join(data for _, (data, _) in far.said())
            looks += 1


async def test_a_console_is_held_until_a_person_asks(system: LibvirtHost, folder: Path) -> None:
    store = MemoryStore(FakeClock())
    far = FarConsoles(store, lambda uri: system, lambda uri: True)
    async with living(system, folder) as guest:
        install = Install("i1", guest.name, MAC, guest.uuid, "p", Stage.INSTALLING, START, START)
        spec = GuestSpec(guest.name, "p", guest.uuid, nics=(Nic("network", "default", MAC),))
        await store.add_install(install, GuestRow(spec, "i1", "v", START, {}))
        await heard(far, install, system, HELLO.strip())
        assert far.tail("i1")

        await far.release(guest.name)
        person = await system.console(*guest.key, force=False)
        await person.write(b"typed\n")
        assert b"typed" in await read_until(person, b"typed")
        await person.close()

        await far.follow([])
        await far.follow([install])
        again = await system.console(*guest.key, force=True)  # whoever forces it has it
        await again.close()
        await far.close()
