"""What every store promises, asked of the database and of the one in memory alike."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.service.ports import GuestRow, Holdings, JournalRow, Opening, Store, Token
from tests.fakes import START, FakeClock

MAC = "52:54:00:00:00:01"
UUID = "00000000-0000-4000-8000-000000000001"
MINUTE = timedelta(minutes=1)
SPEC = GuestSpec(
    "web1",
    "tiny",
    UUID,
    memory=768,
    vcpus=2,
    disks=(Disk(1.5, "fast"), Disk(2, bus="scsi")),
    nics=(Nic("bridge", "br0", MAC),),
    boot="uefi",
)
ROW = GuestRow(
    SPEC,
    "i1",
    "web1-i1",
    START,
    {"ssh_keys": "ssh-ed25519 AAAA me"},
    "qemu:///session",
    "web1-i0",
    Holdings(("web1-i1-2",), (("fast", "web1-i1"),), (("fast", "web1-i1-kernel"),), (("fast", "old"),)),
    first_stage=True,
)


def install(number: int = 1, *, name: str = "web1", mac: str = MAC, uuid: str = UUID) -> Install:
    return Install(f"i{number}", name, mac, uuid, "tiny", Stage.PLANNED, START, START)


def happened(kind: Kind, *, install: str = "i1", machine: str = "", after: int = 0, **data: object) -> Event:
    return Event(kind, START + after * MINUTE, "test", machine, install, str(kind), data)


async def test_an_intent_is_journaled_with_its_install_or_not_at_all(store: Store) -> None:
    intent = JournalRow("i1", 0, "clone to web1", "intent")
    await store.add_install(install(), ROW, Opening(journal=(intent,)))
    with pytest.raises(Conflict):
        other = Opening(journal=(replace(intent, install="i2"),))
        await store.add_install(install(2), replace(ROW, install="i2"), other)

    assert await store.open_journal() == [intent]


async def test_an_event_moves_its_install(store: Store) -> None:
    await store.add_install(install(), None)

    changed = await store.record([happened(Kind.CREATING, after=1), happened(Kind.STARTED, after=2)])

    assert [i.stage for i in changed] == [Stage.BOOTING]
    assert changed == [await store.install("i1")]
    assert changed[0].changed == START + 2 * MINUTE


async def test_a_repeated_event_is_kept_and_changes_nothing(store: Store) -> None:
    await store.add_install(install(), None)
    await store.record([happened(Kind.STARTED)])

    assert await store.record([happened(Kind.DHCP_QUESTION, after=1)] * 2) == []
    assert len(await store.events(install="i1")) == 3


async def test_nothing_leaves_an_end(store: Store) -> None:
    await store.add_install(install(), None)
    await store.record([happened(Kind.FAILED)])

    assert await store.record([happened(Kind.SUCCEEDED), happened(Kind.ANSWER_SERVED)]) == []
    assert (await store.install("i1")).failed_at is Stage.PLANNED


async def test_an_event_of_a_machine_belongs_to_the_install_that_runs(store: Store) -> None:
    await store.add_install(install(1), None)
    await store.add_install(install(2), None)
    await store.record([happened(Kind.CANCELLED, install="i2")])

    await store.record([happened(Kind.DHCP_QUESTION, install="", machine=MAC)])

    event = (await store.events(install="i1"))[-1]
    assert (event.install, event.machine, (await store.install("i1")).stage) == ("i1", MAC, Stage.BOOTING)


async def test_an_event_of_a_machine_whose_installs_are_over_belongs_to_the_latest(store: Store) -> None:
    for number in (1, 2):
        await store.add_install(install(number), None)
        await store.record([happened(Kind.CANCELLED, install=f"i{number}")])

    await store.record([happened(Kind.LOCAL_BOOT, install="", machine=MAC)])

    assert (await store.events())[-1].install == "i2"


async def test_an_event_of_nobody_is_kept(store: Store) -> None:
    stranger = happened(Kind.DHCP_IGNORED, install="", machine="52:54:00:00:00:99")

    assert await store.record([stranger]) == []
    assert await store.events() == [replace(stranger, id=1)]
    assert await store.record([]) == []


async def test_events_come_back_whole_in_order_and_from_where_one_left(store: Store) -> None:
    await store.add_install(install(), None)
    sent = [happened(Kind.TREE_BYTES, after=n, path="/a", percent=20 + n) for n in range(5)]
    await store.record(sent)

    found = await store.events(after=2)

    assert [e.id for e in found] == [3, 4, 5]
    assert found[0] == replace(sent[2], id=3, machine=MAC)
    assert len(await store.events(limit=2)) == 2
    assert await store.events(install="other") == []
    assert await store.last_event_id() == 5


async def test_events_can_be_asked_for_by_kind(store: Store) -> None:
    await store.add_install(install(), None)
    await store.record([happened(Kind.STARTED), happened(Kind.LOG, after=3), happened(Kind.ALARM, after=5)])

    assert [e.kind for e in await store.events(install="i1", kinds=(Kind.LOG, Kind.ALARM))] == [
        Kind.LOG,
        Kind.ALARM,
    ]
    assert await store.last_seen("i1") == START + 5 * MINUTE
    assert await store.last_seen("i1", (Kind.LOG, Kind.STARTED)) == START + 3 * MINUTE
    assert await store.last_seen("nobody") is None


async def test_an_empty_store_has_no_last_event(store: Store) -> None:
    assert await store.last_event_id() == 0


async def test_a_guest_comes_back_as_it_was_put(store: Store) -> None:
    await store.add_install(install(), ROW)

    assert await store.guest("web1") == ROW
    assert await store.guests() == [ROW]
    assert await store.machine(mac=MAC) == Machine("web1", MAC, UUID, guest=True, profile="tiny")
    moved = replace(ROW, volume="other", old_volume="")
    await store.put_guest(moved)
    assert await store.guest("web1") == moved


@pytest.mark.parametrize(
    ("name", "mac", "uuid"),
    [("web1", "52:54:00:00:00:02", ""), ("web2", MAC, ""), ("web2", "52:54:00:00:00:02", UUID)],
    ids=["name", "mac", "uuid"],
)
async def test_a_second_guest_with_the_same_identity_is_refused(
    store: Store, name: str, mac: str, uuid: str
) -> None:
    await store.add_install(install(), ROW)
    nics = (Nic("bridge", "br0", mac),)
    other = replace(SPEC, name=name, nics=nics, uuid=uuid or UUID.replace("1", "2"))

    with pytest.raises(Conflict):
        await store.add_install(install(2, name=name, mac=mac), replace(ROW, spec=other, install="i2"))

    assert [i.id for i in await store.installs()] == ["i1"]
    assert [m.name for m in await store.machines()] == ["web1"]


async def test_of_a_hundred_that_want_one_name_one_gets_it(store: Store) -> None:
    async def create(number: int) -> bool:
        mac = f"52:54:00:00:01:{number:02x}"
        uuid = f"00000000-0000-4000-8000-{number:012x}"
        nics = (Nic("bridge", "br0", mac),)
        row = replace(ROW, spec=replace(SPEC, nics=nics, uuid=uuid), install=f"i{number}")
        try:
            await store.add_install(install(number, mac=mac, uuid=uuid), row)
        except Conflict:
            return False
        return True

    won = await asyncio.gather(*(create(number) for number in range(100)))

    assert sum(won) == 1
    assert len(await store.installs()) == len(await store.guests()) == len(await store.machines()) == 1


async def test_a_removed_guest_frees_its_name_and_leaves_its_install(store: Store) -> None:
    await store.add_install(install(), ROW)
    await store.record([happened(Kind.CANCELLED)])

    await store.remove_guest("web1")
    await store.remove_guest("web1")

    assert (await store.install("web1")).stage is Stage.CANCELLED
    with pytest.raises(NotFound, match="web1"):
        await store.guest("web1")
    await store.add_install(install(2), replace(ROW, install="i2"))
    assert (await store.install("web1")).id == "i2"


async def test_a_rebuild_waits_for_the_end_of_the_last_install(store: Store) -> None:
    await store.add_install(install(), ROW)
    again = replace(ROW, install="i2", volume="web1-i2", old_volume="web1-i1")

    with pytest.raises(Conflict):
        await store.add_rebuild(install(2), again)
    assert await store.guest("web1") == ROW
    await store.record([happened(Kind.CANCELLED)])
    await store.add_rebuild(install(2), again)

    assert await store.guest("web1") == again
    assert [i.id for i in await store.installs()] == ["i2", "i1"]
    with pytest.raises(NotFound):
        await store.put_guest(replace(ROW, spec=replace(SPEC, name="nobody")))


async def test_installs_are_found_by_id_by_name_and_by_what_is_known_of_a_machine(
    store: Store, clock: FakeClock
) -> None:
    await store.add_install(install(1), None)
    await store.add_install(install(2, name="web2", mac="52:54:00:00:00:02", uuid=UUID[:-1] + "2"), None)
    await store.bind("i1", "10.0.0.5")

    async def found(**known: str) -> str:
        match = await store.install_of(**known)
        return match.id if match else ""

    assert (await store.install("web2")).id == (await store.install("i2")).id == "i2"
    assert await found(mac=MAC) == await found(uuid=UUID) == await found(address="10.0.0.5") == "i1"
    assert await found(mac="52:54:00:00:00:77", uuid=UUID[:-1] + "2") == "i2"
    assert await found(mac="52:54:00:00:00:77") == await found(address="10.0.0.6") == await found() == ""
    with pytest.raises(NotFound, match="web9"):
        await store.install("web9")


async def test_an_address_leads_to_an_install_that_runs_or_has_just_ended(
    store: Store, clock: FakeClock
) -> None:
    await store.add_install(install(), None)
    await store.bind("i1", "10.0.0.5")
    await store.record([happened(Kind.CANCELLED)])

    assert await store.install_of(address="10.0.0.5") is not None
    clock.pass_(3600)
    assert await store.install_of(address="10.0.0.5") is None


async def test_the_first_address_is_the_bound_one(store: Store) -> None:
    await store.add_install(install(), None)

    assert await store.bind("i1", "10.0.0.5") == "10.0.0.5"
    assert await store.bind("i1", "10.0.0.6") == "10.0.0.5"
    assert (await store.install("i1")).address == "10.0.0.5"
    await store.record([happened(Kind.STARTED)])
    await store.bump_resets("i1")
    assert ((await store.install("i1")).address, (await store.install("i1")).resets) == ("10.0.0.5", 1)
    with pytest.raises(NotFound):
        await store.bind("i9", "10.0.0.5")


async def test_active_installs_are_listed_however_many(store: Store) -> None:
    for number in range(1, 6):
        await store.add_install(install(number, name=f"web{number}"), None)
    await store.record([happened(Kind.CANCELLED, install="i2")])

    assert [i.id for i in await store.installs(active=True, limit=2)] == ["i5", "i4", "i3", "i1"]
    assert [i.id for i in await store.installs(limit=2)] == ["i5", "i4"]


async def put_tokens(store: Store, expires: int) -> None:
    for kind in ("stub", "answer", "report"):
        await store.put_token(kind, Token("i1", kind, START + expires * MINUTE))


async def test_an_end_takes_all_tokens_but_the_report_for_the_first_boot(store: Store) -> None:
    await store.add_install(install(), None)
    await put_tokens(store, expires=60)

    await store.record([happened(Kind.CANCELLED, after=10)])

    tokens = [await store.token(kind) for kind in ("stub", "answer", "report")]
    assert [token.revoked for token in tokens if token] == [True, True, False]
    assert tokens[2] == Token("i1", "report", START + 25 * MINUTE)


async def test_an_end_lengthens_no_token(store: Store) -> None:
    await store.add_install(install(), None)
    await put_tokens(store, expires=12)

    await store.record([happened(Kind.CANCELLED, after=10)])

    assert await store.token("report") == Token("i1", "report", START + 12 * MINUTE)


async def test_a_sign_of_life_pushes_the_expiry(store: Store) -> None:
    await store.add_install(install(), None)
    await put_tokens(store, expires=60)

    await store.record([happened(Kind.DHCP_QUESTION, after=10)])
    assert await store.token("answer") == Token("i1", "answer", START + 60 * MINUTE)
    await store.record([happened(Kind.SCRIPT_SENT, after=30)])
    assert await store.token("answer") == Token("i1", "answer", START + 90 * MINUTE)
    await store.touch_tokens("i1", START)
    assert await store.token("answer") == Token("i1", "answer", START + 90 * MINUTE)


async def test_a_revoked_token_stays_revoked(store: Store) -> None:
    await store.add_install(install(), None)
    await put_tokens(store, expires=60)
    await store.record([happened(Kind.CANCELLED, after=1)])

    await store.put_token("answer", Token("i1", "answer", START + 99 * MINUTE))
    await store.touch_tokens("i1", START + 99 * MINUTE)

    found = await store.token("answer")
    assert found is not None and found.revoked
    assert await store.token("unknown") is None


async def test_the_journal_is_open_until_it_is_closed(store: Store) -> None:
    await store.add_install(install(1), None)
    await store.add_install(install(2), None)
    await store.journal(JournalRow("i1", 1, "define", "intent"))
    await store.journal(JournalRow("i1", 0, "create", "done"))
    await store.journal(JournalRow("i2", 0, "create", "intent"))
    await store.journal(JournalRow("i1", 1, "define", "done"))

    await store.close_journal("i2")

    assert await store.open_journal() == [
        JournalRow("i1", 0, "create", "done"),
        JournalRow("i1", 1, "define", "done"),
    ]


async def test_machines_are_known_by_name_mac_and_uuid(store: Store) -> None:
    metal = Machine("rack1", MAC, UUID, profile="tiny")
    await store.add_machine(metal)
    await store.add_machine(Machine("rack2", "52:54:00:00:00:02"))

    assert [await store.machine(**{k: v}) for k, v in (("name", "rack1"), ("mac", MAC), ("uuid", UUID))] == [
        metal
    ] * 3
    assert await store.machine(name="rack3") is None
    assert await store.machine() is None
    for taken in (Machine("rack1", "52:54:00:00:00:03"), Machine("rack3", MAC)):
        with pytest.raises(Conflict):
            await store.add_machine(taken)
    await store.remove_machine("rack1")
    assert [m.name for m in await store.machines()] == ["rack2"]
    with pytest.raises(NotFound, match="rack1"):
        await store.remove_machine("rack1")


async def test_removing_a_guest_leaves_a_machine_of_that_name(store: Store) -> None:
    await store.add_machine(Machine("rack1", MAC))

    await store.remove_guest("rack1")

    assert await store.machine(name="rack1") is not None
