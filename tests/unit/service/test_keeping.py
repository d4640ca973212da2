"""The end of an install: its screen, its last words and its log kept, once, and removed in time."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from provisioner.core.errors import Conflict
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.media.evidence import Evidence
from provisioner.media.guest_logs import Logs
from provisioner.service.evidence_sweep import EvidenceSweep
from provisioner.service.keeping import Keeping
from provisioner.service.ports import GuestRow
from tests.fakes import START, FakeClock
from tests.memory import MemoryStore

TOKEN = "T" * 43


class Screens:
    def __init__(self) -> None:
        self.picture: bytes | None = b"\x89PNG"
        self.asked = 0

    def __call__(self, uri: str) -> "Screens":
        return self

    async def screenshot(self, name: str, uuid: str) -> bytes:
        self.asked += 1
        if self.picture is None:
            raise Conflict(f"guest {name} is off")
        return self.picture


class World:
    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.files = Evidence(folder / "evidence")
        self.folder = folder / "logs"
        self.folder.mkdir()
        self.logs = Logs(self.folder)
        self.screens = Screens()
        self.keeping = self.again()

    def again(self) -> Keeping:
        return Keeping(self.store, self.screens, self.files, self.logs, self.clock, last_words=0)  # type: ignore[arg-type]

    async def ended(self, kind: Kind, install: str = "i1") -> Install:
        mac, uuid = "52:54:00:00:00:01", "00000000-0000-4000-8000-000000000001"
        made = Install(install, "web1", mac, uuid, "p", Stage.INSTALLING, START, START, answered=START)
        row = GuestRow(
            GuestSpec("web1", "p", uuid, nics=(Nic("network", "default", mac),)), install, "v", START, {}
        )
        await self.store.add_install(made, row)
        (self.folder / f"{install}.log").write_bytes(
            b"x" * 300_000 + f"\n/answer/{TOKEN}/ks.cfg\nend\n".encode()
        )
        await self.store.record([Event(kind, self.clock(), "http", install=install, text="it broke")])
        return await self.store.install(install)

    async def tick(self) -> None:
        await self.keeping.tick()
        await self.keeping.drain()

    def sweep(self, days: int = 30, size: int = 1 << 30) -> EvidenceSweep:
        return EvidenceSweep(self.store, self.files, self.logs, self.clock, days=days, size=size)


async def test_a_failure_is_kept_with_its_screen_and_last_words(tmp_path: Path) -> None:
    world = World(tmp_path)
    install = await world.ended(Kind.FAILED)
    (world.folder / "i1.anaconda.log").write_bytes(b"anaconda says\n")

    await world.keeping.ended(install)
    await world.tick()

    serial = await world.files.read("i1", "serial")
    assert len(serial) <= 256 * 1024
    assert serial.endswith(b"\n/answer/***/ks.cfg\nend\n")
    assert await world.files.read("i1", "log") == b"anaconda says\n"
    (event,) = await world.store.events(kinds=[Kind.KEPT])
    assert event.data == {"log": 14, "serial": len(serial), "screen": 4}
    assert event.text == "kept: its installer's log and the end of its serial line and its screen"
    assert world.screens.asked == 1


async def test_the_log_of_a_report_stays(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.files.keep("i1", "log", b"reported")
    await world.ended(Kind.FAILED)
    (world.folder / "i1.anaconda.log").write_bytes(b"other")

    await world.tick()

    assert await world.files.read("i1", "log") == b"reported"


async def test_a_success_keeps_less_and_no_screen(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.ended(Kind.DONE)

    await world.tick()

    assert world.screens.asked == 0
    assert len(await world.files.read("i1", "serial")) <= 32 * 1024
    assert await world.store.events(kinds=[Kind.KEPT]) == []


async def test_a_guest_that_is_off_has_no_screen(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.screens.picture = None
    await world.ended(Kind.DEADLINE)

    await world.tick()

    assert set(await world.files.sizes("i1")) == {"serial"}


async def test_a_restart_keeps_nothing_twice_and_what_was_missed(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.ended(Kind.FAILED)
    await world.tick()
    world.keeping = world.again()
    await world.tick()
    assert len(await world.store.events(kinds=[Kind.KEPT])) == 1

    world.clock.pass_(2 * 3600)
    world.keeping = world.again()
    await world.files.remove("i1")
    await world.tick()
    assert await world.files.sizes("i1") == {}  # too long ago: its guest does something else by now


async def test_what_is_old_or_of_a_guest_that_is_gone_is_removed(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.ended(Kind.FAILED)
    await world.tick()
    begun = world.clock().timestamp()
    for file in [*(tmp_path / "evidence/i1").iterdir(), *world.folder.iterdir()]:
        os.utime(file, (begun, begun))
    await world.files.keep("unknown", "log", b"x")

    assert await world.sweep().mend() == ["what was kept of install unknown is too old: removed"]
    world.clock.pass_(8 * 24 * 3600)
    assert await world.sweep().mend() == []
    await world.store.remove_guest("web1")
    assert len(await world.sweep().mend()) == 1
    assert list(world.folder.iterdir()) == []


async def test_the_oldest_makes_room(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.ended(Kind.FAILED)
    first = await world.store.install("i1")
    for number in range(2, 6):
        await world.store.add_rebuild(replace(first, id=f"i{number}"), await world.store.guest("web1"))
        await world.store.record([Event(Kind.CANCELLED, START, "x", install=f"i{number}")])
    for number in range(1, 6):
        await world.files.keep(f"i{number}", "log", b"x" * 1000)
        os.utime(tmp_path / f"evidence/i{number}/log.txt", (START.timestamp() + number,) * 2)

    await world.sweep(size=2500).mend()

    assert set(await world.files.installs()) == {"i4", "i5"}


async def test_many_ends_at_once_are_kept_beside_each_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    install = await world.ended(Kind.FAILED)

    await asyncio.gather(*(world.keeping.ended(install) for _ in range(10)))
    await world.keeping.drain()

    assert world.screens.asked == 1
