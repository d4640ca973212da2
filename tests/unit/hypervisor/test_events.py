"""Whose events are told, in which order, and what a gap in the connection makes up for."""

import asyncio
from collections.abc import Mapping

import pytest

from provisioner.core.host import Domain
from provisioner.hypervisor.events import Seen, Watch

OURS, THEIRS = "uuid-ours", "uuid-theirs"


def domain(state: str = "running", uuid: str = OURS, *, ours: bool = True) -> Domain:
    return Domain("web1", uuid, state, ours)  # type: ignore[arg-type]


class Room:
    """A watch whose libvirt is a table: UUID to whether it is ours; what is not in it is gone."""

    def __init__(self, tagged: Mapping[str, bool]) -> None:
        self.tagged = dict(tagged)
        self.watch = Watch(self._is_ours)
        self.told: list[tuple[str, str]] = []
        self.watch.callbacks.append(lambda name, uuid, event: self.told.append((uuid, event)))

    async def _is_ours(self, uuid: str) -> bool | None:
        return self.tagged.get(uuid)

    async def hear(self, *events: Seen) -> list[tuple[str, str]]:
        for event in events:
            self.watch._queue.put_nowait(event)
        task = asyncio.create_task(self.watch.run())
        while not self.watch._queue.empty():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        return self.told


async def test_only_ours_are_told_and_in_order() -> None:
    told = await Room({OURS: True, THEIRS: False}).hear(
        Seen("web1", OURS, "started"),
        Seen("x", THEIRS, "started"),
        Seen("web1", OURS, "rebooted"),
        Seen("x", THEIRS, "stopped"),
        Seen("web1", OURS, "crashed"),
        Seen("web1", OURS, "undefined"),
        Seen("x", THEIRS, "undefined"),
    )

    assert told == [(OURS, event) for event in ("started", "rebooted", "crashed", "undefined")]


async def test_a_guest_that_is_gone_already_is_told_to_its_end() -> None:
    room = Room({})
    room.watch.learn("web1", OURS)

    told = await room.hear(
        Seen("web1", OURS, "defined"),
        Seen("web1", OURS, "started"),
        Seen("web1", OURS, "stopped"),
        Seen("web1", OURS, "undefined"),
        Seen("web1", OURS, "started"),
    )

    assert told == [(OURS, event) for event in ("started", "stopped", "undefined")]


async def test_a_guest_whose_metadata_was_taken_away_is_ours_no_more() -> None:
    room = Room({OURS: False})
    room.watch.learn("web1", OURS)

    assert await room.hear(Seen("web1", OURS, "defined"), Seen("web1", OURS, "stopped")) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("running", "running", []),
        ("running", "paused", []),
        ("running", "shut off", ["stopped"]),
        ("running", "crashed", ["stopped"]),
        ("running", None, ["stopped", "undefined"]),
        ("shut off", "running", ["started"]),
        ("shut off", "shut off", []),
        ("shut off", None, ["undefined"]),
        (None, "running", []),
    ],
)
async def test_what_was_missed_is_told_after_a_reconnect(
    before: str | None, after: str | None, told: list[str]
) -> None:
    room = Room({OURS: True})
    foreign = domain("running", THEIRS, ours=False)
    room.watch.resync([foreign, *([domain(before)] if before else [])], again=False)

    room.watch.resync([domain(after)] if after else [], again=True)

    assert await room.hear() == [(OURS, event) for event in told]
