"""One lab a machine at a time, on a clean floor: what a run that was cut off left is removed first."""

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.lab.networks import POOL, run, virsh

STATES = Path("/var/lib")
PREFIX = "provisioner-lab-"


@contextmanager
def alone() -> Iterator[None]:
    """Waits for the end of another lab, then sweeps."""
    with Path("/run/lock/provisioner-lab").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _sweep()
        yield


def processes(state: Path) -> list[int]:
    """Every process that was started with this state directory in its environment."""
    mark = f"PROVISIONER_STATE_DIR={state}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def remove_guests() -> None:
    """By libvirt alone, so that a broken service leaves nothing either."""
    for name in virsh("list", "--all", "--name").split():
        if name.startswith("plab-"):
            virsh("destroy", name, check=False)
            virsh("undefine", name, "--nvram", check=False)


def _sweep() -> None:
    for state in STATES.glob(f"{PREFIX}*"):
        for pid in processes(state):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(state)
    remove_guests()
    for name in virsh("net-list", "--name").split():
        if name.startswith("plab-"):
            virsh("net-destroy", name, check=False)
    virsh("pool-destroy", POOL, check=False)
    for line in run("ip", "netns").splitlines():
        if line.startswith("plab-"):
            name = line.split()[0]
            for held in run("ip", "netns", "pids", name, check=False).split():
                with suppress(ProcessLookupError):
                    os.kill(int(held), signal.SIGKILL)
            run("ip", "netns", "del", name, check=False)
            shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)
    for line in run("ip", "-o", "link").splitlines():
        device = line.split(": ")[1].partition("@")[0]
        if device.startswith(("plab", "pv-plab")):
            run("ip", "link", "del", device, check=False)
    for line in run("ip", "rule").splitlines():
        words = line.split()
        if "from" in words and words[words.index("from") + 1].startswith("10.213."):
            run("ip", "rule", "del", *words[words.index("from") :], check=False)
