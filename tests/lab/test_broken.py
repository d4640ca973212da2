"""Guests that break from inside, never by virsh: what their service finds out, and what is kept of it."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab import broken
from tests.lab.broken import Break
from tests.lab.networks import NETWORKS, POOL
from tests.lab.service import FINAL, Service, serving, until

SEED = int(os.environ.get("SEED", "8"))
AT_ONCE = 4


@pytest.fixture
def impatient(state: Path, pool: str) -> Iterator[Service]:
    """A service that takes less silence for an end than it usually does."""
    del pool
    with NETWORKS["nat"](True) as lan:
        short = {"INSTALLING_SECONDS": str(broken.SECONDS)}
        with serving(state, replace(lan, settings={**lan.settings, **short})) as service:
            service.have_image("tiny")
            yield service


def begin(service: Service, name: str, script: str, point: str, **wishes: object) -> None:
    service.call("POST", "/profiles/tiny/copy", {"name": name})
    service.call("PUT", f"/profiles/{name}", {"variables": {point: script}})
    service.create(name, profile=name, disks=[f"size=1,pool={POOL}"], memory=256, **wishes)


def end(service: Service, name: str, seconds: float) -> dict[str, object]:
    """What `install why` says once it has ended."""
    until(lambda: service.install(name)["stage"] in FINAL, seconds, f"{name}: an end", 0.5)
    told: dict[str, object] = service.call("GET", f"/installs/{name}/why")
    return told


def test_a_failed_guest_leaves_its_log_its_last_words_and_its_screen(nat: Service) -> None:
    name = "plab-broken"
    begin(nat, name, "echo it is wrong; exit 3", "pre", graphics="vnc")

    told = end(nat, name, 300)
    nat.wait_for(name, "kept", 30)
    events = nat.events(name)
    steps = {e["data"].get("milestone") for e in events if e["kind"] == "console"}
    port = (nat.state / f"logs/{told['install']}.anaconda.log").read_text()
    nat.call("DELETE", f"/guests/{name}")

    assert {"firmware", "ipxe", "mini"} <= steps, nat.timeline(name)
    assert "mini installer on" in port
    assert "stopped: %pre script failed" in port
    assert told["diagnosis"] == "script-failed"
    assert "stopped: %pre script failed" in nat.text(f"/installs/{name}/log")
    assert "mini installer on" in nat.text(f"/installs/{name}/serial")
    assert nat.data(f"/installs/{name}/screen.png").startswith(b"\x89PNG\r\n")


@pytest.mark.timeout(3600)
def test_torture_guests_broken_from_inside(impatient: Service, request: pytest.FixtureRequest) -> None:
    every = bool(os.environ.get("TORTURE"))
    if not every and not request.config.getoption("--every-cell"):
        pytest.skip("make e2e-full breaks two guests, make torture twenty")
    plan = list(enumerate(broken.chosen(SEED, 20 if every else 2)))
    right = 0
    for first in range(0, len(plan), AT_ONCE):
        group = plan[first : first + AT_ONCE]
        for number, (kind, point) in group:
            begin(impatient, f"plab-broken{number}", kind.script, point)
        for number, (kind, point) in group:
            right += judged(impatient, f"plab-broken{number}", kind, point)
    print(f"{len(plan)} guests broken from inside (seed {SEED}): {right} causes right")
    assert right >= len(plan) * 0.9


def judged(service: Service, name: str, kind: Break, point: str) -> bool:
    """It has failed, where it broke; whether the cause is right. Its guest goes."""
    told = end(service, name, 600)
    found = service.install(name)
    print(f"{name}: {kind.name} in %{point}: {found['failed_at']}, {told['diagnosis']}: {told['cause']}")
    assert found["stage"] == "failed", service.story(name)
    assert found["failed_at"] == "installing", service.story(name)
    service.call("DELETE", f"/guests/{name}")
    return told["diagnosis"] in kind.causes
