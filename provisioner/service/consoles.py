"""Running installs' serial lines and log ports, followed: steps and known troubles become events.

A line that nothing is known about stays in libvirt's file. Of the serial line, CONSOLE has `data` =
`{"offset": byte where libvirt's file goes on after it}` and `"milestone"` (a name of `distros.console`), or
`"sign"` and `"cause"` (the name of what is known, and what it means). Of the log port every line is a LOG of
the source `anaconda`, unless the same comes by syslog.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provisioner.core.errors import ProvisionerError
from provisioner.core.install import Event, Install, Kind
from provisioner.distros.console import Lines, milestone
from provisioner.service import secrecy
from provisioner.service.far_consoles import FarConsoles
from provisioner.service.ports import Clock, GuestLogs, Line, Store

_log = logging.getLogger(__name__)
_MOST_EACH = 3
"""Times that one step or one trouble is told: a guest may boot for ever."""
_MOST = 100
_LOG_MOST = 3000
"""Lines of an install's log port; after those only what shows a trouble is told."""
_SYSLOG_LIVES = timedelta(seconds=10)
_UNSAVED = 10_000
"""Events that wait at most while the store is away."""
_PERIOD = 1.0
_SOURCE = "anaconda"

Scan = Callable[[str], tuple[str, str] | None]
"""From a line to the name of the trouble that it shows, and what that means."""
Ended = Callable[[Install], Awaitable[None]]


@dataclass(slots=True)
class _Followed:
    """One install's lines. `told` counts what was told by name."""

    install: Install
    places: dict[Line, int] = field(default_factory=lambda: {"serial": 0, "log": 0})
    lines: dict[Line, Lines] = field(default_factory=lambda: {"serial": Lines(), "log": Lines()})
    told: Counter[str] = field(default_factory=Counter)
    logged: int = 0
    last: str = ""
    read: int = 0
    syslog: datetime | None = None


class Consoles:
    """`ended` is told of each install whose end was seen here, once its last lines were read."""

    def __init__(
        self,
        store: Store,
        logs: GuestLogs,
        far: FarConsoles,
        clock: Clock,
        scan: Scan,
        ended: Ended,
    ) -> None:
        self._store = store
        self._logs = logs
        self._far = far
        self._clock = clock
        self._scan = scan
        self._ended = ended
        self._followed: dict[str, _Followed] = {}
        self._fresh = True
        self._unsaved: list[Event] = []

    async def follow(self) -> None:
        """Looks once a second, until cancelled."""
        try:
            while True:
                try:
                    await self.look()
                except ProvisionerError as error:
                    _log.debug("guests' consoles are looked at again: %s", error)
                except Exception:
                    _log.exception("guests' consoles could not be looked at")
                await asyncio.sleep(_PERIOD)
        finally:
            await self._far.close()

    async def look(self) -> None:
        """Reads what came since the last look, and records what is worth it, all in one transaction."""
        active = {install.id: install for install in await self._store.installs(active=True)}
        over = [one for key, one in self._followed.items() if key not in active]
        for key, install in active.items():
            if key not in self._followed:
                self._followed[key] = one = _Followed(install)
                if self._fresh:
                    await self._recall(one)
        self._fresh = False
        await self._far.follow(active.values())
        self._unsaved += await self._news()
        del self._unsaved[:-_UNSAVED]
        await self._store.record(self._unsaved)
        self._unsaved.clear()
        for one in over:
            del self._followed[one.install.id]
            await self._ended(await self._store.install(one.install.id))

    async def _recall(self, one: _Followed) -> None:
        """An earlier run of the service may have followed it: what was told says how far."""
        kinds = (Kind.CONSOLE, Kind.LOG)
        for event in await self._store.events(install=one.install.id, kinds=kinds, limit=2 * _LOG_MOST):
            offset = event.data.get("offset")
            line: Line = "serial" if event.kind is Kind.CONSOLE else "log"
            if isinstance(offset, int):
                one.places[line] = max(one.places[line], offset)
            if event.kind is Kind.CONSOLE:
                one.told[str(event.data.get("sign") or event.data.get("milestone"))] += 1
            elif event.source == _SOURCE:
                one.logged += 1

    async def _news(self) -> list[Event]:
        wanted = {(key, line): at for key, one in self._followed.items() for line, at in one.places.items()}
        here = await self._logs.since(wanted)
        news: list[Event] = []
        for (key, line), (data, place) in [*here.items(), *self._far.said()]:
            one = self._followed.get(key)
            if one is None:
                continue
            one.places[line] = place
            if line == "log":
                await self._hear(one)
            for text in one.lines[line].feed(data):
                found = self._console(one, text) if line == "serial" else self._logged(one, text)
                news += [found] if found else []
        return news

    def _console(self, one: _Followed, text: str) -> Event | None:
        step, trouble = milestone(text), self._scan(text)
        data: dict[str, object] = {"offset": one.places["serial"]}
        if step is not None:
            data["milestone"] = step.name
        if trouble is not None:
            data["sign"], data["cause"] = trouble
        name = trouble[0] if trouble else step.name if step else ""
        if not name or one.told[name] >= _MOST_EACH or one.told.total() >= _MOST:
            return None
        one.told[name] += 1
        return self._event(Kind.CONSOLE, "console", one, f"{step.text}: {text}" if step else text, data)

    async def _hear(self, one: _Followed) -> None:
        """Whether the same lines come by syslog."""
        for event in await self._store.events(after=one.read, install=one.install.id, kinds=[Kind.LOG]):
            one.read = event.id
            if event.source == "syslog":
                one.syslog = event.at

    def _logged(self, one: _Followed, text: str) -> Event | None:
        if one.syslog is not None and self._clock() - one.syslog < _SYSLOG_LIVES:
            return None
        if text == one.last:
            return None
        one.logged, one.last = one.logged + 1, text
        if one.logged > _LOG_MOST and self._scan(text) is None:
            return None
        return self._event(Kind.LOG, _SOURCE, one, text, {"offset": one.places["log"]})

    def _event(self, kind: Kind, source: str, one: _Followed, text: str, data: Mapping[str, object]) -> Event:
        said = secrecy.masked(text, ())
        return Event(kind, self._clock(), source, one.install.mac, one.install.id, said, data)
