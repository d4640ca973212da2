"""Every seed, and every injury of it that Hypothesis thinks of, through every target."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import KEPT, TARGETS, seeds


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed(target: str) -> None:
    assert seeds(target)
    for data in seeds(target):
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
@given(st.data())
@settings(max_examples=200)
def test_injured_seeds(target: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(seeds(target)))
    at = data.draw(st.integers(0, len(seed)))
    gone = data.draw(st.integers(0, 8))
    TARGETS[target](seed[:at] + data.draw(st.binary(max_size=40)) + seed[at + gone :])


def test_what_is_kept_has_a_target() -> None:
    assert {folder.name for folder in KEPT.iterdir()} <= set(TARGETS)
