"""Machines that nobody named: registered where asked to, told once, and never more than a bound."""

from typing import Any

import pytest

from provisioner.boot.client import Client, Ignore, Local, Question, identify
from provisioner.boot.decide import Offer
from provisioner.core.install import Event, Kind
from provisioner.core.machine import Machine
from provisioner.service.machines import Machines
from provisioner.service.recorder import Recorder
from provisioner.service.sightings import REGISTERED, Sightings
from provisioner.service.snapshot import Snapshot
from tests.fakes import FakeClock, no_staging
from tests.unit.service.world import World

HERE = Local("br0", "192.0.2.1")
MAC, UUID = "52:54:00:aa:bb:cc", "6b6e0f3a-2d4c-4b1e-9f5a-0123456789ab"
PXE, HTTP = "PXEClient:Arch:00007:UNDI:003000", "HTTPClient:Arch:00016:UNDI:003000"


def asks(mac: str = MAC, **more: Any) -> Question:
    return Question(**{"message": 1, "mac": mac, "uuid": UUID, "vendor_class": PXE, "code": 7, **more})


class Room:
    """Sightings alone, with what they told."""

    def __init__(self, **more: Any) -> None:
        self.told: list[Event] = []
        self.clock = FakeClock()
        self.sightings = Sightings(self.told.append, self.clock, **{"discover": True, **more})

    def meet(self, question: Question) -> Ignore | None:
        client = identify(question)
        assert isinstance(client, Client)
        return self.sightings.meet(client, question, HERE, question.requested)

    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.told]


def mac(number: int) -> str:
    return f"52:54:01:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


@pytest.mark.parametrize(
    ("question", "firmware"),
    [(asks(), "uefi"), (asks(code=0), "bios"), (asks(vendor_class=HTTP, code=16), "uefi-http")],
)
def test_a_stranger_is_registered_with_what_it_says_of_itself(question: Question, firmware: str) -> None:
    room = Room()

    assert room.meet(question) == REGISTERED
    assert REGISTERED.reason == "registered; boots its disk until an install is asked for"
    (event,) = room.told
    assert (event.kind, event.source, event.machine) == (Kind.MACHINE_DISCOVERED, "dhcp", MAC)
    assert event.text == f"{MAC} ({firmware}) asks to netboot and is registered as machine-525400aabbcc"
    assert (event.data["uuid"], event.data["firmware"], event.data["interface"]) == (UUID, firmware, "br0")


NOT_MET = {
    "discovery is off": (asks(), {"discover": False}),
    "a REQUEST on 4011": (asks(message=3, port=4011), {}),
}


@pytest.mark.parametrize(("question", "more"), NOT_MET.values(), ids=NOT_MET)
def test_what_registers_nobody(question: Question, more: dict[str, Any]) -> None:
    room = Room(**more)

    assert room.meet(question) is None
    assert room.told == []


@pytest.mark.parametrize("uuid", ["", "00000000-0000-0000-0000-000000000000", UUID.replace(UUID, "f" * 8)])
def test_an_empty_uuid_is_none(uuid: str) -> None:
    room = Room()
    room.meet(asks(uuid=uuid))

    assert room.told[0].data["uuid"] == ""


def test_an_address_that_is_no_machines_own_is_not_registered() -> None:
    room = Room()

    for number, odd in enumerate(("00:00:00:00:00:00", "01:00:5e:00:00:01")):
        met = room.meet(asks(odd))
        assert isinstance(met, Ignore), number
        assert met.reason == f"not registered: {odd} is no machine's own address"
    assert room.told == []


def test_firmware_that_repeats_itself_is_told_once() -> None:
    room = Room()

    assert [room.meet(asks()) for _ in range(10)] == [REGISTERED] * 10
    assert len(room.told) == 1
    room.clock.pass_(61)
    assert room.meet(asks()) == REGISTERED
    assert len(room.told) == 2, "an event that was lost is made good"


def test_a_flood_registers_no_more_than_a_minutes_share_and_one_alarm() -> None:
    room = Room()
    for number in range(5000):
        room.meet(asks(mac(number)))

    assert room.kinds().count(Kind.MACHINE_DISCOVERED) == 60
    assert room.kinds().count(Kind.ALARM) == 1
    assert room.told[-1].text.startswith("more than 60 unknown machines asked within a minute")
    met = room.meet(asks(mac(9999)))
    assert isinstance(met, Ignore)
    assert met.reason == "not registered: more than 60 unknown machines asked within a minute"


def test_a_slow_flood_ends_at_the_limit_of_all() -> None:
    """A thousand in all, whoever goes on asking for days."""
    room = Room()
    registered: dict[str, Machine] = {}
    for number in range(3000):
        room.clock.pass_(2)
        room.meet(asks(mac(number)))
        for event in room.told[len(registered) :]:
            if event.kind is Kind.MACHINE_DISCOVERED:
                name = str(event.data["name"])
                registered[event.machine] = Machine(name, event.machine, discovered=True)
        room.sightings.known(registered.values())

    assert len(registered) == 1000
    assert room.kinds().count(Kind.ALARM) == 2, "one an hour"
    named = [Machine("rack1", machine.mac, discovered=True) for machine in list(registered.values())[:1]]
    room.sightings.known([*named, *list(registered.values())[1:]])
    assert room.meet(asks(mac(9999))) == REGISTERED, "one that got a name makes room"


def test_an_address_is_told_when_it_is_another() -> None:
    room, machine = Room(discover=False), Machine("rack1", MAC, address="192.0.2.7")
    for known, address in (
        (machine, "192.0.2.7"),
        (machine, "192.0.2.8"),
        (machine, "192.0.2.8"),
        (Machine("web1", MAC, guest=True), "192.0.2.9"),
        (None, "192.0.2.9"),
    ):
        room.sightings.spoke(known, address, HERE)

    assert [event.text for event in room.told] == ["rack1 has the address 192.0.2.8"]
    for number in range(1000):
        room.sightings.spoke(machine, f"10.0.{number >> 8}.{number & 255}", HERE)
    assert len(room.told) == 60


async def test_from_its_first_question_to_its_disk(world: World) -> None:
    """Unknown, registered, waiting, installed once, back on its disk, and installed again."""
    recorder = Recorder(world.memory)
    snapshot = Snapshot(
        world.memory,
        loaders={"snponly.efi": b"efi"},
        sightings=Sightings(recorder.emit, world.clock, discover=True),
    )
    machines = Machines(world.memory, world.tokens(), world.profiles, world.clock, world.ids, no_staging)

    async def asked(**more: Any) -> Offer | Ignore:
        world.clock.pass_(1)
        await recorder.flush()
        await snapshot.refresh()
        return snapshot.decide(asks(**more), HERE)

    assert await asked() == REGISTERED
    assert await asked() == Ignore("boot your disk: no install is asked for")
    (found,) = await world.memory.machines()
    assert (found.name, found.mac, found.uuid) == ("machine-525400aabbcc", MAC, UUID)
    assert (found.discovered, found.firmware, found.nameless) == (True, "uefi", True)
    await asked(message=3, requested="192.0.2.50")
    await recorder.flush()
    assert (await world.memory.machines())[0].address == "192.0.2.50"
    assert await asked(mac="52:54:00:aa:bb:cd") == Ignore("boot your disk: no install is asked for")
    assert len(await world.memory.machines()) == 1, "another card of the same board"

    for number in (1, 2):
        machine, install = await machines.install(MAC, "tiny", "rack1" if number == 1 else "")
        assert (machine.name, install.id, machine.discovered) == ("rack1", f"i{number}", True)
        assert isinstance(await asked(), Offer)
        await world.happen(Kind.SCRIPT_SENT, Kind.ANSWER_SERVED, install=install.id)
        assert isinstance(await asked(), Ignore)
        await world.happen(Kind.SUCCEEDED, Kind.FIRST_BOOT, install=install.id)
        assert isinstance(await asked(), Ignore)
