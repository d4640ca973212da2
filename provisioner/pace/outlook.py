"""How far an install is, and how long it will still take."""

from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.pace.budget import budget, verdict
from provisioner.pace.learn import Pace
from provisioner.pace.marks import INDEX, MARKS, Mark, Point, Run

# Where a mark lies in percent while nobody knows how long such installs take; as `core.install` has stages.
_PLAIN: Mapping[Mark, int] = {
    Mark.PLANNED: 0,
    Mark.CREATING: 1,
    Mark.BOOTING: 3,
    Mark.OFFER: 4,
    Mark.LOADING: 6,
    Mark.SCRIPT: 6,
    Mark.KERNEL: 10,
    Mark.INITRD: 19,
    Mark.INSTALLING: 20,
    Mark.STAGE2: 24,
    Mark.METADATA: 28,
    Mark.PACKAGE: 32,
    Mark.FETCHED: 40,
    Mark.FINISHING: 92,
    Mark.INSTALLED: 100,
}
_HALF: Mapping[str, int] = {"size": 2_000_000_000, "files": 400, "lines": 600}
"""What is counted in half of an installer's work, where nobody knows better."""
_WORTH: Mapping[str, int] = {"told": 3, "size": 1_000_000, "files": 5, "lines": 20}
"""What has to be counted between two marks, so that it tells how far a run is between them."""
_FETCHED = ("size", "files")
_TIMED = 0.9
"""How far time alone brings a run on between two marks."""
_ROUNDED = 1e-6
_OVERDUE, _OVERDUE_SECONDS = 2.0, 30.0


@dataclass(frozen=True, slots=True)
class Left:
    """Seconds that an install will still take: likely `middle`, nine times of ten from `low` to `high`."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is told of a running install. `left` and `expected` (seconds in all) are None where not known."""

    percent: int
    left: Left | None = None
    expected: float | None = None
    slower: str = ""
    host: str = ""
    """The libvirt URI of its host, "" for the configured one."""


def percent(run: Run, pace: Pace | None, age: float) -> int:
    """0 to 100, of a run that is `age` seconds old; it never goes back, neither with events nor with time."""
    if run.mark is Mark.INSTALLED:
        return 100
    if pace is None:
        return _plain(run)
    here, next_ = _between(pace, run.mark)
    begins, ends = _place(pace, here), _place(pace, next_)
    found = begins + (ends - begins) * _share(run, pace, here, next_, age)
    return min(99, int(found + _ROUNDED))


def left(run: Run, pace: Pace | None, age: float) -> Left | None:
    """None for a run that is over, and where nothing is known, or nothing is to be trusted any more."""
    if pace is None or run.install.over:
        return None
    here, next_ = _between(pace, Mark.FETCHED if run.paused(age) else run.mark)
    elapsed = max(0.0, age - _passed(run, here).at)
    now, then = pace.rest[here], pace.rest[next_]
    counted = _counted(run, pace, here, next_)
    usual = now.middle - then.middle
    if elapsed > _OVERDUE * (now.high - then.low) + _OVERDUE_SECONDS:
        return None
    if counted:
        # What is known of earlier runs, and more and more what this run shows itself.
        shown = elapsed / counted * (1 - counted)
        still = counted * shown + (1 - counted) * usual * (1 - counted)
        ratio = still / usual if usual else 0.0
        low = then.low + max(0.0, now.low - then.low) * ratio
        high = then.high + max(0.0, now.high - then.high) * ratio
        middle = then.middle + still
    else:
        middle = max(then.middle, now.middle - elapsed)
        low, high = max(then.low, now.low - elapsed), max(then.high, now.high - elapsed)
    return Left(middle, min(low, middle), max(high, middle))


def look(run: Run, pace: Pace | None, age: float) -> Outlook:
    """What is to be told of a run that is `age` seconds old."""
    expected = pace.expected if pace else None
    slower = verdict(budget(run, pace, age)) if pace else ""
    return Outlook(percent(run, pace, age), left(run, pace, age), expected, slower, run.way.host)


def _between(pace: Pace, reached: Mark) -> tuple[Mark, Mark]:
    """The last of the usual marks up to the one that was reached, and the one that comes next."""
    usual = pace.marks
    here = max((mark for mark in usual if INDEX[mark] <= INDEX[reached]), key=INDEX.__getitem__)
    return here, usual[min(usual.index(here) + 1, len(usual) - 1)]


def _passed(run: Run, mark: Mark) -> Point:
    """When a mark was passed; for one that was skipped, when the next was; for a pause, when it began."""
    return next((run.points[later] for later in MARKS[INDEX[mark] :] if later in run.points), run.grown)


def _place(pace: Pace, mark: Mark) -> float:
    whole = pace.expected
    return 100 * (1 - pace.rest[mark].middle / whole) if whole else float(_PLAIN[mark])


def _share(run: Run, pace: Pace, here: Mark, next_: Mark, age: float) -> float:
    """How far a run is between two marks, 0 to 1: by what is counted there, else by time."""
    counted = _counted(run, pace, here, next_)
    if counted is not None:
        return counted
    usual = pace.rest[here].middle - pace.rest[next_].middle
    elapsed = max(0.0, age - _passed(run, here).at)
    return min(_TIMED, elapsed / usual) if usual else 0.0


def _counted(run: Run, pace: Pace, here: Mark, next_: Mark) -> float | None:
    """None where earlier runs show nothing to count between the two marks."""
    since = _passed(run, here)
    for name, worth in _WORTH.items():
        if here is Mark.FETCHED and name in _FETCHED:
            continue  # what is still fetched is no measure of the work on it
        usual = _count(pace.counts[next_], name) - _count(pace.counts[here], name)
        if usual >= worth:
            return min(1.0, max(0, _count(run.now, name) - _count(since, name)) / usual)
    return None


def _plain(run: Run) -> int:
    """By the marks, and by what the installer was seen to fetch and log since it began."""
    counted = 0
    if begun := run.points.get(Mark.INSTALLING):
        growth = {name: _count(run.now, name) - _count(begun, name) for name in _HALF}
        share = max(growth[name] / (growth[name] + half) for name, half in _HALF.items())
        begins, ends = _PLAIN[Mark.INSTALLING], _PLAIN[Mark.FINISHING]
        counted = int(begins + (ends - begins) * share)
    return max(_PLAIN[run.mark], run.now.told, run.install.percent, counted)


def _count(point: Point, name: str) -> int:
    return int(getattr(point, name))
