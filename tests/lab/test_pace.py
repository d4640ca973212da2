"""What real installs teach the next one of their profile."""

import time
from typing import Any

import pytest

from tests.lab.networks import POOL
from tests.lab.service import Service


def followed(service: Service, name: str) -> list[dict[str, Any]]:
    """The install as it was told twice a second, from its beginning to its end."""
    service.create(name, disks=[f"size=1,pool={POOL}"])
    told = [service.install(name)]
    deadline = time.monotonic() + 420
    while told[-1]["stage"] not in ("installed", "failed") and time.monotonic() < deadline:
        time.sleep(0.5)
        told.append(service.install(name))
    assert told[-1]["stage"] == "installed", service.story(name)
    return told


def test_the_second_install_of_a_profile_knows_how_long_it_takes(
    request: pytest.FixtureRequest, nat: Service
) -> None:
    if not request.config.getoption("--every-cell"):
        pytest.skip("two installs one after the other: make e2e-full")
    first = followed(nat, "plab-pace1")
    second = followed(nat, "plab-pace2")

    for told in (first, second):
        percents = [one["percent"] for one in told]
        assert percents == sorted(percents)
        assert percents[-1] == 100
    assert {one["left_seconds"] for one in first} == {None}
    running = second[:-1]
    assert all(one["left_least"] <= one["left_seconds"] <= one["left_most"] for one in running)
    spent = nat.call("GET", "/installs/plab-pace2/budget")
    at_first = running[0]
    print(f"said {at_first['left_seconds']} s at first; it took {spent['took']:.1f} s")
    assert spent["compared"] == 1
    assert running[-1]["left_seconds"] < at_first["left_seconds"]
    for name in ("plab-pace1", "plab-pace2"):
        nat.call("DELETE", f"/guests/{name}")
