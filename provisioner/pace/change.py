"""Since when something takes another time: a row of seconds split where its two sides differ most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from provisioner.core.install import Stage

_SIDE = 3
"""Installs at least before a change and after it: fewer are chance."""
RATIO, SECONDS = 1.25, 2.0
"""What is worth a word is so much longer, and by so many seconds."""
_DEVIATIONS = 3.0
"""And so many times the usual deviation."""


@dataclass(frozen=True, slots=True)
class Change:
    """A stage's seconds since an install, and what they were before it. Faster where `now` is less."""

    stage: Stage
    since: datetime
    was: float
    now: float

    @property
    def slower(self) -> bool:
        return self.now > self.was

    def __str__(self) -> str:
        return f"{self.stage} takes {span(self.now)} since {self.since:%Y-%m-%d} (was {span(self.was)})"


def change(row: Sequence[tuple[datetime, float]], stage: Stage) -> Change | None:
    """The change in seconds of (when, seconds), oldest first; None where it is one and the same.

    The split is where the deviations from the two sides' medians are least. An outlier moves no median, and
    fewer than three installs make no side.
    """
    splits = range(_SIDE, len(row) - _SIDE + 1)
    if not splits:
        return None
    values = [value for _, value in row]
    split = min(splits, key=lambda at: _strayed(values[:at]) + _strayed(values[at:]))
    was, now = median(values[:split]), median(values[split:])
    usual = (_strayed(values[:split]) + _strayed(values[split:])) / len(values)
    differs = abs(now - was)
    if differs < max(SECONDS, _DEVIATIONS * usual) or max(was, now) < RATIO * min(was, now):
        return None
    return Change(stage, row[split][0], was, now)


def span(seconds: float) -> str:
    """`4.2 s`, `41 s`, `2 m 05 s`, `1 h 02 m`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} m"


def roughly(seconds: float) -> str:
    """The same as a person says what is to come: `< 10 s`, `40 s`, `2 m 10 s`, `25 m`, `1 h 10 m`."""
    for below, step in ((60, 5), (600, 10), (3600, 60)):
        rounded = round(seconds / step) * step
        if rounded < below:
            break
    else:
        rounded = round(seconds / 600) * 600
    if rounded < 10:
        return "< 10 s"
    return span(rounded).removesuffix(" 00 s").removesuffix(" 00 m")


def range_(likely: float, least: float, most: float) -> str:
    """`about 2 m 10 s`; where that may be far off, `1 m 30 s to 4 m`."""
    low, high = roughly(least), roughly(most)
    if low == high:
        return high
    if most - least <= max(10, likely / 2):
        return f"about {roughly(likely)}"
    return f"{low} to {high}"


def _strayed(values: Sequence[float]) -> float:
    """How far they are from their median, all together."""
    middle = median(values)
    return sum(abs(value - middle) for value in values)
