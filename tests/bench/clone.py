"""Linked clones of a 512 MB image, not started: ours through the service's API, theirs by virt-clone.

Each has a source of its own with the same image, and both go by turns, so that a noisy machine is noisy for
both. What is timed is the request (authorised, journaled, written down) and the command.
"""

import asyncio
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from provisioner import state as states
from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site, free_ports
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.plan.naming import NAMESPACE
from provisioner.service.ports import GuestRow
from provisioner.store.database import Database
from tests.bench.measure import spread
from tests.lab.networks import run
from tests.lab.service import until

IMAGE_BYTES = 512 * 1024 * 1024
GATE = 50
MANY = 20
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


Ask = Callable[..., str]
"""(method, path of the API, body or None) to the answer. Raises RuntimeError where that tells of an error."""
Clone = Callable[[Sequence[str]], float]
"""Makes clones of those names, by one request where they are several; seconds of it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds for one clone: ours alone, ours as one of `MANY` that one request asks for, virt-clone's."""

    alone: float
    among: float
    theirs: float


def compare(state: Path, runs: int, tell: Callable[[str], None]) -> list[Turn]:
    """`runs` alternations, after one that is not counted. `state` is a folder that QEMU can enter.

    Ours has made some clones before: a service is started once, the command for each clone anew.
    """
    turns: list[Turn] = []
    with ground(state) as folder, serving(state, folder) as clone:
        for number in range(WARMING):
            clone([f"bench-clone-warm-{number}"])
        for number in range(runs + 1):
            many = [f"bench-clone-{number}-{one}" for one in range(MANY)]
            alone, among = clone([f"bench-clone-{number}"]), clone(many) / MANY
            turn = Turn(alone, among, virt_clone(folder / f"theirs-{number}"))
            tell(
                f"  {number}: ours {alone * 1000:6.1f} ms alone, {among * 1000:6.1f} ms among {MANY}, "
                f"virt-clone {turn.theirs:5.2f} s"
            )
            if number:
                turns.append(turn)
    return turns


def report(turns: Sequence[Turn], tell: Callable[[str], None]) -> float:
    """Prints them with their ratios; returns how many times faster one among many is, by the medians."""
    theirs = median(turn.theirs for turn in turns) * 1000
    alone, among = [turn.alone * 1000 for turn in turns], [turn.among * 1000 for turn in turns]
    ratio = theirs / median(among)
    tell(f"linked clone, alone         {spread(alone)} ms")
    tell(f"one of {MANY:3} by one request   {spread(among)} ms")
    tell(f"virt-clone                  {spread([turn.theirs for turn in turns])} s")
    tell(f"times faster, alone         {theirs / median(alone):6.1f}   (no gate)")
    verdict = "holds" if ratio >= GATE else "DOES NOT HOLD"
    tell(f"times faster, by one request{ratio:6.1f}   (gate: {GATE}, {verdict})")
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
def serving(state: Path, folder: Path) -> Iterator[Clone]:
    """The service with one guest of its own; gives what clones it, and removes the clones, untimed."""
    with answering(state, folder) as (_, ask):

        def clone(names: Sequence[str]) -> float:
            verb, body = ("clone", {"name": names[0]}) if len(names) == 1 else ("clones", {"names": names})
            begun = time.perf_counter()
            ask("POST", f"/guests/{OURS}/{verb}", json.dumps(body))
            took = time.perf_counter() - begun
            for name in names:
                ask("DELETE", f"/guests/{name}")
            return took

        yield clone


@contextmanager
def answering(state: Path, folder: Path) -> Iterator[tuple[Site, Ask]]:
    """The service with one guest of its own; gives what asks it."""
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
        with closing(HTTPConnection(urlsplit(api["url"]).netloc, timeout=600)) as connection:

            def ask(method: str, path: str, text: str | None = None) -> str:
                headers = {"Authorization": f"Bearer {api['token']}", "Content-Type": "application/json"}
                connection.request(method, f"/api/v1{path}", text, headers)
                answer = connection.getresponse()
                told = answer.read().decode()
                if answer.status >= 400 or '"error"' in told:
                    raise RuntimeError(told)
                return told

            ask("GET", "/guests")
            yield site, ask
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


def virt_clone(disk: Path) -> float:
    words = ["virt-clone", "--connect", "qemu:///system", "--original", THEIRS]
    begun = time.perf_counter()
    run(*words, "--name", f"bench-clone-{disk.name}", "--file", str(disk), "--quiet")
    took = time.perf_counter() - begun
    run("virsh", "-q", "undefine", f"bench-clone-{disk.name}", "--remove-all-storage")
    return took
