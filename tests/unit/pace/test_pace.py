"""How far an install is and how long it will take, as a person would have it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.install import Kind, Stage
from provisioner.pace.budget import budget, verdict
from provisioner.pace.change import change
from provisioner.pace.learn import Pace, Sample, learn, sample, took
from provisioner.pace.marks import Mark, Run, Way
from provisioner.pace.outlook import left, percent
from tests.fakes import START
from tests.unit.pace.runs import GOOD, Happened, events, install, kept, run, slowed

KVM = Way("pxe", "bios", "kvm")


def known(*samples: Sample, way: Way = KVM) -> Pace:
    pace = learn(samples or [kept(), kept(), kept()], way)
    assert pace is not None
    return pace


def test_a_run_passes_its_marks() -> None:
    points = run(GOOD).points

    assert {mark.value: point.at for mark, point in points.items()} == {
        "planned": 0, "creating": 0, "booting": 2, "offer": 6, "loading": 8, "script": 10, "kernel": 12,
        "initrd": 20, "installing": 40, "finishing": 190, "installed": 200,
    }  # fmt: skip
    assert took(points, Stage.LOADING) == 32
    assert took(points, Stage.INSTALLING) == 150


WITHOUT: dict[str, tuple[tuple[Happened, ...], int]] = {
    "nothing": ((), 0),
    "switched on": (GOOD[:3], 3),
    "kernel half way": ((*GOOD[:6], (11, Kind.TREE_BYTES, {"percent": 8, "part": "kernel"})), 8),
    "answer file": (GOOD[:9], 20),
    "its own system": ((*GOOD[:9], (50, Kind.TREE_BYTES, {"part": "stage2", "n": 1, "bytes": 1})), 24),
    "packages": ((*GOOD[:9], (60, Kind.TREE_BYTES, {"part": "package", "n": 400, "bytes": 9})), 56),
    "bytes": ((*GOOD[:9], (60, Kind.TREE_BYTES, {"part": "other", "n": 1, "bytes": 2_000_000_000})), 56),
    "lines": ((*GOOD[:9], *((60, Kind.LOG),) * 600), 56),
    "reported": ((*GOOD[:9], (60, Kind.PROGRESS, {"percent": 70})), 70),
    "success": (GOOD[:10], 92),
    "installed": (GOOD, 100),
}


@pytest.mark.parametrize(("happened", "expected"), WITHOUT.values(), ids=WITHOUT)
def test_percent_where_nothing_is_known(happened: tuple[Happened, ...], expected: int) -> None:
    assert percent(run(happened), None, 1000) == expected


def test_percent_is_time_where_earlier_installs_tell_it() -> None:
    pace = known()

    shown = [percent(run([e for e in GOOD if e[0] <= at]), pace, at) for at in range(0, 201, 20)]

    assert shown == [0, 10, 20, 30, 40, 50, 60, 70, 80, 87, 100]


def packages(count: int, begun: int, ended: int) -> list[Happened]:
    """So many packages of a megabyte, told every half minute."""
    return [
        (at, Kind.TREE_BYTES, {"part": "package", "n": n, "bytes": n * 1_000_000})
        for at in range(begun, ended + 1, 30)
        for n in [count * (at - begun) // (ended - begun)]
    ]


def test_an_installer_that_is_counted_is_where_its_count_is() -> None:
    pace = known(*[kept([*GOOD[:9], *packages(100, 60, 180), *GOOD[9:]]) for _ in range(3)])
    slow = run([*GOOD[:9], *packages(50, 60, 300)])

    assert percent(slow, pace, 300) == 62  # 30 % at its first package, 95 at success
    found = left(slow, pace, 300)
    assert found is not None
    assert 70 < found.middle < 260  # half is done in 240 s, the other half was 65 s once


def test_an_installer_that_has_fetched_all_still_has_its_work_before_it() -> None:
    fetching = [*GOOD[:9], *packages(100, 50, 80)]
    whole = [*fetching, (580, Kind.SUCCEEDED), (600, Kind.REBOOTED)]
    pace = known(*[kept(whole) for _ in range(3)])

    assert Mark.FETCHED in pace.marks
    working = run(fetching)
    assert percent(working, pace, 82) == 13  # 80 of 600 s
    found = left(working, pace, 280)  # nothing was heard since
    assert found is not None and found.middle == 320
    heard = run([*fetching, (280, Kind.LOG)])
    assert heard.points[Mark.FETCHED].at == 80
    assert percent(heard, pace, 280) == 46


def test_what_is_left_shrinks_with_time_and_events() -> None:
    pace = known(kept(), kept(slowed(Kind.SUCCEEDED, 1.2)), kept(slowed(Kind.SUCCEEDED, 0.8)))
    begun = left(run(GOOD[:9]), pace, 40)
    later = left(run(GOOD[:9]), pace, 100)
    nearly = left(run(GOOD[:10]), pace, 191)

    assert begun is not None and later is not None and nearly is not None
    assert begun.middle == 160
    assert begun.low < 140 < 180 < begun.high
    assert later.middle == 100
    assert 8 <= nearly.middle <= 10


def test_nothing_is_promised_where_nothing_is_known() -> None:
    assert left(run(GOOD[:9]), None, 50) is None
    assert left(run(GOOD), known(), 300) is None
    assert left(run(GOOD[:9]), known(), 5000) is None  # far over: earlier installs say nothing any more


def test_of_one_install_the_range_is_wide() -> None:
    found = left(run(GOOD[:9]), known(kept()), 40)

    assert found is not None
    assert (found.low, found.middle, found.high) == (80, 160, 320)


def test_installs_made_alike_are_taken_and_emulation_is_never_mixed_with_kvm() -> None:
    uefi = Way("pxe", "uefi", "kvm")
    bios = [kept() for _ in range(3)]
    slow = [replace(kept(slowed(Kind.SUCCEEDED, 10)), way=Way("pxe", "bios", "qemu")) for _ in range(5)]

    assert known(*bios, *slow).expected == 200
    coarser = known(*bios, *slow, way=uefi)
    assert (coarser.expected, coarser.alike) == (200, False)
    late = run(GOOD[:8])
    assert verdict(budget(late, coarser, 140)) == "" != verdict(budget(late, known(), 140))
    assert known(*bios, *slow, way=Way("pxe", "bios", "qemu")).expected == 1550
    assert learn(slow, KVM) is None


def test_a_run_whose_clock_went_back_teaches_nothing() -> None:
    jumped = [(at if at < 40 else at - 86400, kind) for at, kind in GOOD]

    assert sample(run(jumped)) is None
    assert sample(run(GOOD[:10])) is None
    assert percent(run(jumped), known(), -80000) == 100


def test_silence_is_the_longest_wait_for_a_sign_of_life_of_the_installer() -> None:
    noisy: list[Happened] = [*GOOD[:9], (50, Kind.LOG), (51, Kind.DHCP_QUESTION), (120, Kind.LOG), *GOOD[9:]]

    assert run(noisy).silence == 70


def test_since_when_a_stage_is_slower() -> None:
    quick = [kept(day=day) for day in range(5)]
    slow = [kept(slowed(Kind.ANSWER_SERVED, 3), day) for day in range(5, 9)]

    found = known(*quick, *slow).changes

    assert {stage: str(one) for stage, one in found.items()} == {
        Stage.LOADING: f"loading takes 1 m 12 s since {START + timedelta(days=5):%Y-%m-%d} (was 32 s)"
    }


UNCHANGED: dict[str, list[float]] = {
    "none": [],
    "too few": [1, 1, 100, 100],
    "an outlier": [10, 10, 10, 10, 95, 10, 10],
    "noise": [10, 14, 9, 13, 10, 15, 12, 9, 14],
    "a little": [100, 100, 100, 101, 101, 101],
}


@pytest.mark.parametrize("values", UNCHANGED.values(), ids=UNCHANGED)
def test_chance_is_no_change(values: list[float]) -> None:
    assert change([(START, value) for value in values], Stage.LOADING) is None


def test_a_budget_says_which_stage_is_late() -> None:
    pace = known(*[kept(day=day) for day in range(4)])
    late = run(GOOD[:8])

    rows = {row.stage.value: row for row in budget(late, pace, 140)}

    assert rows["loading"].took == 132
    assert rows["loading"].runs and rows["loading"].late
    assert rows["booting"].took == 6
    assert not rows["booting"].late
    assert rows["installing"].took is None
    assert verdict(rows.values()) == "loading has taken 2 m 12 s, usually 32 s"


def test_a_slow_stage_is_told_with_its_day() -> None:
    slow = slowed(Kind.ANSWER_SERVED, 3)
    pace = known(*[kept(day=day) for day in range(5)], *[kept(slow, day) for day in range(5, 9)])

    told = verdict(budget(run(slowed(Kind.ANSWER_SERVED, 9)), pace, 500))

    assert told.startswith("loading took 3 m 12 s, usually 32 s; loading takes 1 m 12 s since ")
    assert verdict(budget(run(GOOD), pace, 500)) == ""


PACES = st.sampled_from([None, known(), known(kept())])
HAPPENED = st.lists(
    st.tuples(
        st.floats(-1e6, 1e6),
        st.one_of(st.sampled_from([kind for _, kind in GOOD]), st.sampled_from(Kind)),
        st.fixed_dictionaries(
            {},
            optional={
                "percent": st.one_of(st.integers(-5, 200), st.booleans(), st.text(max_size=1)),
                "part": st.sampled_from(
                    ["kernel", "stage2", "metadata", "package", "image", "x", 1, [], None]
                ),
                "n": st.integers(-2, 900),
                "bytes": st.integers(-2, 10**10),
            },
        ),
    ),
    max_size=25,
)


@given(HAPPENED, PACES, st.lists(st.floats(-1e6, 1e6), min_size=26, max_size=26))
def test_percent_never_goes_back_whatever_comes(
    happened: list[tuple[float, Kind, dict[str, object]]], pace: Pace | None, steps: list[float]
) -> None:
    ages = sorted(steps)
    walk, shown = Run.begun(install()), 0
    for age, event in zip(ages, events(happened), strict=False):
        walk.see(event)
        for at in (age, age + 1):
            found = percent(walk, pace, at)
            assert shown <= found <= 100
            shown = found
            rest = left(walk, pace, at)
            assert rest is None or 0 <= rest.low <= rest.middle <= rest.high
