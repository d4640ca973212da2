"""The tiny image, power-on to success report: guest and server CPU, ours and by hand, alternating."""

import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.bench import byhand
from tests.bench.measure import cpu
from tests.lab.alone import processes
from tests.lab.networks import NETWORKS, POOL, run, virsh
from tests.lab.service import Service, serving, until

PREFIX = "plab-bench"
LIMIT = 300


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds from power-on to the success report."""

    guest: float
    server: float
    wall: float

    @property
    def total(self) -> float:
        return self.guest + self.server


@dataclass(frozen=True, slots=True)
class Texts:
    """What our service gives a guest, to be served by hand: script, answer file and where that is."""

    xml: str
    script: str
    answer_path: str
    answer: str


@contextmanager
def on_a_bridge(state: Path, folder: str) -> Iterator[Service]:
    """Our service beside somebody's DHCP server, with a pool in that folder of the state."""
    pool = state / folder
    pool.mkdir()
    with NETWORKS["bridge"](True) as lan:
        virsh("pool-create-as", POOL, "dir", "--target", str(pool))
        try:
            with serving(state, lan) as service:
                yield service
        finally:
            virsh("pool-destroy", POOL, check=False)


def compare(state: Path, runs: int, tell: Callable[[str], None]) -> tuple[list[Run], list[Run]]:
    """`runs` alternations; each server is up alone with the guest that it serves."""
    ours: list[Run] = []
    theirs: list[Run] = []
    with on_a_bridge(state, "pool") as service:
        service.build_image("tiny")
        texts = model(service)
        for count in range(1, runs + 1):
            ours.append(by_us(service, f"{PREFIX}-ours{count}"))
            tell(f"  {count}. ours     {show(ours[-1])}")
            theirs.append(by_hand(state, texts, f"{PREFIX}-hand{count}"))
            tell(f"  {count}. by hand  {show(theirs[-1])}")
    return ours, theirs


def show(run: Run) -> str:
    cpu = f"guest {run.guest:6.2f}  server {run.server:5.2f}  total {run.total:6.2f} CPU s"
    return f"{cpu}   wall {run.wall:6.1f} s"


def model(service: Service) -> Texts:
    """A guest that never boots, asked for in its place: its domain, its script, its answer file."""
    name = f"{PREFIX}-model"
    created = service.create(name, disks=[f"size=1,pool={POOL}"])["install"]
    virsh("destroy", name)
    xml = virsh("dumpxml", "--inactive", "--security-info", name)
    serial = re.findall(r"<entry name='serial'>([^<]+)<", xml)[0]
    root = service.lan.root
    question = {"mac": created["mac"], "uuid": created["uuid"]}
    script = requests.get(f"{root}/boot/script/{serial}", params=question, timeout=10).text
    url = re.findall(r"inst\.ks=(\S+)", script)[0]
    answer = requests.get(url, timeout=10).text
    service.call("DELETE", f"/guests/{name}")
    return Texts(
        xml,
        script.replace(service.lan.address, byhand.ADDRESS),
        url.removeprefix(root),
        answer.replace(service.lan.address, byhand.ADDRESS),
    )


def by_us(service: Service, name: str) -> Run:
    service.create(name, disks=[f"size=1,pool={POOL}"])
    servers = processes(service.state) + pids_of("plab-dhcp")
    done = measure(name, servers, lambda: reported(service.state, name))
    service.call("DELETE", f"/guests/{name}")
    return done


def by_hand(state: Path, texts: Texts, name: str) -> Run:
    with tempfile.TemporaryDirectory(dir=state) as folder:
        place = Path(folder)
        disk, serial, xml = place / "disk.qcow2", place / "serial.log", place / "domain.xml"
        run("qemu-img", "create", "-q", "-f", "qcow2", str(disk), "1G")
        xml.write_text(byhand.domain(texts.xml, name, disk, serial))
        with byhand.servers(state, place, texts.script, texts.answer_path, texts.answer) as servers:
            virsh("create", str(xml))
            try:
                log = place / "access.log"
                return measure(
                    name, servers, lambda: bool(re.search(r"/report/\S+/success", log.read_text()))
                )
            finally:
                virsh("destroy", name, check=False)


def measure(name: str, servers: list[int], reported: Callable[[], bool]) -> Run:
    """Called at power-on; looks ten times a second and asks no server anything."""
    guest = int(Path(f"/run/libvirt/qemu/{name}.pid").read_text())
    begun, before = time.monotonic(), cpu(servers)
    until(reported, LIMIT, f"{name}: success report", 0.1)
    return Run(cpu([guest]), cpu(servers) - before, time.monotonic() - begun)


def reported(state: Path, name: str) -> bool:
    store = sqlite3.connect(f"file:{state}/provisioner.db?mode=ro", uri=True, timeout=5)
    try:
        return (
            store.execute(
                "select 1 from installs where guest = ? and stage in ('finishing', 'installed')", (name,)
            ).fetchone()
            is not None
        )
    finally:
        store.close()


def pids_of(netns: str) -> list[int]:
    return [int(pid) for pid in run("ip", "netns", "pids", netns).split()]
