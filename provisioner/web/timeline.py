"""Installs and events as the pages show them: plain strings, folded, newest kept."""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from provisioner.core.install import ORDER, Event, Install, Kind, Stage, advance
from provisioner.pace.change import range_
from provisioner.service.ports import Store
from provisioner.web.outlooks import InstallOut

# Of a row of these only the latest is of interest. `templates/web/static/parts.js` folds the same kinds.
FOLDED = frozenset({Kind.TREE_BYTES, Kind.PROGRESS})
_TRACK = ORDER[1:]
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a timeline; `when` is its distance from the install's beginning."""

    kind: str
    at: str
    when: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the track: done, now, next, or stopped where the install ended in it.

    `began` is when it was entered, "" where it was not.
    """

    name: str
    state: str
    time: str
    began: str


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def span(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def left(told: InstallOut) -> str:
    """`about 2 m 10 s`, `1 m 40 s to 3 m` where that is wide, "" where nobody knows."""
    likely, least, most = told.left_seconds, told.left_least, told.left_most
    if likely is None or least is None or most is None:
        return ""
    return range_(likely, least, most)


def offset(at: datetime, created: datetime) -> str:
    seconds = max(0.0, (at - created).total_seconds())
    return f"+{seconds:.1f} s" if seconds < 60 else f"+{span(seconds)}"


def fields(install: Install, now: datetime) -> dict[str, object]:
    """What the templates print of an install; `left` and `expected` where `outlooks.told` told it."""
    told = InstallOut.of(install)
    return {
        "id": install.id,
        "guest": install.guest,
        "profile": install.profile,
        "stage": install.stage.value,
        "percent": install.percent,
        "reason": install.reason,
        "mac": install.mac,
        "uuid": install.uuid,
        "address": install.address,
        "resets": install.resets,
        "created": iso(install.created),
        "created_text": f"{install.created:%Y-%m-%d %H:%M:%S} UTC",
        "changed": iso(install.changed),
        "ended": iso(install.changed) if install.over else "",
        "left": left(told),
        "expected": "" if told.expected_seconds is None else span(told.expected_seconds),
        "slower": told.slower,
        "elapsed": span(((install.changed if install.over else now) - install.created).total_seconds()),
    }


def fold(events: Iterable[Event], created: datetime, keep: int) -> list[Line]:
    """The last `keep` lines."""
    lines: deque[Line] = deque(maxlen=keep)
    last: Kind | None = None
    for event in events:
        if event.kind is last and event.kind in FOLDED:
            lines.pop()
        lines.append(Line(event.kind.value, iso(event.at), offset(event.at, created), event.text))
        last = event.kind
    return list(lines)


def steps(install: Install, events: Iterable[Event]) -> list[Step]:
    """The stages of a good run, and how long those took that were passed.

    The times come from the install's own transition table, played again over its events.
    """
    entered = _entered(install, events)
    at = _TRACK.index(install.failed_at or install.stage) if _on_track(install) else -1
    began = {stage: iso(moment) for stage, moment in entered}
    row = []
    for number, stage in enumerate(_TRACK):
        state = "done" if number < at else "next"
        if number == at:
            state = "done" if install.stage is Stage.INSTALLED else "stopped" if install.over else "now"
        row.append(Step(stage.value, state, _took(stage, entered), began.get(stage, "")))
    return row


def _on_track(install: Install) -> bool:
    return (install.failed_at or install.stage) in _TRACK


def _entered(install: Install, events: Iterable[Event]) -> list[tuple[Stage, datetime]]:
    state = replace(install, stage=Stage.PLANNED, answered=None, percent=0, failed_at=None, reason="")
    passed = [(Stage.PLANNED, install.created)]
    for event in events:
        state = advance(state, event)
        if state.stage is not passed[-1][0]:
            passed.append((state.stage, event.at))
    return passed


def _took(stage: Stage, entered: list[tuple[Stage, datetime]]) -> str:
    for (name, began), (_, ended) in pairwise(entered):
        if name is stage:
            return span((ended - began).total_seconds())
    return ""


async def read(
    store: Store, install: str, *, after: int = 0, kinds: Collection[Kind] = (), keep: int = 100_000
) -> list[Event]:
    """The last `keep` events of an install after an id, oldest first."""
    found: deque[Event] = deque(maxlen=keep)
    while batch := await store.events(after=after, install=install, limit=_BATCH, kinds=kinds):
        found.extend(batch)
        after = batch[-1].id
    return list(found)
