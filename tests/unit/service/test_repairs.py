"""Repairs made, kept over a restart, taken back; and none left where one cannot be made."""

import asyncio
from collections.abc import Sequence

import pytest

from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError, Unavailable
from provisioner.core.host import Network
from provisioner.core.network import Repair
from provisioner.core.segment import Answer
from provisioner.plan.bootfile import holds_ours
from provisioner.service.repairs import Repairs
from provisioner.service.served import Served
from provisioner.service.wishes import Wish
from tests.fakes import FakeClock
from tests.memory import MemoryStore
from tests.segments import FakeNetworkHost, FakeSegments

QUIET = Network("quiet", "isolated", True, bridge="virbr0")
TAP = Network("tap", "bridge", True, parents=("eth0",))


class World:
    """A service's repairs on fakes. `again` is the same after a restart."""

    def __init__(self, setting: Sequence[str] = ()) -> None:
        self.store = MemoryStore(FakeClock())
        self.host = FakeNetworkHost(QUIET, TAP)
        self.here = FakeSegments()
        self.setting = setting
        self.again()

    def again(self) -> None:
        self.served = Served(self.setting, lambda names: dict.fromkeys(names, "10.0.0.1"))
        self.repairs = Repairs(
            self.store, lambda uri: self.host, self.here, self.served, lambda: "52:54:00:00:00:99", 8080
        )


@pytest.fixture
def world() -> World:
    return World()


async def test_our_netboot_beside_another_is_a_row_that_all_follow(world: World) -> None:
    made = await world.repairs.repair("default", Wish("proxy"))

    assert made == Repair("proxy", "virbr0")
    assert (await world.store.repairs(), world.served.patterns) == ([made], ("virbr0",))
    world.again()
    await world.repairs.load()
    assert world.served.patterns == ("virbr0",)
    assert await world.repairs.undo("default") == [made]
    assert await world.store.repairs() == []
    assert not world.served.patterns


@pytest.mark.parametrize("kind", ["options", "bootp"])
async def test_a_boot_file_is_written_and_taken_out(world: World, kind: str) -> None:
    await world.repairs.repair("default", Wish(kind))  # type: ignore[arg-type]

    assert "http://192.168.122.1:8080/boot/ipxe" in world.host.xmls["default"]
    await world.repairs.undo("default", kind)  # type: ignore[arg-type]
    assert not holds_ours(world.host.xmls["default"])


async def test_a_boot_file_of_a_network_that_went_is_forgotten(world: World) -> None:
    await world.repairs.repair("default", Wish("options"))
    del world.host.there["default"]
    await world.repairs.undo("bridge=virbr0")

    assert await world.store.repairs() == []


async def test_a_macvlan_takes_its_address_by_dhcp_and_is_made_again(world: World) -> None:
    made = await world.repairs.repair("tap", Wish("macvlan"))

    assert made == Repair("macvlan", "eth0", mac="52:54:00:00:00:99")
    assert world.here.addresses["pv-eth0"] == "10.0.0.55/24"
    await world.here.remove_macvlan("pv-eth0")
    await world.repairs.tick()
    assert "pv-eth0" in world.here.there
    before = len(world.here.made)
    await world.repairs.tick()
    assert len(world.here.made) == before, "a lease is renewed when it is due, not each time"
    await world.repairs.undo("type=direct,source=eth0")
    assert "pv-eth0" not in world.here.there


async def test_addresses_of_ours_stand_on_the_macvlan_and_go_first(world: World) -> None:
    await world.repairs.repair("tap", Wish("macvlan", address="10.0.0.5/24"))
    made = await world.repairs.repair("tap", Wish("addresses", given="10.0.0.50,10.0.0.59"))

    assert made == Repair("addresses", "pv-eth0", given="10.0.0.50-10.0.0.59")
    assert world.here.lent == {"pv-eth0": "10.0.0.50-10.0.0.59 from 10.0.0.5/24"}
    assert [r.kind for r in await world.repairs.undo("tap")] == ["macvlan", "addresses"]
    assert (world.here.lent, "pv-eth0" in world.here.there) == ({}, False)


async def test_what_was_cut_off_is_removed_at_the_next_start(world: World) -> None:
    await world.here.ensure_macvlan(Repair("macvlan", "eth1", address="10.1.0.5/24"))
    keeper = asyncio.create_task(world.repairs.keep())
    await asyncio.sleep(0.05)
    keeper.cancel()

    assert "pv-eth1" not in world.here.there and "swept" in world.here.made


async def test_a_repair_that_cannot_be_kept_whole_is_said_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.repairs.repair("tap", Wish("macvlan"))
    await world.here.remove_macvlan("pv-eth0")
    world.here.broken = "eth0 went"
    await world.repairs.tick()
    await world.repairs.tick()

    assert [r.message for r in caplog.records] == ["a repair is not whole: eth0 went"]
    assert len(await world.store.repairs()) == 1


LENDER = [Answer("10.0.0.1", "10.0.0.9")]

# place, wish, what is broken, the error
REFUSED: dict[str, tuple[str, Wish, str, type[ProvisionerError], str]] = {
    "no such network": ("nobody", Wish("proxy"), "", NotFound, "nobody"),
    "no bridge": ("tap", Wish("proxy"), "", Conflict, "has no bridge that proxy could be done on"),
    "no macvtap": ("default", Wish("macvlan"), "", Conflict, "is no macvtap"),
    "a bridge without our address": ("bridge=br0", Wish("proxy"), "", Conflict, "no address on br0"),
    "no DHCP server of libvirt's": ("quiet", Wish("options"), "", Conflict, "no DHCP server of libvirt's"),
    "a network that cannot start anew": ("default", Wish("options"), "in use", Conflict, "in use"),
    "a macvlan that gets no address": ("tap", Wish("macvlan"), "no DHCP", Unavailable, "no DHCP"),
    "an address that is none": ("tap", Wish("macvlan", address="10.0.0.5"), "", Invalid, "--address"),
    "a range without the macvlan": ("tap", Wish("addresses"), "", Conflict, "no address on pv-eth0"),
    "no range": ("default", Wish("addresses"), "", Invalid, "which addresses of 192.168.122.0/24"),
    "a range elsewhere": ("default", Wish("addresses", "10.0.0.5,10.0.0.9"), "", Invalid, "host's address"),
    "a dnsmasq that cannot": (
        "default", Wish("addresses", "192.168.122.5,192.168.122.9"), "port 67", Unavailable, "port 67",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("word", "wish", "broken", "kind", "sentence"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_repaired_leaves_nothing(
    world: World, word: str, wish: Wish, broken: str, kind: type[ProvisionerError], sentence: str
) -> None:
    world.here.broken = world.host.broken = broken
    before = dict(world.host.xmls)
    with pytest.raises(kind, match=sentence):
        await world.repairs.repair(word, wish)

    assert (await world.store.repairs(), world.served.patterns, world.here.lent) == ([], (), {})
    assert world.host.xmls == before and "pv-eth0" not in world.here.there


async def test_two_dhcp_servers_on_one_segment_only_by_force(world: World) -> None:
    world.here.answers = LENDER
    wish = Wish("addresses", "192.168.122.5,192.168.122.9")
    with pytest.raises(Conflict, match=r"10\.0\.0\.1 gives addresses on .* already"):
        await world.repairs.repair("default", wish)

    await world.repairs.repair("default", Wish("addresses", wish.given, force=True))
    assert list(world.here.lent) == ["virbr0"]


async def test_what_the_setting_serves_needs_no_repair() -> None:
    world = World(["virbr0"])
    with pytest.raises(Conflict, match="served by the setting interfaces already"):
        await world.repairs.repair("default", Wish("proxy"))


async def test_a_far_hosts_segment_is_repaired_there(world: World) -> None:
    world.host.uri = "qemu+ssh://far/system"
    with pytest.raises(Conflict) as caught:
        await world.repairs.repair("default", Wish("proxy"))

    assert caught.value.remedy == "on that host: provisioner serve --interface virbr0"


async def test_a_repair_in_force_is_not_made_twice_nor_lost(world: World) -> None:
    first = await world.repairs.repair("tap", Wish("macvlan"))
    assert await world.repairs.repair("tap", Wish("macvlan")) == first
    with pytest.raises(Conflict) as caught:
        await world.repairs.repair("tap", Wish("macvlan", address="10.0.0.9/24"))

    assert caught.value.remedy == "take it back first: provisioner network check tap --undo macvlan"
    assert await world.store.repairs() == [first]


async def test_there_is_nothing_to_take_back(world: World) -> None:
    with pytest.raises(NotFound, match="there is no repair of ours on default"):
        await world.repairs.undo("default")
    await world.repairs.repair("default", Wish("proxy"))
    with pytest.raises(NotFound, match="there is no repair options of ours"):
        await world.repairs.undo("default", "options")
