import pytest

from provisioner.core.errors import Unavailable
from provisioner.core.install import Kind, Stage
from provisioner.service.ports import DomainEvent
from provisioner.service.progress import Progress
from tests.unit.service.world import REQUEST, World

SEEN: dict[DomainEvent, tuple[Kind, Stage]] = {
    "stopped": (Kind.STOPPED, Stage.INSTALLED),
    "rebooted": (Kind.REBOOTED, Stage.INSTALLED),
    "crashed": (Kind.ALARM, Stage.FINISHING),
    "undefined": (Kind.ALARM, Stage.FINISHING),
    "started": (Kind.SUCCEEDED, Stage.FINISHING),
}


@pytest.mark.parametrize(("seen", "noted"), SEEN.items(), ids=SEEN)
async def test_what_libvirt_tells_after_the_success_report(
    world: World, seen: DomainEvent, noted: tuple[Kind, Stage]
) -> None:
    await world.guests().create(REQUEST)
    await world.happen(Kind.ANSWER_SERVED, Kind.SUCCEEDED)
    progress = Progress(world.memory, world.clock)

    progress.on_domain_event("web1", (await world.memory.guest("web1")).spec.uuid, seen)
    await progress.drain()

    assert ((await world.kinds())[-1], (await world.memory.install("i1")).stage) == noted


async def test_events_are_written_in_their_order(world: World) -> None:
    await world.guests().create(REQUEST)
    await world.happen(Kind.ANSWER_SERVED)
    uuid = (await world.memory.guest("web1")).spec.uuid
    progress = Progress(world.memory, world.clock)

    for event in ("rebooted", "crashed", "rebooted", "stopped"):
        progress.on_domain_event("web1", uuid, event)
    await progress.drain()

    assert (await world.kinds())[-4:] == [Kind.REBOOTED, Kind.ALARM, Kind.REBOOTED, Kind.STOPPED]
    assert (await world.memory.install("i1")).stage is Stage.INSTALLING


async def test_foreign_domains_and_installs_that_are_over_are_not_noted(world: World) -> None:
    await world.guests().create(REQUEST)
    await world.happen(Kind.CANCELLED)
    before = await world.memory.last_event_id()
    progress = Progress(world.memory, world.clock)

    progress.on_domain_event("old", "11111111-0000-4000-8000-000000000001", "stopped")
    progress.on_domain_event("web1", (await world.memory.guest("web1")).spec.uuid, "stopped")
    await progress.drain()

    assert await world.memory.last_event_id() == before


async def test_an_event_that_cannot_be_kept_stops_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await world.guests().create(REQUEST)
    uuid = (await world.memory.guest("web1")).spec.uuid
    progress = Progress(world.memory, world.clock)
    record = world.memory.record

    async def away(events: object) -> None:
        raise Unavailable("the database is away")

    monkeypatch.setattr(world.memory, "record", away)
    progress.on_domain_event("web1", uuid, "rebooted")
    await progress.drain()
    monkeypatch.setattr(world.memory, "record", record)
    progress.on_domain_event("web1", uuid, "stopped")
    await progress.drain()

    assert "the database is away" in caplog.text
    assert (await world.kinds())[-1] is Kind.STOPPED


async def test_a_note_is_recorded_at_once(world: World) -> None:
    await world.guests().create(REQUEST)
    progress = Progress(world.memory, world.clock)

    changed = await progress.note(
        Kind.ANSWER_SERVED, install="i1", source="http", text="ks.cfg", data={"a": 1}
    )

    assert [install.stage for install in changed] == [Stage.INSTALLING]
    last = (await world.memory.events())[-1]
    assert (last.source, last.text, last.data) == ("http", "ks.cfg", {"a": 1})
