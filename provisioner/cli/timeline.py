"""How long each stage of an install took, and what was last seen in it: worked out from its events."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from provisioner.core.install import Event, Install, Kind, Stage, advance


@dataclass(frozen=True, slots=True)
class Lap:
    """One stage. `ended` is None for the stage that the install stands in."""

    stage: Stage
    began: datetime
    ended: datetime | None = None
    note: str = ""

    def seconds(self, now: datetime) -> float:
        return max(0.0, ((self.ended or now) - self.began).total_seconds())


def laps(install: Install, events: Iterable[Event]) -> tuple[Lap, ...]:
    """The stages of an install in the order it passed them, found by the same table that the service uses."""
    state = replace(
        install, stage=Stage.PLANNED, answered=None, percent=0, failed_at=None, changed=install.created
    )
    done: list[Lap] = []
    lap = Lap(Stage.PLANNED, install.created)
    for event in events:
        if event.install and event.install != install.id:
            continue
        state = advance(state, event)
        if state.stage is not lap.stage:
            done.append(replace(lap, ended=event.at))
            lap = Lap(state.stage, event.at, note=note(event))
        elif not state.over:
            lap = replace(lap, note=note(event) or lap.note)
    if state.over:
        lap = replace(lap, ended=lap.began)
    return (*done, lap)


def note(event: Event) -> str:
    """What an event says in a few words beside its stage; "" for one that says nothing new."""
    match event.kind:
        case Kind.LOG | Kind.DHCP_IGNORED | Kind.LOCAL_BOOT:
            return ""
        case _:
            return event.text.splitlines()[0] if event.text else ""


def duration(seconds: float) -> str:
    """`8.4 s`, `1 m 05 s`, `1 h 02 m`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} m {int(seconds) % 60:02} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60:02} m"
