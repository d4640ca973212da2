"""A linked clone of a 512 MB image, not started: ours through the service's API, theirs by virt-clone.

Each has a source of its own with the same image, and both go by turns, so that a noisy machine is noisy for
both. What is timed is the request (authorised, journaled, written down) and the command.
"""

import asyncio
import json
import os
import resource
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import requests

from provisioner import state as states
from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site, free_ports
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.plan.naming import NAMESPACE
from provisioner.service.ports import GuestRow
from provisioner.store.database import Database
from tests.bench.measure import spread
from tests.lab.service import until

IMAGE_BYTES = 512 * 1024 * 1024
GATE = 50
WARMING = 5
OURS, THEIRS = "bench-clone-ours", "bench-clone-theirs"
POOL = "bench-clone"
PORTS = ("api_port", "http_port", "syslog_port", "dhcp_port", "proxy_port", "tftp_port")
DOMAIN = """
<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <metadata>{metadata}</metadata>
  <memory unit='MiB'>512</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><mac address='{mac}'/><model type='virtio'/></interface>
    <serial type='pty'/>
  </devices>
</domain>
"""


@dataclass(frozen=True)
class Run:
    """Seconds of one clone: by the clock, and of all processes that worked for it, libvirt's included."""

    wall: float
    cpu: float


def compare(state: Path, runs: int, tell: Callable[[str], None]) -> tuple[list[Run], list[Run]]:
    """`runs` alternations, after one of each that is not counted. `state` is a folder that QEMU can enter.

    Ours has made some clones before: a service is started once, the command for each clone anew.
    """
    ours: list[Run] = []
    theirs: list[Run] = []
    with ground(state) as folder, serving(state, folder) as clone:
        for number in range(WARMING):
            clone(f"bench-clone-warm-{number}")
        for number in range(runs + 1):
            mine, other = clone(f"bench-clone-{number}"), virt_clone(folder / f"theirs-{number}")
            tell(f"  {number}: ours {mine.wall * 1000:6.1f} ms, virt-clone {other.wall:5.2f} s")
            if number:
                ours.append(mine)
                theirs.append(other)
    return ours, theirs


def report(ours: list[Run], theirs: list[Run], tell: Callable[[str], None]) -> float:
    """Prints both with the ratio of their medians by the clock, which it returns."""
    ratio = median(run.wall for run in theirs) / median(run.wall for run in ours)
    # A single clone of ours is shorter than the kernel's tick: only the sum of many says something.
    spent = sum(run.cpu for run in theirs) / max(sum(run.cpu for run in ours), 0.01)
    tell(f"linked clone, ours          {spread([run.wall * 1000 for run in ours])} ms")
    tell(f"virt-clone                  {spread([run.wall for run in theirs])} s")
    tell(f"ratio of CPU seconds        {spent:6.1f}")
    verdict = "holds" if ratio >= GATE else "DOES NOT HOLD"
    tell(f"ratio of the medians        {ratio:6.1f}   (gate: {GATE}, {verdict})")
    return ratio


@contextmanager
def ground(state: Path) -> Iterator[Path]:
    """A pool with two equal images, and a foreign domain on the second."""
    folder = state / "pool"
    folder.mkdir()
    raw = state / "raw"
    with raw.open("wb") as file:
        for _ in range(IMAGE_BYTES >> 20):
            file.write(os.urandom(1 << 20))
    for name in (OURS, THEIRS):
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(folder / f"{name}-0"))
    raw.unlink()
    run("virsh", "-q", "pool-create-as", POOL, "dir", "--target", str(folder))
    try:
        define(THEIRS, str(uuid.uuid4()), "52:54:00:b3:c0:02", folder / f"{THEIRS}-0", "")
        yield folder
    finally:
        for line in run("virsh", "-q", "list", "--all", "--name").split():
            if line.startswith("bench-clone-"):
                run("virsh", "-q", "undefine", line)
        run("virsh", "-q", "pool-destroy", POOL)


def _spec(own: str, mac: str) -> GuestSpec:
    return GuestSpec(OURS, "tiny", own, disks=(Disk(0.5, POOL),), nics=(Nic("network", "default", mac),))


@contextmanager
def serving(state: Path, folder: Path) -> Iterator[Callable[[str], Run]]:
    """The service with one guest of its own; gives what clones it, and removes the clone, untimed."""
    site = Site(state / "service")
    site.state_dir.mkdir()
    own, mac, install = str(uuid.uuid4()), "52:54:00:b3:c0:01", uuid.uuid4().hex[:12]
    disk = (folder / f"{OURS}-0").rename(folder / f"{OURS}-{install}")
    run("virsh", "-q", "pool-refresh", POOL)
    asyncio.run(remember(site.state_dir, _spec(own, mac), install))
    tag = f"<p:guest xmlns:p='{NAMESPACE}'><p:install>{install}</p:install></p:guest>"
    define(OURS, own, mac, disk, tag)
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    states.remember_proof(site.state_dir / "cache" / "kvm.json", (False, "the peer is not given it either"))
    service.start(site, {"state_dir": str(site.state_dir), "interfaces": ["lo"], **ports})
    try:
        until(lambda: "KVM:" in site.log.read_text(), 120, "the end of the service's preparations")
        api = json.loads((site.state_dir / "api.json").read_text())
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {api['token']}"
            guests = f"{api['url']}/api/v1/guests"
            session.get(guests, timeout=30).raise_for_status()

            def clone(name: str) -> Run:
                workers = [service.running(site), *daemons()]
                spent, begun = total(workers), time.perf_counter()
                answer = session.post(f"{guests}/{OURS}/clone", json={"name": name}, timeout=60)
                took = Run(time.perf_counter() - begun, total(workers) - spent)
                answer.raise_for_status()
                session.delete(f"{guests}/{name}", timeout=60).raise_for_status()
                return took

            yield clone
    finally:
        service.stop(site)


async def remember(state: Path, spec: GuestSpec, install: str) -> None:
    """Writes the guest down as if it had been installed."""
    folder = states.prepare(state)
    store = Database(f"sqlite+aiosqlite:///{folder / 'provisioner.db'}")
    await store.open()
    try:
        await store.migrate(folder / "backup")
        now = datetime.now(UTC)
        made = Install(install, spec.name, spec.mac, spec.uuid, spec.profile, Stage.INSTALLED, now, now)
        await store.add_install(made, GuestRow(spec, install, f"{spec.name}-{install}", now, {}))
    finally:
        await store.close()


def define(name: str, own: str, mac: str, disk: Path, metadata: str) -> None:
    xml = DOMAIN.format(name=name, uuid=own, mac=mac, disk=disk, metadata=metadata)
    file = disk.parent.parent / f"{name}.xml"
    file.write_text(xml)
    run("virsh", "-q", "define", str(file))


def virt_clone(disk: Path) -> Run:
    words = ["virt-clone", "--connect", "qemu:///system", "--original", THEIRS]
    workers = daemons()
    spent, begun = total(workers) + children(), time.perf_counter()
    run(*words, "--name", f"bench-clone-{disk.name}", "--file", str(disk), "--quiet")
    took = Run(time.perf_counter() - begun, total(workers) + children() - spent)
    run("virsh", "-q", "undefine", f"bench-clone-{disk.name}", "--remove-all-storage")
    return took


def daemons() -> list[int]:
    """libvirt's own: the one daemon, or the several that newer versions have."""
    names = ("libvirtd", "virtqemud", "virtstoraged")
    return [int(pid) for pid in run("pgrep", "-x", "-u", "root", "-d", " ", "|".join(names)).split()]


def total(pids: Sequence[int]) -> float:
    """CPU seconds of processes and of the children that they waited for."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def children() -> float:
    """CPU seconds of the commands that were run from here."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(*words: str) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    return done.stdout
