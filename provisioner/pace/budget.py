"""An install's stages beside what they usually take: which is late, and since when they take longer."""

from collections.abc import Iterable
from dataclasses import dataclass

from provisioner.core.install import ORDER, Stage
from provisioner.pace.change import RATIO, SECONDS, Change, span
from provisioner.pace.learn import BEGINS, Pace, Spread, took
from provisioner.pace.marks import Run

_STAGES = ORDER[1:-1]


@dataclass(frozen=True, slots=True)
class Budget:
    """A stage of an install beside what it usually takes, in seconds.

    `took` counts on while it `runs` and is None where it was not reached; `usual` is None where nothing is
    known; `change` tells since when such installs are slower or faster in it.
    """

    stage: Stage
    took: float | None
    runs: bool
    usual: Spread | None
    change: Change | None

    @property
    def difference(self) -> float | None:
        """To the median."""
        return None if self.took is None or self.usual is None else self.took - self.usual.middle

    @property
    def late(self) -> bool:
        """Whether it takes longer than nine of ten did, by more than a moment."""
        if self.took is None or self.usual is None:
            return False
        return self.took > self.usual.high * RATIO and self.took > self.usual.middle + SECONDS


def budget(run: Run, pace: Pace | None, age: float) -> tuple[Budget, ...]:
    """The stages of a run that is `age` seconds old, in order; a pace of others than its like is none."""
    rows = []
    if pace is not None and not pace.alike:
        pace = None
    for stage in _STAGES:
        seconds, runs = took(run.points, stage), False
        begun = run.points.get(BEGINS[stage])
        if seconds is None and begun is not None:
            runs = run.install.stage is stage
            end = age if runs else run.now.at if run.install.failed_at is stage else None
            seconds = None if end is None else max(0.0, end - begun.at)
        usual = pace.stages.get(stage) if pace else None
        rows.append(Budget(stage, seconds, runs, usual, pace.changes.get(stage) if pace else None))
    return tuple(rows)


def verdict(rows: Iterable[Budget]) -> str:
    """The stage that takes longer than usual, and since when; "" where none does."""
    worst = max((row for row in rows if row.late), key=lambda row: row.difference or 0, default=None)
    if worst is None or worst.took is None or worst.usual is None:
        return ""
    told = f"{worst.stage} {'has taken' if worst.runs else 'took'} {span(worst.took)}"
    told += f", usually {span(worst.usual.middle)}"
    if worst.change and worst.change.slower:
        told += f"; {worst.change}"
    return told
