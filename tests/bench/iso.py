"""A file out of an ISO that is not mounted, beside nginx with the same file copied out of it, alternating."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from provisioner.mirror.isoindex import index
from tests.bench.measure import cpu, spread
from tests.lab.alone import processes
from tests.lab.networks import HTTP_PORT, Lan, bridge
from tests.lab.service import Service, until
from tests.lab.waiting import descendants, free_port, wait_for_port
from tests.large_iso import LargeIso
from tests.treeinfo import ROCKY

GATE = 0.8
"""Bytes a second, ours to nginx's."""
FILES, FOLDERS = 10_000, 500
MANY = 200
_FILE, _SIZE = "images/install.img", 64 * 1024 * 1024
_NGINX = """
daemon off;
user root;
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  client_body_temp_path {place}; proxy_temp_path {place}; fastcgi_temp_path {place};
  uwsgi_temp_path {place}; scgi_temp_path {place};
  server {{ listen {address}:{port}; root {place}/www; }}
}}
"""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """MB a second, the server's CPU seconds for a GB, and the answers of the connection that got fewest."""

    rate: float
    cost: float
    least: int


def serving_isos(state: Path, quick: bool, tell: Tell) -> bool:
    """Prints the figures; whether the gate holds."""
    state.mkdir(mode=0o755, exist_ok=True)
    place = large(state / "large.iso")
    seconds = []
    for _ in range(5):
        begun = time.monotonic()
        found = index(place)
        seconds.append(time.monotonic() - begun)
    files, beyond = len(found.files), sum(length for _, length in found.files["large.bin"]) / 1024**3
    tell(
        f"an ISO of {files} files, {FOLDERS} folders, one of {beyond:.1f} GiB, {used(place):.0f} MB on disk:"
    )
    tell(f"  index                     {spread(seconds)} s   (aim: 1)")
    lan = Lan("iso", "network=default", "plab7", "10.213.7.2")
    with bridge(lan.device, lan.address), nginx(state, place, lan.address) as (theirs, peers):
        service = Service(state / "service", lan)
        service.state.mkdir(mode=0o755)
        try:
            service.start()
            until(lambda: "KVM:" in service.tail(), 120, "the end of the service's preparations")
            begun = time.monotonic()
            service.call("POST", "/trees", {"name": "large", "source": str(place)})
            tell(f"  made a tree               {time.monotonic() - begun:6.2f} s")
            ours = f"{lan.root}/tree/large/{_FILE}"
            held = True
            for connections in (1, MANY):
                ways = ((ours, processes(service.state)), (theirs, peers))
                held = _row(ways, connections, quick, tell) and held
            return held
        finally:
            service.stop()


def _row(ways: tuple[tuple[str, list[int]], ...], connections: int, quick: bool, tell: Tell) -> bool:
    seconds = 2.0 if quick else 5.0
    turns: list[list[Turn]] = [[], []]
    for _ in range(3 if quick else 7):
        for mine, (url, pids) in zip(turns, ways, strict=True):
            mine.append(_turn(url, pids, connections, seconds))
    rates = [us.rate / them.rate for us, them in zip(*turns, strict=True)]
    held = bool(median(rates) >= GATE)
    tell(f"{_SIZE // 1024**2} MiB out of it, {connections} client{'s' * (connections > 1)} at once:")
    for name, mine in zip(("ours ", "nginx"), turns, strict=True):
        cost, least = median([turn.cost for turn in mine]), min(turn.least for turn in mine)
        tell(
            f"  {name} MB/s  {spread([t.rate for t in mine])}   {cost:.2f} CPU s a GB; at least {least} each"
        )
    tell(f"  ratio       {spread(rates)}   (gate: {GATE}, {'holds' if held else 'DOES NOT HOLD'})")
    return held


def _turn(url: str, pids: list[int], connections: int, seconds: float) -> Turn:
    before = cpu(pids)
    words = [sys.executable, "-m", "tests.bench.iso_load", url, str(connections), str(seconds)]
    done = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return Turn(
        done["bytes"] / done["seconds"] / 1e6,
        (cpu(pids) - before) / (done["bytes"] / 1e9),
        int(done["least"]),
    )


def large(place: Path) -> Path:
    """A tree of Rocky's shape, most of it holes."""
    made = LargeIso()
    made.add(".treeinfo", ROCKY.encode())
    for path in ("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"):
        made.add(path, b"x" * 100_000)
    made.add(_FILE, os.urandom(1024 * 1024) * (_SIZE // 1024**2))
    made.add_beyond("large.bin", {0: b"first"})
    for number in range(FILES - 5):
        made.add(f"Packages/{number % FOLDERS}/package-{number}-1.2.3-4.el9.x86_64.rpm", b"rpm")
    return made.write(place)


def used(place: Path) -> float:
    """MB that a file with holes takes."""
    return place.stat().st_blocks * 512 / 1e6


@contextmanager
def nginx(state: Path, iso: Path, address: str) -> Iterator[tuple[str, list[int]]]:
    """The URL of the file, copied out of the ISO, and nginx's processes."""
    place = state / "nginx"
    file = place / "www" / _FILE
    file.parent.mkdir(parents=True)
    ((offset, length),) = index(iso).files[_FILE]
    with iso.open("rb") as opened:
        opened.seek(offset)
        file.write_bytes(opened.read(length))
    port = free_port()
    assert port != HTTP_PORT
    (place / "nginx.conf").write_text(_NGINX.format(place=place, address=address, port=port))
    with subprocess.Popen(["nginx", "-c", f"{place}/nginx.conf"], stderr=subprocess.DEVNULL) as child:
        try:
            wait_for_port(child, address, port)
            yield f"http://{address}:{port}/{_FILE}", [child.pid, *descendants(child.pid)]
        finally:
            child.terminate()
