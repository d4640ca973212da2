"""Installs followed by their events: how far each is, how long it will take, and what its end teaches."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from provisioner.core.errors import NotFound
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.pace.budget import Budget, budget, verdict
from provisioner.pace.learn import ENOUGH, Pace, Sample, learn, sample
from provisioner.pace.marks import Run, Way
from provisioner.pace.outlook import Outlook, look
from provisioner.service.installs import whole_timeline
from provisioner.service.ports import Clock, Store
from provisioner.service.waits import Monotonic

KEPT = 200
"""Samples of a profile."""
_BATCH = 1000
_READ_AT_ONCE = 50
"""Installs whose events are read from their beginning in one look: those that ran when the service began."""
_LEARNT_AT_ONCE = 10
_TOGETHER = 100
"""Installs that are judged before others have their turn."""
_REMEMBERED = 2000
_TIMES = 4
"""A deadline is so many times what one of twenty installs took longer than."""
_LEAST = {Stage.CREATING: 300.0, Stage.BOOTING: 300.0, Stage.LOADING: 600.0, Stage.INSTALLING: 900.0}
FIRST = {Stage.CREATING: 300.0, Stage.BOOTING: 300.0, Stage.LOADING: 600.0, Stage.INSTALLING: 5400.0}
"""Seconds of a stage, of silence in installing, until enough installs of the profile were seen."""


@dataclass(slots=True)
class _Followed:
    """`lasted` is the run's age at its latest event, which came at `noted` of the clock that never jumps."""

    run: Run
    lasted: float
    noted: float
    percent: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """An install beside the others of its profile; `slower` in one sentence, `pace` None: there are none."""

    install: Install
    stages: tuple[Budget, ...]
    slower: str
    pace: Pace | None
    age: float


class Paces:
    """Reads every event once. What an install is compared with are those that had ended when it began."""

    def __init__(self, store: Store, clock: Clock, monotonic: Monotonic = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._runs: dict[str, _Followed] = {}
        self._after: int | None = None
        self._looked = monotonic()
        self._samples: dict[str, tuple[Sample, ...]] = {}
        self._paces: dict[tuple[str, Way, int], Pace | None] = {}
        self._missed: list[Install] | None = None
        self._lock = asyncio.Lock()

    async def look(self, installs: Sequence[Install]) -> list[Outlook]:
        """What is to be told of each. Of one that is not known yet that is what itself says."""
        async with self._lock:
            await self._follow()
            await self._read([install for install in installs if not install.over])
            told = []
            for number, install in enumerate(installs, 1):
                told.append(await self._outlook(install))
                if number % _TOGETHER == 0:
                    await asyncio.sleep(0)
            return told

    async def tick(self) -> None:
        """Learns from what ended, however few look."""
        async with self._lock:
            await self._follow()
            await self._read(await self._store.installs(active=True))
            await self._catch_up()

    async def deadline(self, install: Install, stage: Stage) -> float | None:
        """Seconds that a stage may take, of installing the silence in it; None for a stage without one."""
        if stage not in FIRST:
            return None
        async with self._lock:
            followed = self._runs.get(install.id)
            pace = await self._pace(followed.run) if followed else None
        if pace is None or len(pace.samples) < ENOUGH:
            return FIRST[stage]
        usual = pace.silence if stage is Stage.INSTALLING else pace.stages.get(stage)
        return max(_LEAST[stage], _TIMES * usual.most) if usual else FIRST[stage]

    async def compare(self, ref: str) -> Compared:
        """An install's stages and what they usually take."""
        install = await self._store.install(ref)
        async with self._lock:
            await self._follow()
            followed = self._runs.get(install.id) or await self._followed(install)
            pace = await self._pace(followed.run)
            age = self._age(followed)
        rows = budget(followed.run, pace, age)
        if pace is not None and not pace.alike:
            pace = None
        return Compared(install, rows, verdict(rows), pace, followed.run.now.at if install.over else age)

    async def slower(self, ref: str) -> str:
        """The stage that takes longer than usual, in a sentence; "" where none does."""
        return (await self.compare(ref)).slower

    async def of_profile(self, profile: str) -> list[Pace]:
        """A pace for each way in which its installs were made. Raises NotFound where none was."""
        samples = await self._kept(profile)
        if not samples:
            raise NotFound(
                f"no install of profile {profile} has ended well yet, so nothing is known of its time",
                remedy="provisioner install list",
            )
        ways = dict.fromkeys(one.way for one in reversed(samples))
        alike = [(way, [one for one in samples if one.way == way]) for way in ways]
        return [pace for way, mine in alike if (pace := learn(mine, way))]

    async def _outlook(self, install: Install) -> Outlook:
        followed = self._runs.get(install.id)
        if followed is None:
            return Outlook(install.percent)
        if install.over:
            return Outlook(max(install.percent, followed.percent), host=followed.run.way.host)
        found = look(followed.run, await self._pace(followed.run), self._age(followed))
        followed.percent = max(followed.percent, found.percent)
        return replace(found, percent=followed.percent)

    def _age(self, followed: _Followed) -> float:
        return followed.lasted + self._monotonic() - followed.noted

    async def _follow(self) -> None:
        """Takes in what happened since the last look."""
        if self._after is None:
            self._after = await self._store.last_event_id()
        since = self._monotonic() - self._looked
        while batch := await self._store.events(after=self._after, limit=_BATCH):
            for event in batch:
                self._after = event.id  # first: whatever fails, nothing is counted twice
                await self._see(event, since)
            if len(batch) < _BATCH:
                break
        self._looked = self._monotonic()

    async def _see(self, event: Event, since: float) -> None:
        followed = self._runs.get(event.install)
        if followed is None and event.kind is Kind.PLANNED and event.install:
            followed = await self._begun(event.install)
        if followed is None:
            return
        was_over = followed.run.install.over
        followed.run.see(event)
        self._note(followed, event, since)
        if followed.run.install.over and not was_over:
            await self._learn(followed.run)

    def _note(self, followed: _Followed, event: Event, most: float) -> None:
        """The wall clock says how long ago it was, but not more than `most` seconds."""
        ago = (self._clock() - event.at).total_seconds()
        followed.lasted = followed.run.now.at + min(max(0.0, ago), most)
        followed.noted = self._monotonic()

    async def _begun(self, install: str) -> _Followed | None:
        try:
            found = await self._store.install(install)
        except NotFound:
            return None
        while len(self._runs) >= _REMEMBERED:
            over = next((key for key, one in self._runs.items() if one.run.install.over), None)
            del self._runs[over or next(iter(self._runs))]
        followed = self._runs[install] = _Followed(Run.begun(found), 0.0, self._monotonic())
        return followed

    async def _read(self, installs: Sequence[Install]) -> None:
        """Reads those from their beginning that ran before anything was followed, some at a time."""
        unknown = [install for install in installs if install.id not in self._runs]
        for install in unknown[:_READ_AT_ONCE]:
            self._runs[install.id] = await self._followed(install)

    async def _followed(self, install: Install) -> _Followed:
        followed = _Followed(Run.begun(install), 0.0, self._monotonic())
        events = [e for e in await whole_timeline(self._store, install) if e.id <= (self._after or 0)]
        for event in events:
            followed.run.see(event)
        if events:
            self._note(followed, events[-1], float("inf"))
        return followed

    async def _learn(self, run: Run) -> None:
        found = sample(run)
        if found is None:
            return
        await self._store.put_sample(found, KEPT)
        self._samples.pop(found.profile, None)
        for key in [key for key in self._paces if key[0] == found.profile]:
            del self._paces[key]

    async def _catch_up(self) -> None:
        """Installs that ended while nobody followed them, a few at a time."""
        if self._missed is None:
            good = [i for i in await self._store.installs() if i.stage is Stage.INSTALLED]
            known = await self._store.sampled([install.id for install in good])
            self._missed = [install for install in good if install.id not in known]
        for install in self._missed[:_LEARNT_AT_ONCE]:
            await self._learn((await self._followed(install)).run)
        self._missed = self._missed[_LEARNT_AT_ONCE:]

    async def _pace(self, run: Run) -> Pace | None:
        """From the samples that had ended when the run began, so that its percentage never changes scale."""
        profile, begun = run.install.profile, run.install.created
        samples = await self._kept(profile)
        earlier = bisect_right(samples, begun, key=lambda one: one.ended)
        key = (profile, run.way, earlier)
        if key not in self._paces:
            while len(self._paces) >= _REMEMBERED:
                del self._paces[next(iter(self._paces))]
            self._paces[key] = learn(samples[:earlier], run.way) if earlier else None
        return self._paces[key]

    async def _kept(self, profile: str) -> tuple[Sample, ...]:
        if profile not in self._samples:
            self._samples[profile] = tuple(await self._store.samples(profile))
        return self._samples[profile]
