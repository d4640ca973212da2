"""What events tell of machines, and the installs of machines that are no guests, in every store alike."""

import asyncio
from dataclasses import replace

import pytest

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.service.ports import Opening, Store, Token
from tests.contract.test_store import MAC, MINUTE, ROW, UUID, install
from tests.fakes import START

OTHER = "52:54:00:00:00:77"
NAME = "machine-525400000077"
FOUND = Machine(
    NAME, OTHER, UUID, discovered=True, firmware="uefi", address="", first_seen=START, last_seen=START
)


def told(kind: Kind, *, source: str = "dhcp", after: int = 0, machine: str = OTHER, **data: object) -> Event:
    return Event(kind, START + after * MINUTE, source, machine=machine, text=str(kind), data=data)


def discovered(**more: object) -> Event:
    return told(Kind.MACHINE_DISCOVERED, **{"uuid": UUID, "firmware": "uefi", "address": "", **more})  # type: ignore[arg-type]


def run(number: int = 1, name: str = NAME) -> Install:
    return Install(f"i{number}", name, OTHER, "", "tiny", Stage.PLANNED, START, START)


async def test_a_discovered_machine_is_a_machine_with_its_event(store: Store) -> None:
    await store.record([discovered()])

    assert await store.machines() == [FOUND]
    assert await store.machine(mac=OTHER) == FOUND
    assert [event.kind for event in await store.events()] == [Kind.MACHINE_DISCOVERED]


async def test_one_that_is_known_by_then_stays_as_it_is(store: Store) -> None:
    await store.add_machine(Machine("rack1", OTHER, profile="tiny"))
    await store.record([discovered(), discovered(after=1)])
    seen = replace(FOUND, name="rack1", uuid=None, profile="tiny", discovered=False)
    seen = replace(seen, last_seen=START + MINUTE)
    assert await store.machines() == [seen]

    taken = Machine(NAME.replace("77", "78"), "52:54:00:00:00:99")
    await store.add_machine(taken)
    await store.record([discovered(machine="52:54:00:00:00:78")])
    assert await store.machines() == [taken, seen]


async def test_events_of_the_wire_tell_when_and_where_a_machine_was_seen(store: Store) -> None:
    await store.record([discovered()])
    await store.record(
        [
            told(Kind.MACHINE_MOVED, after=1, address="192.0.2.7"),
            told(Kind.LOCAL_BOOT, after=2, firmware="bios"),
            told(Kind.LOG, after=3, source="service", address="192.0.2.8"),
            told(Kind.LOG, after=4, machine="52:54:00:00:00:78", address="192.0.2.9"),
        ]
    )
    after = replace(FOUND, address="192.0.2.7", firmware="bios", last_seen=START + 2 * MINUTE)
    assert await store.machines() == [after]

    await store.record([told(Kind.SCRIPT_SENT, after=5, source="http", address="192.0.2.10")])
    assert await store.machines() == [replace(after, address="192.0.2.10", last_seen=START + 5 * MINUTE)]


async def test_a_guest_is_seen_by_its_install(store: Store) -> None:
    await store.add_install(install(), ROW)
    await store.record([told(Kind.DHCP_QUESTION, machine=MAC, address="192.0.2.7")])

    assert [m.last_seen for m in await store.machines()] == [None]


async def test_a_run_begins_with_its_machine_its_tokens_and_its_event(store: Store) -> None:
    planned = Event(Kind.PLANNED, START, "service", OTHER, "i1", "waits")
    opening = Opening((planned,), (("digest", Token("i1", "answer", START + MINUTE)),))
    await store.add_run(run(), Machine(NAME, OTHER, profile="tiny"), opening=opening)

    assert await store.machines() == [Machine(NAME, OTHER, profile="tiny")]
    assert await store.install(NAME) == run()
    assert await store.token("digest") == Token("i1", "answer", START + MINUTE)
    assert [event.kind for event in await store.events(install="i1")] == [Kind.PLANNED]


async def test_a_run_may_name_its_machine_and_leaves_what_is_known_of_it(store: Store) -> None:
    await store.record([discovered()])

    await store.add_run(run(name="rack1"), replace(FOUND, name="rack1", profile="tiny"), was=NAME)

    assert await store.machines() == [replace(FOUND, name="rack1", profile="tiny")]
    await store.record([Event(Kind.FAILED, START, "service", install="i1")])
    await store.add_run(run(2, "rack1"), replace(FOUND, name="rack1", profile="other"), was="rack1")
    assert await store.machines() == [replace(FOUND, name="rack1", profile="other")]
    assert (await store.install("rack1")).id == "i2"


async def test_what_stands_against_a_run_leaves_nothing_behind(store: Store) -> None:
    await store.add_install(install(3), replace(ROW, install="i3"))
    await store.add_run(run(), Machine(NAME, OTHER))
    before = await store.machines(), await store.installs()

    with pytest.raises(Conflict, match=r"install i1 of .* is still running"):
        await store.add_run(run(2), Machine(NAME, OTHER), was=NAME)
    await store.record([Event(Kind.FAILED, START, "service", install="i1")])
    with pytest.raises(NotFound, match="nobody"):
        await store.add_run(run(2), Machine("nobody", OTHER), was="nobody")
    with pytest.raises(Conflict, match="web1"):
        await store.add_run(run(2, "web1"), Machine("web1", OTHER), was=NAME)
    with pytest.raises(Conflict, match="web1"):
        await store.add_run(run(2, "web1"), Machine("web1", "52:54:00:00:00:88"))

    assert [m for m in await store.machines() if not m.last_seen] == before[0]
    assert [i.id for i in await store.installs()] == [i.id for i in before[1]]


async def test_of_runs_that_are_asked_for_at_once_one_begins(store: Store) -> None:
    await store.add_machine(Machine(NAME, OTHER))

    done = await asyncio.gather(
        *(store.add_run(run(n), Machine(NAME, OTHER, profile="tiny"), was=NAME) for n in range(10)),
        return_exceptions=True,
    )

    assert [result for result in done if not isinstance(result, Conflict)] == [None]
    assert len(await store.installs(active=True)) == 1
