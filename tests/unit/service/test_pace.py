"""What the service learns of installs that it follows, and what it tells of them."""

from datetime import timedelta
from typing import NoReturn

import pytest

from provisioner.core.errors import NotFound
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.service.installs import Installs
from provisioner.service.pace import FIRST, Paces
from tests.fakes import START, FakeClock
from tests.memory import MemoryStore
from tests.unit.pace.runs import GOOD, WAY


class World:
    """A store, a clock that may jump, one that may not, and what follows the installs."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.steady = 0.0
        self.store = MemoryStore(self.clock)
        self.paces = self.restarted()

    def restarted(self) -> Paces:
        return Paces(self.store, self.clock, lambda: self.steady)

    def pass_(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        self.steady += seconds

    async def begin(self, name: str) -> Install:
        install = Install(name, name, f"m{name}", "u", "p", Stage.PLANNED, self.clock(), self.clock())
        await self.store.add_install(install, None)
        return install

    async def happen(self, install: str, kind: Kind) -> None:
        data = WAY if kind is Kind.PLANNED else {}
        await self.store.record([Event(kind, self.clock(), "test", f"m{install}", install, data=data)])

    async def run(self, name: str, until: Kind = Kind.REBOOTED, speed: float = 1) -> None:
        """A run that passes in the time of the good one, until something happened."""
        await self.begin(name)
        before = 0.0
        for at, kind in GOOD:
            self.pass_((at - before) / speed)
            before = at
            await self.happen(name, kind)
            await self.paces.tick()
            if kind is until:
                return

    async def look(self, name: str) -> tuple[int, float | None]:
        (found,) = await self.paces.look([await self.store.install(name)])
        return found.percent, found.left.middle if found.left else None


def _no_host(uri: str) -> NoReturn:
    raise AssertionError(f"nobody asks {uri}")


async def test_the_first_install_of_a_profile_is_told_by_its_stages_alone() -> None:
    world = World()
    await world.run("i1", Kind.ANSWER_SERVED)

    assert await world.look("i1") == (20, None)


async def test_the_next_is_told_by_what_the_first_took() -> None:
    world = World()
    await world.run("i1")
    await world.run("i2", Kind.ANSWER_SERVED)

    assert await world.look("i1") == (100, None)
    assert await world.look("i2") == (20, 160)
    world.pass_(30)
    assert await world.look("i2") == (35, 130)


async def test_what_ran_when_the_service_began_is_read_from_its_beginning() -> None:
    world = World()
    await world.run("i1")
    await world.run("i2", Kind.ANSWER_SERVED)
    world.pass_(30)

    world.paces = world.restarted()

    assert await world.look("i2") == (35, 130)


async def test_installs_that_ended_unseen_are_learnt_from() -> None:
    world = World()
    await world.run("i1")
    for name in ("i2", "i3"):
        await world.begin(name)
        for _, kind in GOOD:
            await world.happen(name, kind)
    world.paces = world.restarted()

    await world.paces.tick()

    assert {sample.install for sample in await world.store.samples("p")} == {"i1", "i2", "i3"}


@pytest.mark.parametrize("days", [1, -1])
async def test_a_date_that_is_set_moves_no_percentage(days: int) -> None:
    world = World()
    await world.run("i1")
    await world.run("i2", Kind.ANSWER_SERVED)
    assert await world.look("i2") == (20, 160)
    world.clock.now += timedelta(days=days)
    world.pass_(15)

    assert await world.look("i2") == (27, 145)

    await world.happen("i2", Kind.SUCCEEDED)
    percent, left = await world.look("i2")
    assert percent == 95
    assert left is not None and left <= 10


async def test_an_install_whose_date_was_put_back_is_not_learnt_from() -> None:
    world = World()
    await world.run("i1", Kind.ANSWER_SERVED)
    world.clock.now = START - timedelta(days=1)
    for kind in (Kind.SUCCEEDED, Kind.REBOOTED):
        await world.happen("i1", kind)
    await world.paces.tick()

    assert (await world.store.install("i1")).stage is Stage.INSTALLED
    assert await world.store.samples("p") == []


async def test_deadlines_are_the_first_ones_until_enough_is_known() -> None:
    world = World()
    for name in ("i1", "i2"):
        await world.run(name)
    await world.run("i3", Kind.ANSWER_SERVED)
    install = await world.store.install("i3")

    assert {stage: await world.paces.deadline(install, stage) for stage in FIRST} == FIRST
    assert await world.paces.deadline(install, Stage.FINISHING) is None


async def test_deadlines_are_learnt_and_never_hasty() -> None:
    quick, slow = World(), World()
    for number in range(3):
        await quick.run(f"i{number}")
        await slow.run(f"i{number}", speed=0.05)
    for world in (quick, slow):
        await world.run("next", Kind.ANSWER_SERVED)

    found = await quick.store.install("next")
    assert await quick.paces.deadline(found, Stage.BOOTING) == 300
    assert await quick.paces.deadline(found, Stage.INSTALLING) == 900
    found = await slow.store.install("next")
    assert await slow.paces.deadline(found, Stage.LOADING) == pytest.approx(4 * 32 * 20)
    assert await slow.paces.deadline(found, Stage.INSTALLING) == pytest.approx(4 * 150 * 20)


async def test_an_install_is_compared_with_the_others_of_its_profile() -> None:
    world = World()
    for number in range(3):
        await world.run(f"i{number}")
    await world.run("late", Kind.SCRIPT_SENT)
    world.pass_(200)

    found = await world.paces.compare("late")

    assert found.slower == "loading has taken 3 m 22 s, usually 32 s"
    loading = next(row for row in found.stages if row.stage is Stage.LOADING)
    assert (loading.took, loading.usual and loading.usual.middle) == (202, 32)
    why = await Installs(world.store, _no_host, world.clock, world.paces.slower).why("late")
    assert why.paragraph.endswith(" Loading has taken 3 m 22 s, usually 32 s.")
    over = await world.paces.compare("i1")
    assert (over.slower, over.age) == ("", 200)


async def test_a_profile_that_never_ended_well_has_no_pace() -> None:
    world = World()
    await world.run("i1", Kind.ANSWER_SERVED)

    with pytest.raises(NotFound, match="no install of profile p has ended well yet"):
        await world.paces.of_profile("p")

    await world.run("i2")
    (pace,) = await world.paces.of_profile("p")
    assert pace.expected == 200
