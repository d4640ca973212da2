"""How long something lasted, whatever somebody does to the date."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.service.waits import Waits
from tests.fakes import START, FakeClock

HOUR = 3600.0


class Time:
    def __init__(self) -> None:
        self.wall = FakeClock()
        self.steady = 1000.0

    def pass_(self, seconds: float) -> None:
        self.wall.pass_(seconds)
        self.steady += seconds

    def waits(self) -> Waits:
        return Waits(self.wall, lambda: self.steady)


def test_what_began_before_this_process_is_dated_but_not_beyond_a_bound() -> None:
    time = Time()
    time.pass_(5 * HOUR)
    waits = time.waits()

    assert waits.lasts("a", 1, START + timedelta(hours=4), before=2 * HOUR) == HOUR
    assert waits.lasts("b", 1, START, before=2 * HOUR) == 2 * HOUR
    time.pass_(10)
    assert waits.lasts("b", 1, START, before=2 * HOUR) == 2 * HOUR + 10


def test_new_evidence_begins_anew() -> None:
    time = Time()
    waits = time.waits()
    waits.lasts("a", 1, START, before=0)
    time.pass_(100)
    assert waits.lasts("a", 1, START, before=0) == 100

    assert waits.lasts("a", 2, START + timedelta(seconds=98), before=0) == 2


def test_what_a_round_did_not_see_began_after_it() -> None:
    time = Time()
    waits = time.waits()
    waits.looked()
    time.pass_(5)
    time.wall.pass_(24 * HOUR)

    assert waits.lasts("new", 1, START, before=HOUR) == 5


def test_what_is_not_looked_at_any_more_is_forgotten() -> None:
    time = Time()
    waits = time.waits()
    waits.lasts("a", 1, START, before=0)
    time.pass_(100)
    waits.look({"b"})
    waits.looked()

    assert waits.lasts("a", 1, START, before=0) == 0


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1e8, 1e8)), max_size=20))
def test_a_wait_is_as_long_as_the_time_that_passed(moves: list[tuple[float, float]]) -> None:
    time = Time()
    waits = time.waits()
    waits.lasts("a", 1, START, before=0)
    passed = 0.0
    for seconds, jump in moves:
        time.pass_(seconds)
        time.wall.pass_(jump)
        passed += seconds
        waits.look({"a"})
        assert waits.lasts("a", 1, START, before=0) == pytest.approx(passed)
        waits.looked()
