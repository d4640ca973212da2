"""Debian by the mini installer, power-on to the login prompt of the installed system, tuned and as it is."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.install import Run, on_a_bridge, show
from tests.bench.measure import cpu
from tests.lab.alone import processes
from tests.lab.networks import POOL
from tests.lab.service import Service, until

LIMIT = 900
LOGIN = " login:"


def installs(state: Path, runs: int, tell: Callable[[str], None]) -> None:
    """`runs` guests of each image, one after the other."""
    with on_a_bridge(state, "debian") as service:
        for word, tuned in (("tuned for emulation", True), ("as it is", False)):
            begun = time.monotonic()
            service.build_image("debian12", tune=tuned)
            tell(f"Debian 12 {word}: image built in {time.monotonic() - begun:.0f} s; power-on to login")
            for count in range(1, runs + 1):
                tell(f"  {count}. {show(to_login(service, f'plab-bench-debian{count}'))}")


def to_login(service: Service, name: str) -> Run:
    service.create(name, profile="debian12-image", disks=[f"size=4,pool={POOL}"], vcpus=2, memory=768)
    servers, serial = processes(service.state), service.serial(name)
    guest = int(Path(f"/run/libvirt/qemu/{name}.pid").read_text())
    begun, before = time.monotonic(), cpu(servers)
    until(lambda: LOGIN in serial.read_text(errors="replace"), LIMIT, f"{name}: login prompt")
    done = Run(cpu([guest]), cpu(servers) - before, time.monotonic() - begun)
    service.call("DELETE", f"/guests/{name}")
    return done
