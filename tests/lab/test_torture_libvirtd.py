"""libvirtd killed with -9 while guests install: seen at once, in step again soon, and nothing missed.

`make torture` runs these, TORTURE=N with N / 20 kills; `make e2e` reports them as skipped.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.lab.networks import POOL, run, virsh
from tests.lab.service import Service, until
from tests.lab.test_kill9 import STAGES, stage_in_store
from tests.lab.test_torture_creation import KILLS

pytestmark = pytest.mark.skipif(not os.environ.get("TORTURE"), reason="a long loop: make torture")

AWAY = (0.5, 3.0, 8.0)
"""Seconds that libvirtd stays away: the guests run on meanwhile."""
PID = Path("/run/libvirtd.pid")


def kill_libvirtd() -> None:
    pid = int(PID.read_text())
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists(), 10, "the end of libvirtd", 0.001)


def start_libvirtd() -> None:
    if Path("/run/systemd/system").is_dir():
        run("systemctl", "restart", "libvirtd")
    else:
        run("libvirtd", "-d")


def up(service: Service) -> bool:
    (host,) = service.call("GET", "/hosts")
    return bool(host["state"] == "up")


def seconds_until(service: Service, *, is_up: bool) -> float:
    begun = time.monotonic()
    until(lambda: up(service) is is_up, 30, f"a host that is {'up' if is_up else 'down'}", 0.01)
    return time.monotonic() - begun


def begun(service: Service, name: str, stage: str) -> None:
    service.create(name, disks=[f"size=1,pool={POOL}"])
    until(lambda: stage_in_store(service, name) == stage, 240, f"{name}: stage {stage}", 0.005)


@pytest.mark.timeout(3600)
def test_torture_libvirtd_killed_in_every_stage_of_an_install(nat: Service) -> None:
    seen, back = [], []
    for number in range(max(len(STAGES) - 1, KILLS // 20)):
        stage, away = STAGES[1:][number % (len(STAGES) - 1)], AWAY[number % len(AWAY)]
        name = f"plab-daemon-{number}"
        begun(nat, name, stage)

        kill_libvirtd()
        try:
            seen.append(seconds_until(nat, is_up=False))
            time.sleep(away)
        finally:
            start_libvirtd()
        back.append(seconds_until(nat, is_up=True))

        nat.wait(name, 420, "first-boot")
        assert nat.kinds(name).count("answer.served") == 1
        assert nat.install(name)["stage"] == "installed"
        nat.call("DELETE", f"/guests/{name}")

    print(
        f"\n{len(seen)} kills: down seen after at most {max(seen):.2f} s, up after at most {max(back):.1f} s"
    )


@pytest.mark.timeout(900)
def test_torture_a_guest_that_ends_while_libvirtd_is_away_is_not_missed(nat: Service) -> None:
    name = "plab-daemon-cut"
    begun(nat, name, "installing")
    qemu = int(Path(f"/run/libvirt/qemu/{name}.pid").read_text())

    kill_libvirtd()
    try:
        seconds_until(nat, is_up=False)
        os.kill(qemu, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{qemu}").exists(), 10, "the end of the guest")
    finally:
        start_libvirtd()

    nat.wait_for(name, "stopped", 15)
    until(lambda: nat.install(name)["stage"] == "failed", 120, "an install that failed")
    assert "is switched off, and it did not report success" in nat.install(name)["reason"]
    nat.call("DELETE", f"/guests/{name}")
    assert name not in virsh("list", "--all", "--name")
