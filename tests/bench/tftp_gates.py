"""Alternations of TFTP servers, and gates that hold, do not, or cannot be judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.measure import spread
from tests.bench.tftp_load import Ground, Load, Place
from tests.bench.tftp_servers import OURS, Server, Turn, peers

Tell = Callable[[str], None]
Turns = Mapping[str, Sequence[Turn]]
Ratio = Callable[[Turn, Turn], float]


def per_cpu(ours: Turn, theirs: Turn) -> float:
    """How many times more bytes ours moves in a CPU second."""
    return theirs.per_gb / ours.per_gb


def dearer(ours: Turn, theirs: Turn) -> float:
    return ours.per_gb / theirs.per_gb


def sooner(ours: Turn, theirs: Turn) -> float:
    """How many times shorter ours takes, by the median transfer."""
    return theirs.seen.p50 / ours.seen.p50


def sooner_for_most(ours: Turn, theirs: Turn) -> float:
    """The same by the transfer that 95 of 100 are not slower than."""
    return theirs.seen.p95 / ours.seen.p95


@dataclass(slots=True)
class Bench:
    """One run: where it happens, how thorough it is, what came of its gates, why a peer is not there."""

    ground: Ground
    ours: Server
    quick: bool
    tell: Tell
    held: int = 0
    missed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def everyone(self, names: Sequence[str], runs: int, load: Load, place: Place) -> Turns:
        """Alternations of ours and those of the names that serve, all under the same load."""
        return self.alternate({name: (name, load) for name in (OURS, *names)}, runs, place)

    def alternate(self, entries: Mapping[str, tuple[str, Load]], runs: int, place: Place) -> Turns:
        """`runs` rounds of (server, load) by their labels; a line for each, or why it is not there."""
        names = sorted({name for name, _ in entries.values()} - {OURS})
        done: dict[str, list[Turn]] = {}
        with peers(names, self.ground, place) as (up, self.why):
            servers = {server.name: server for server in (self.ours, *up)}
            self.ground.warm(place, self.ours.port)
            for _ in range(runs):
                for label, (name, load) in entries.items():
                    if name in servers:
                        turn = servers[name].turn(self.ground, load, place)
                        done.setdefault(label, []).append(turn)
        for label, turns in done.items():
            self.tell(f"  {label:10} {line(turns)}")
        for name, reason in self.why.items():
            self.tell(f"  {name:10} not measured: {reason}")
        return done

    def whole(self, turns: Sequence[Turn]) -> None:
        """The gate that ours fails nobody and gives every byte right."""
        asked = sum(turn.seen.transfers for turn in turns)
        wrong = sum(turn.seen.failures for turn in turns)
        self.judge(f"ours, {asked - wrong} of {asked} whole", all(turn.seen.whole for turn in turns))

    def least(self, turns: Turns, peer: str, what: str, ratio: Ratio, bound: float, ours: str = OURS) -> None:
        if ratios := self._ratios(turns, peer, what, ratio, ours):
            said = f"{what} {peer}: {spread(ratios).lstrip()}, at least {bound:g}"
            self.judge(said, median(ratios) >= bound)

    def most(self, turns: Turns, peer: str, what: str, ratio: Ratio, bound: float) -> None:
        if ratios := self._ratios(turns, peer, what, ratio, OURS):
            said = f"{what} {peer}: {spread(ratios).lstrip()}, at most {bound:g}"
            self.judge(said, median(ratios) <= bound)

    def judge(self, what: str, holds: bool) -> None:
        self.tell(f"    {what}: {'holds' if holds else 'DOES NOT HOLD'}")
        if holds:
            self.held += 1
        else:
            self.missed.append(what)

    def skip(self, what: str, reason: str) -> None:
        self.tell(f"    {what}: SKIPPED, {reason}")
        self.skipped.append(f"{what}: {reason}")

    def _ratios(self, turns: Turns, peer: str, what: str, ratio: Ratio, ours: str) -> list[float]:
        """None at all where there is nothing to compare: that gate is then skipped, or missed by ours."""
        theirs = turns.get(peer, [])
        if not theirs or not all(turn.seen.bytes for turn in theirs):
            self.skip(f"{what} {peer}", self.why.get(peer, "it delivered nothing"))
        elif not all(turn.seen.bytes for turn in turns[ours]):
            self.judge(f"{what} {peer}: {ours} delivered nothing", False)
        else:
            return [ratio(mine, other) for mine, other in zip(turns[ours], theirs, strict=True)]
        return []


def line(turns: Sequence[Turn]) -> str:
    """Medians of some turns of one server."""
    seen = [turn.seen for turn in turns]
    pace = median(one.bytes / one.wall / 1e6 for one in seen)
    p50, p95, p99 = (median(getattr(one, name) for one in seen) for name in ("p50", "p95", "p99"))
    failures = sum(one.failures for one in seen)
    error = next((f": {one.error}" for one in seen if one.error), "") if failures else ""
    return (
        f"{spread([turn.per_gb for turn in turns])} CPU s/GB  {pace:7.1f} MB/s  "
        f"p50 {p50:.3f} p95 {p95:.3f} p99 {p99:.3f} s  window {min(one.window for one in seen)}  "
        f"{failures} of {sum(one.transfers for one in seen)} failed{error}"
    )
