"""A boot medium leads here by the address that its machine reaches; where that is open, it is said."""

from collections.abc import Mapping

import pytest

from provisioner.core.errors import Invalid, NotFound
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.core.machine import Machine
from provisioner.service.bootmedia import BootMedia
from provisioner.service.ports import GuestRow
from tests.fakes import START, FakeClock, FakeHypervisor
from tests.memory import MemoryStore

MAC, UUID = "52:54:00:00:00:01", "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"
BOTH = {"virbr0": "192.168.122.1", "eth0": "192.0.2.1"}


class Told:
    """Gives the script back, as what it would lie on."""

    def iso(self, script: str) -> bytes:
        return b"iso " + script.encode()

    def disk(self, script: str) -> bytes:
        return b"img " + script.encode()


async def media(served: Mapping[str, str], address: str = "") -> BootMedia:
    store, host = MemoryStore(FakeClock()), FakeHypervisor()
    await store.add_machine(Machine("rack1", "52:54:00:00:00:02", None))
    install = Install("i1", "web1", MAC, UUID, "tiny", Stage.BOOTING, START, START)
    spec = GuestSpec("web1", "tiny", UUID, nics=(Nic("network", "default", MAC),))
    await store.add_install(install, GuestRow(spec, "i1", "v", START, {}))
    return BootMedia(store, lambda uri: host, Told(), lambda: served, 8080, address)


LEADS: dict[str, tuple[str, Mapping[str, str], str, str, str]] = {
    "a guest's network": ("web1", BOTH, "", "", "192.168.122.1"),
    "hardware, one address": ("rack1", {"eth0": "192.0.2.1"}, "", "", "192.0.2.1"),
    "hardware, the setting": ("rack1", BOTH, "192.0.2.9", "", "192.0.2.9"),
    "as asked": ("rack1", BOTH, "192.0.2.9", "192.0.2.7", "192.0.2.7"),
    "IPv6": ("web1", BOTH, "", "2001:db8::1", "[2001:db8::1]"),
}


@pytest.mark.parametrize("case", LEADS)
async def test_where_a_medium_leads(case: str) -> None:
    name, served, setting, asked, host = LEADS[case]
    made = await media(served, setting)

    assert (
        f"chain --replace --autofree http://{host}:8080/boot/ipxe ||"
        in (await made.build(name, "iso", asked)).decode()
    )


async def test_an_iso_and_a_disk() -> None:
    made = await media(BOTH)

    assert (await made.build("web1", "iso")).startswith(b"iso #!ipxe\n")
    assert (await made.build("web1", "img")).startswith(b"img #!ipxe\n")


async def test_what_cannot_be_told_is_said() -> None:
    with pytest.raises(NotFound, match="no guest and no machine is called 'nobody'"):
        await (await media(BOTH)).build("nobody", "iso")
    with pytest.raises(Invalid, match=r"cannot be told: 192\.168\.122\.1, 192\.0\.2\.1") as refusal:
        await (await media(BOTH)).build("rack1", "iso")
    assert refusal.value.remedy == "name it with --address, or set guest_address"
    with pytest.raises(Invalid, match="none is served"):
        await (await media({})).build("rack1", "iso")
