"""Silence turned into an end: one deadline a stage, one reset before the answer file, one settling after."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from provisioner.core.errors import ProvisionerError
from provisioner.core.host import Domain
from provisioner.core.install import LIFE, Event, Install, Kind, Stage
from provisioner.service.installs import guest_of, whole_timeline
from provisioner.service.ports import Clock, GuestRow, Hosts, Store
from provisioner.service.seen import Seen
from provisioner.service.waits import Monotonic, Waits
from provisioner.service.why import explain

_EARLY = frozenset({Stage.BOOTING, Stage.LOADING})
_WORKING = frozenset({Stage.BOOTING, Stage.LOADING, Stage.INSTALLING})
_OFF_SECONDS = 60
_LOST_SECONDS = 120
"""So long an installer may be silent that has said what it does not get over."""
_LOOK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Case:
    """An install that is looked at, with what is known of its machine. No row: not a guest of ours.

    `deadline` is that of its stage, in seconds; `silent` how many of them have passed.
    """

    install: Install
    row: GuestRow | None
    domain: Domain | None
    deadline: float | None
    silent: float

    @property
    def late(self) -> bool:
        return self.deadline is not None and self.silent >= self.deadline


async def _none_learnt(install: Install, stage: Stage) -> float | None:
    return None


class Watchdog:
    """`deadlines` in seconds by stage (creating, booting, loading, installing); `settle` for finishing.
    `learnt` gives that of a stage which is not among them.

    Firmware repeats itself, so a boot is timed from its beginning; an installer that works on is timed from
    its last sign of life. `busy` tells which installs are being made right now: their maker ends them.
    """

    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        clock: Clock,
        deadlines: Mapping[str, int],
        settle: int,
        *,
        busy: Callable[[str], bool] = lambda install: False,
        learnt: Callable[[Install, Stage], Awaitable[float | None]] = _none_learnt,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._clock = clock
        self._deadlines = {Stage(name): float(value) for name, value in deadlines.items()}
        self._settle = settle
        self._busy = busy
        self._learnt = learnt
        self._monotonic = monotonic
        self._waits = Waits(clock, monotonic)
        self._off: dict[str, float] = {}
        self._looked: dict[str, float] = {}

    async def tick(self) -> None:
        """Looks at every install that is not over. One that cannot be judged now is judged the next time."""
        active = [i for i in await self._store.installs(active=True) if not self._busy(i.id)]
        running = {i.id for i in active}
        self._off = {key: at for key, at in self._off.items() if key in running}
        self._looked = {key: at for key, at in self._looked.items() if key in running}
        self._waits.look({key for i in active for key in (i.id, _any(i))})
        domains: dict[str, dict[str, Domain] | None] = {}
        for install in active:
            row = await guest_of(self._store, install)
            if row is not None and row.uri not in domains:
                domains[row.uri] = await self._domains(row.uri)
            known = domains.get(row.uri) if row else None
            deadline = self._deadlines.get(install.stage) or await self._learnt(install, install.stage)
            silent = 0.0 if deadline is None else await self._lasted(install, deadline)
            if row is not None and known is None:
                continue  # libvirt does not answer: silence proves nothing
            domain = known.get(install.uuid) if known else None
            await self._judge(Case(install, row, domain, deadline, silent))
        self._waits.looked()

    async def _judge(self, case: Case) -> None:
        install = case.install
        if case.domain is not None and case.domain.state == "paused":
            return  # somebody halted it: its time stands still
        if install.stage is Stage.FINISHING:
            await self._settled(case)
        elif case.row is not None and case.row.spec.unmanaged:
            await self._first_stage(case)
        elif case.late:
            await self._fail(case, _told(case))
        elif await self._lost(case):
            await self._fail(case, f"silent for {int(case.silent)} s after what it does not get over")
        elif self._long_off(case):
            gone = "is switched off" if case.domain else "is no longer in libvirt"
            await self._fail(case, f"the guest {gone}, and it did not report success")
        elif install.stage in _EARLY:
            await self._reset_once(case)

    async def _lasted(self, install: Install, deadline: float) -> float:
        """Seconds since what the deadline counts from."""
        alive = None
        if install.stage is Stage.INSTALLING:
            alive = await self._store.last_seen(install.id, LIFE)
        return self._lasts(install.id, install.changed, alive, deadline)

    def _lasts(self, key: str, changed: datetime, seen: datetime | None, deadline: float) -> float:
        """Seconds since a change of stage, or since something was seen after it."""
        evidence = changed, seen
        return self._waits.lasts(key, evidence, max(changed, seen or changed), deadline / 2)

    async def _lost(self, case: Case) -> bool:
        """Whether the last that was heard of an installer is what none goes on from."""
        install, now = case.install, self._monotonic()
        if install.stage is not Stage.INSTALLING or case.silent < _LOST_SECONDS:
            return False
        if now - self._looked.get(install.id, -_LOOK_SECONDS) < _LOOK_SECONDS:
            return False
        self._looked[install.id] = now
        trouble = Seen(install, await whole_timeline(self._store, install)).trouble()
        return trouble is not None and trouble[0].severity == "fatal"

    def _long_off(self, case: Case) -> bool:
        """A guest that is off does not get on; one that comes back within a minute is left alone."""
        off = case.row is not None and case.install.stage in _WORKING and not _runs(case.domain)
        if not off:
            self._off.pop(case.install.id, None)
            return False
        now = self._monotonic()
        return now - self._off.setdefault(case.install.id, now) >= _OFF_SECONDS

    async def _first_stage(self, case: Case) -> None:
        """Nobody reports for it, and it may wait for a person as long as that takes; only its end is seen."""
        if case.install.stage in _WORKING and case.domain is not None and not _runs(case.domain):
            await self._record(case, Kind.DONE, "the guest is switched off: its first stage is over")

    async def _settled(self, case: Case) -> None:
        if self._lasts(case.install.id, case.install.changed, None, self._settle) < self._settle:
            return
        if case.row is not None and not _runs(case.domain):
            await self._record(case, Kind.STOPPED, "the guest is switched off")
        else:
            await self._record(case, Kind.SETTLED, "success was reported, and nothing came after it")

    async def _reset_once(self, case: Case) -> None:
        """Firmware that gave up waits at its prompt for ever; only a reset brings it back."""
        install, deadline = case.install, case.deadline
        if case.row is None or deadline is None or install.resets or not _runs(case.domain):
            return
        if case.row.first_stage:
            return  # no firmware was asked, and a reset ends such a run
        seen = await self._store.last_seen(install.id)
        if self._lasts(_any(install), install.changed, seen, deadline) < deadline / 2:
            return
        if (await self._store.install(install.id)).answered is not None:
            return
        await self._store.bump_resets(install.id)
        await self._record(case, Kind.RESET, f"silent in stage {install.stage}: the guest is reset once")
        await self._hosts(case.row.uri).reset(install.uuid)

    async def _fail(self, case: Case, headline: str) -> None:
        why = explain(case.install, await whole_timeline(self._store, case.install))
        last = f"; last: {why.last.text or why.last.kind}" if why.last else ""
        missing = f"; missing: {why.missing}" if why.missing else ""
        text = f"{headline}{last}{missing}; likely cause: {why.cause}"
        await self._record(case, Kind.DEADLINE, text, {"diagnosis": why.diagnosis, "remedy": why.remedy})

    async def _record(
        self, case: Case, kind: Kind, text: str, data: Mapping[str, object] | None = None
    ) -> None:
        install = case.install
        event = Event(kind, self._clock(), "service", install.mac, install.id, text, data or {})
        await self._store.record([event])

    async def _domains(self, uri: str) -> dict[str, Domain] | None:
        try:
            return {domain.uuid: domain for domain in await self._hosts(uri).domains()}
        except ProvisionerError:
            return None


def _told(case: Case) -> str:
    silent = "silent for" if case.install.stage is Stage.INSTALLING else "not done after"
    return f"stage {case.install.stage} {silent} {int(case.deadline or 0)} s"


def _any(install: Install) -> str:
    """The wait for whatever an install does, beside that for what gets it on."""
    return f"{install.id} any"


def _runs(domain: Domain | None) -> bool:
    return domain is not None and domain.state not in ("shut off", "crashed")
