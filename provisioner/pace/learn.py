"""What earlier installs teach: how long each stage takes, what is counted in it, how long silence lasts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median, quantiles

from provisioner.core.install import ORDER, Stage
from provisioner.pace.change import Change, change
from provisioner.pace.marks import MARKS, Mark, Point, Run, Way

ENOUGH = 3
"""Installs that say how far such a time spreads; fewer say only what it was."""
LATEST = 40
"""Installs that are learnt from: what was long ago says little."""
_STAGES = ORDER[1:-1]
BEGINS: Mapping[Stage, Mark] = {stage: Mark(stage.value) for stage in ORDER}
_LATER: Mapping[Stage, tuple[Mark, ...]] = {
    stage: tuple(BEGINS[later] for later in ORDER[number + 1 :]) for number, stage in enumerate(ORDER)
}
_ONE_LOW, _ONE_HIGH = 0.5, 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What is kept of an install that went well. `ended` is when; `silence` as in `Run`."""

    install: str
    profile: str
    way: Way
    ended: datetime
    points: Mapping[Mark, Point]
    silence: float

    @property
    def seconds(self) -> float:
        return self.points[Mark.INSTALLED].at


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds: the middle, what nine of ten are above and below, and what one of twenty is above (`most`)."""

    middle: float = 0.0
    low: float = 0.0
    high: float = 0.0
    most: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How installs made alike go. `rest` is the time from a mark to the end, `counts` what was counted there.

    Only `marks`, which most of them passed, are in both. `samples` are oldest first. `alike` says that all
    were made in the very way, on whatever host: only then a slower stage means something.
    """

    samples: tuple[Sample, ...]
    way: Way
    rest: Mapping[Mark, Spread]
    counts: Mapping[Mark, Point]
    stages: Mapping[Stage, Spread]
    silence: Spread
    changes: Mapping[Stage, Change]
    marks: tuple[Mark, ...]
    alike: bool

    @property
    def whole(self) -> Spread:
        """Seconds of a whole install."""
        return self.rest[Mark.PLANNED]

    @property
    def expected(self) -> float:
        return self.whole.middle


def sample(run: Run) -> Sample | None:
    """What is worth keeping of a run; None where it did not go well, waited, or its clock went back."""
    end = run.points.get(Mark.INSTALLED)
    if end is None or run.broken or run.waited or Mark.BOOTING not in run.points:
        return None
    return Sample(
        run.install.id, run.install.profile, run.way, run.install.changed, dict(run.points), run.silence
    )


def choose(samples: Iterable[Sample], way: Way) -> tuple[Sample, ...]:
    """Those made most like `way`, of which there are enough; else the largest part that is like it at all.

    KVM and emulation are never mixed: one is many times slower.
    """
    alike = [one for one in samples if one.way.by == way.by]
    by_closeness = (
        [one for one in alike if one.way == way],
        [one for one in alike if (one.way.method, one.way.boot) == (way.method, way.boot)],
        [one for one in alike if one.way.method == way.method],
        alike,
    )
    return tuple(next((found for found in by_closeness if len(found) >= ENOUGH), alike))


def learn(samples: Iterable[Sample], way: Way) -> Pace | None:
    """The pace of installs made in this way, from a profile's samples; None where none was made alike."""
    chosen = tuple(sorted(choose(samples, way), key=lambda one: one.ended)[-LATEST:])
    if not chosen:
        return None
    usual = [mark for mark in MARKS if 2 * sum(mark in one.points for one in chosen) > len(chosen)]
    rest = {mark: spread(_rests(chosen, mark)) for mark in usual}
    for earlier, later in pairwise(reversed(usual)):
        rest[later] = _at_least(rest[later], rest[earlier])
    return Pace(
        chosen,
        way,
        rest,
        {mark: _middle([one.points[mark] for one in chosen if mark in one.points]) for mark in usual},
        {stage: spread([took for _, took in row]) for stage in _STAGES if (row := _row(chosen, stage))},
        spread([one.silence for one in chosen]),
        {stage: found for stage in _STAGES if (found := change(_row(chosen, stage), stage))},
        tuple(usual),
        all((one.way.method, one.way.boot) == (way.method, way.boot) for one in chosen),
    )


def took(points: Mapping[Mark, Point], stage: Stage) -> float | None:
    """Seconds of a stage that was passed, None for one that was not."""
    begun = points.get(BEGINS[stage])
    end = next((points[mark].at for mark in _LATER[stage] if mark in points), None)
    return None if begun is None or end is None else end - begun.at


def spread(values: Sequence[float]) -> Spread:
    """Of a few values the range is a guess on the wide side."""
    middle = median(values)
    if len(values) < ENOUGH:
        low, high = min(values) * _ONE_LOW, max(values) * _ONE_HIGH
        return Spread(middle, low, high, high)
    cuts = quantiles(values, n=20, method="inclusive")
    return Spread(middle, cuts[1], cuts[17], cuts[18])


def _rests(samples: Sequence[Sample], mark: Mark) -> list[float]:
    return [one.seconds - one.points[mark].at for one in samples if mark in one.points]


def _row(samples: Sequence[Sample], stage: Stage) -> list[tuple[datetime, float]]:
    """When each ended, and the seconds that it was in a stage."""
    return [(one.ended, seconds) for one in samples if (seconds := took(one.points, stage)) is not None]


def _at_least(this: Spread, that: Spread) -> Spread:
    """An earlier mark is never nearer to the end than a later one, whoever passed which."""
    return Spread(
        max(this.middle, that.middle),
        max(this.low, that.low),
        max(this.high, that.high),
        max(this.most, that.most),
    )


def _middle(points: Sequence[Point]) -> Point:
    return Point(
        median(point.at for point in points),
        int(median(point.told for point in points)),
        int(median(point.size for point in points)),
        int(median(point.files for point in points)),
        int(median(point.lines for point in points)),
    )
