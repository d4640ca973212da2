"""What netboot answers from memory: by MAC, by UUID, by address, and while the store is away."""

import asyncio
from typing import Any

import pytest

from provisioner.boot.client import Ignore, Local, Question
from provisioner.boot.decide import Offer
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.service.snapshot import Snapshot
from tests.fakes import START
from tests.unit.service.away import Away
from tests.unit.service.world import World

HERE = Local("virbr0", "192.168.122.1")
MAC, OTHER = "52:54:00:00:00:01", "52:54:00:00:00:02"
UUID = "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"
SWAPPED = "3a0f6e6b-4c2d-1e4b-9f5a-0123456789ab"
PXE = "PXEClient:Arch:00007:UNDI:003000"


def asks(mac: str = MAC, uuid: str = "", **more: Any) -> Question:
    return Question(**{"message": 1, "mac": mac, "uuid": uuid, "vendor_class": PXE, "code": 7, **more})


async def running(world: World, arch: str = "", **more: Any) -> Snapshot:
    await world.memory.add_machine(Machine("web1", MAC, UUID, guest=True))
    await world.memory.add_machine(Machine("idle", OTHER))
    await world.memory.add_install(
        Install("i1", "web1", MAC, UUID, "tiny", Stage.BOOTING, START, START, arch=arch), None
    )
    snapshot = Snapshot(world.memory, loaders={"snponly.efi": b"efi"}, **more)
    await snapshot.refresh()
    return snapshot


async def test_a_machine_with_an_install_is_offered_a_loader(world: World) -> None:
    snapshot = await running(world, http_port=8123)

    assert snapshot.decide(asks(), HERE) == Offer("snponly.efi", "192.168.122.1", "PXEClient", True)
    ipxe = snapshot.decide(asks(user_class="iPXE", ipxe_features=True), HERE)
    assert isinstance(ipxe, Offer)
    assert ipxe.file == "http://192.168.122.1:8123/boot/ipxe"


async def test_a_machine_of_another_processor_than_its_tree_s_is_offered_nothing(world: World) -> None:
    snapshot = await running(world, arch="aarch64")

    refused = snapshot.decide(asks(), HERE)

    assert isinstance(refused, Ignore)
    assert refused.reason == "its install is for aarch64, and uefi firmware starts kernels of x86_64 alone"


@pytest.mark.parametrize("uuid", [UUID, SWAPPED])
async def test_a_machine_is_known_by_its_uuid_in_either_order(world: World, uuid: str) -> None:
    snapshot = await running(world)

    assert isinstance(snapshot.decide(asks("52:54:00:00:00:09", uuid), HERE), Offer)


@pytest.mark.parametrize(
    "uuid", ["", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
)
async def test_an_empty_uuid_is_nobody(world: World, uuid: str) -> None:
    snapshot = await running(world)
    await world.memory.add_machine(Machine("odd", "52:54:00:00:00:03", uuid or None))

    assert snapshot.decide(asks("52:54:00:00:00:09", uuid), HERE) == Ignore(
        "no guest or machine of ours has this MAC address or UUID"
    )


async def test_a_machine_without_an_install_boots_its_disk(world: World) -> None:
    snapshot = await running(world)

    assert snapshot.decide(asks(OTHER), HERE) == Ignore("boot your disk: no install is asked for")


async def test_an_answer_that_was_served_is_seen_at_the_next_refresh(world: World) -> None:
    snapshot = await running(world)
    await world.happen(Kind.ANSWER_SERVED)
    await snapshot.refresh()

    refused = snapshot.decide(asks(), HERE)
    assert isinstance(refused, Ignore)
    assert refused.reason.startswith("boot your disk: the answer file of install i1")


async def test_an_install_that_is_over_boots_the_disk(world: World) -> None:
    snapshot = await running(world)
    await world.happen(Kind.FAILED)
    await snapshot.refresh()

    assert isinstance(snapshot.decide(asks(), HERE), Ignore)


async def test_a_machine_added_without_an_event_is_seen_within_eight_refreshes(world: World) -> None:
    snapshot = await running(world)
    await world.memory.add_machine(Machine("new", "52:54:00:00:00:07"))
    for _ in range(8):
        await snapshot.refresh()

    assert snapshot.decide(asks("52:54:00:00:00:07"), HERE) == Ignore(
        "boot your disk: no install is asked for"
    )


async def test_questions_teach_addresses(world: World) -> None:
    snapshot = await running(world)
    snapshot.decide(asks(message=3, requested="192.168.122.50"), HERE)
    snapshot.decide(asks(OTHER, message=3, ciaddr="192.168.122.51"), HERE)
    snapshot.decide(asks("52:54:00:00:00:09", message=3, requested="192.168.122.52"), HERE)

    assert snapshot.mac_of("192.168.122.50") == MAC
    assert snapshot.known("192.168.122.51") == OTHER
    assert snapshot.mac_of("192.168.122.52") == "52:54:00:00:00:09"
    assert snapshot.known("192.168.122.52") is None
    assert snapshot.mac_of("192.168.122.53") is None


async def test_the_kernels_neighbour_table_stands_above_what_was_said(world: World) -> None:
    snapshot = await running(world, neighbour={"192.168.122.50": OTHER}.get)
    snapshot.decide(asks(message=3, requested="192.168.122.50"), HERE)

    assert snapshot.mac_of("192.168.122.50") == OTHER


async def test_a_bound_address_leads_to_its_machine(world: World) -> None:
    snapshot = await running(world)
    await world.memory.bind("i1", "10.1.2.3")
    await world.happen(Kind.SCRIPT_SENT)
    await snapshot.refresh()

    assert snapshot.known("10.1.2.3") == MAC


async def test_loaders_by_tftp_follow_the_same_verdict(world: World) -> None:
    neighbours = {"192.168.122.50": MAC, "192.168.122.51": OTHER, "192.168.122.52": "52:54:00:00:00:09"}
    snapshot = await running(world, neighbour=neighbours.get)

    assert snapshot.loader("/snponly.efi", "192.168.122.50", HERE) == b"efi"
    assert snapshot.loader("snponly.efi", "192.168.122.99", HERE) == b"efi"
    assert snapshot.loader("nothing", "192.168.122.51", HERE) is None
    assert snapshot.loader("snponly.efi", "192.168.122.51", HERE) == Ignore(
        "boot your disk: no install is asked for"
    )
    assert isinstance(snapshot.loader("snponly.efi", "192.168.122.52", HERE), Ignore)


async def test_ten_thousand_strangers_do_not_make_it_grow(world: World) -> None:
    snapshot = await running(world)
    for number in range(10_000):
        snapshot.decide(asks(message=3, requested=f"10.0.{number >> 8}.{number & 255}"), HERE)

    assert snapshot.mac_of("10.0.0.1") is None
    assert snapshot.mac_of("10.0.39.1") == MAC


async def test_the_last_snapshot_answers_while_the_store_is_away(world: World) -> None:
    store: Any = Away(world.memory)
    store.away = False
    await running(world)
    snapshot = Snapshot(store, loaders={"snponly.efi": b"efi"})
    keeping = asyncio.create_task(snapshot.keep())
    while isinstance(snapshot.decide(asks(), HERE), Ignore):
        await asyncio.sleep(0)
    store.away = True
    await asyncio.sleep(0.6)

    assert isinstance(snapshot.decide(asks(), HERE), Offer)
    assert not keeping.done()
    keeping.cancel()


class Versioned:
    """A store that tells its version, and how often it was asked for more."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.now: object = 1
        self.asked = 0

    async def version(self) -> object:
        return self.now

    def __getattr__(self, name: str) -> Any:
        self.asked += 1
        return getattr(self._store, name)


async def test_a_store_in_which_nothing_was_written_is_not_read_again(world: World) -> None:
    store = Versioned(world.memory)
    snapshot: Any = Snapshot(store)
    await snapshot.refresh()
    asked = store.asked
    for _ in range(20):
        await snapshot.refresh()
    quiet = store.asked
    await world.memory.add_machine(Machine("web1", MAC, UUID, guest=True))
    store.now = 2
    await snapshot.refresh()

    assert quiet == asked
    assert store.asked > asked
    assert isinstance(snapshot.decide(asks(), HERE), Offer | Ignore)
    assert MAC in snapshot._machines


async def test_guests_behind_the_loopback_are_told_apart_or_not_at_all(world: World) -> None:
    snapshot = await running(world)
    await world.memory.bind("i1", "127.0.0.1")
    for _ in range(9):  # everything is read again now and then only
        await snapshot.refresh()
    assert snapshot.known("127.0.0.1") == MAC

    await world.memory.add_machine(Machine("web2", "52:54:00:00:00:03", guest=True))
    second = Install("i2", "web2", "52:54:00:00:00:03", "", "tiny", Stage.BOOTING, START, START)
    await world.memory.add_install(second, None)
    await world.memory.record([Event(Kind.STARTED, START, "test", install="i2")])
    await snapshot.refresh()

    assert snapshot.known("127.0.0.1") is None
