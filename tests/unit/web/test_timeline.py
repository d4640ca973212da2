"""Installs and events as the pages show them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.core.install import Event, Install, Kind, Stage, advance
from provisioner.web.timeline import fields, fold, offset, span, steps

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PLANNED = Install("i", "web1", "m", "u", "p", Stage.PLANNED, BEGAN, BEGAN)


def event(kind: Kind, second: float, text: str = "") -> Event:
    return Event(kind, BEGAN + timedelta(seconds=second), "test", install="i", text=text)


def after(events: list[Event]) -> Install:
    install = PLANNED
    for one in events:
        install = advance(install, one)
    return install


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 m 00 s"),
        (754, "12 m 34 s"),
        (3600, "1 h 00 m"),
        (90061, "25 h 01 m"),
    ],
)
def test_spans_are_short(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_offsets_have_tenths_below_a_minute() -> None:
    assert offset(BEGAN + timedelta(seconds=3.14), BEGAN) == "+3.1 s"
    assert offset(BEGAN + timedelta(seconds=61), BEGAN) == "+1 m 01 s"
    assert offset(BEGAN - timedelta(seconds=1), BEGAN) == "+0.0 s"


def test_repeated_progress_is_one_line() -> None:
    events = [
        event(Kind.STARTED, 1),
        event(Kind.TREE_BYTES, 2, "a"),
        event(Kind.TREE_BYTES, 3, "b"),
        event(Kind.LOG, 4, "c"),
        event(Kind.TREE_BYTES, 5, "d"),
    ]

    assert [line.text for line in fold(events, BEGAN, 10)] == ["", "b", "c", "d"]
    assert [line.text for line in fold(events, BEGAN, 2)] == ["c", "d"]
    assert fold([], BEGAN, 5) == []


RUN = [
    event(Kind.CREATING, 0),
    event(Kind.STARTED, 2),
    event(Kind.SCRIPT_SENT, 10),
    event(Kind.ANSWER_SERVED, 25),
    event(Kind.SUCCEEDED, 95),
    event(Kind.REBOOTED, 97),
]


def test_a_good_run_is_done_in_every_step_with_its_time() -> None:
    row = steps(after(RUN), RUN)

    assert [(step.name, step.state, step.time) for step in row] == [
        ("creating", "done", "2 s"),
        ("booting", "done", "8 s"),
        ("loading", "done", "15 s"),
        ("installing", "done", "1 m 10 s"),
        ("finishing", "done", "2 s"),
        ("installed", "done", ""),
    ]


@pytest.mark.parametrize(
    ("end", "states"),
    [
        ([], ["done", "done", "now", "next", "next", "next"]),
        ([event(Kind.DEADLINE, 99, "silence")], ["done", "done", "stopped", "next", "next", "next"]),
    ],
)
def test_a_run_that_stands_or_stopped_shows_where(end: list[Event], states: list[str]) -> None:
    events = RUN[:3] + end

    assert [step.state for step in steps(after(events), events)] == states


def test_a_cancelled_install_has_no_step_to_point_at() -> None:
    events = [*RUN[:3], event(Kind.CANCELLED, 12)]

    assert {step.state for step in steps(after(events), events)} == {"next"}


def test_the_clock_of_an_install_stops_at_its_end() -> None:
    now = BEGAN + timedelta(hours=5)

    assert fields(after(RUN), now)["elapsed"] == "1 m 37 s"
    assert fields(after(RUN[:3]), now)["elapsed"] == "5 h 00 m"
    assert fields(after(RUN[:3]), now)["ended"] == ""
    assert fields(replace(PLANNED), now)["created"] == "2026-03-01T12:00:00Z"
