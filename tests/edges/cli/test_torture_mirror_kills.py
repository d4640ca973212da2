"""kill -9 of the whole service while guests fill its mirror: no guest gets a wrong file that ends well.

TORTURE makes it 500 kills with 100,000 kept files beside, TORTURE=N makes it N kills.
"""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from statistics import median

import pytest
import requests

from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site, free_ports
from provisioner.mirror.objects import Known, Objects
from tests.edges.cli.conftest import RECORDED
from tests.edges.mirror.origin import Beside, beside

TORTURE = os.environ.get("TORTURE", "") not in ("", "0")
KILLS = {"": 3, "0": 3, "1": 500}.get(os.environ.get("TORTURE", "")) or int(os.environ["TORTURE"])
BESIDE = 100_000 if TORTURE else 0
GUESTS, RATE = 8, 5_000_000
BODIES = [random.Random(number).randbytes(20_000 + 50_000 * number) for number in range(GUESTS)]


@dataclass(frozen=True, slots=True)
class Served:
    """A service that can be killed, and the tree `t` behind it."""

    site: Site
    settings: dict[str, object]
    tree: Path
    upstream: Beside

    @property
    def place(self) -> Path:
        return self.site.state_dir / "mirror"

    def start(self) -> float:
        """Seconds until it was ready."""
        return service.start(self.site, self.settings)

    def kill(self) -> None:
        pid = service.running(self.site)
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def add_tree(self) -> None:
        door = json.loads((self.site.state_dir / "api.json").read_text())
        body = {"name": "t", "source": self.upstream.origin.url}
        headers = {"Authorization": f"Bearer {door['token']}"}
        answer = requests.post(f"{door['url']}/api/v1/trees", json=body, headers=headers, timeout=60)
        assert answer.ok, answer.text

    def take(self, path: str) -> bytes | None:
        """None where the transfer broke, or was refused."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.settings['http_port']}/tree/t/{path}", timeout=60)
        except requests.RequestException:
            return None
        return answer.content if answer.ok else None


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    tree = copytree(RECORDED / "rhel/centos-7.6.1810", tmp_path / "tree")
    site = Site(tmp_path / "state")
    site.state_dir.mkdir()
    names = ("api_port", "http_port", "syslog_port")
    settings: dict[str, object] = {
        "state_dir": str(site.state_dir),
        "libvirt_uri": "test:///default",
        "interfaces": ["lo"],
        "netboot": False,
        **dict(zip(names, free_ports(len(names)), strict=True)),
    }
    with beside(tree, rate=RATE) as upstream:
        yield Served(site, settings, tree, upstream)
        service.stop(site)


def test_torture_a_service_that_is_killed_while_guests_fill_its_mirror(served: Served) -> None:
    chance = random.Random(1)
    served.start()
    served.add_tree()
    served.kill()
    crowd(served, BESIDE)
    half, whole, ready = 0, 0, []
    with ThreadPoolExecutor(GUESTS) as guests:
        for number in range(KILLS):
            names = lay_out(served, number)
            ready.append(served.start())
            assert not list((served.place / "parts").iterdir())
            taking = {name: guests.submit(served.take, name) for name in names}
            time.sleep(chance.random() * 0.4)
            served.kill()
            half += len(list((served.place / "parts").iterdir()))
            for name, body in names.items():
                assert taking[name].result() in (None, body), name
            kept = right(served, names)
            whole += len(kept)
    served.upstream.stop()
    ready.append(served.start())
    assert not list((served.place / "parts").iterdir())
    assert all(served.take(name) == names[name] for name in kept)
    print(f"{KILLS} kills, {BESIDE} files beside: {half} half filled, {whole} whole, none wrong, none left;")
    print(f"ready after {median(ready):.1f} s, at most {max(ready):.1f} s")


def lay_out(served: Served, number: int) -> dict[str, bytes]:
    """New names in the upstream's tree."""
    names = {f"Packages/round{number}-{count}.rpm": body for count, body in enumerate(BODIES)}
    for name, body in names.items():
        (served.tree / name).parent.mkdir(exist_ok=True)
        (served.tree / name).write_bytes(body)
    for old in served.tree.glob("Packages/round*"):
        if not old.name.startswith(f"round{number}-"):
            old.unlink()
    return names


def right(served: Served, names: dict[str, bytes]) -> list[str]:
    """Those that are kept. Raises AssertionError for one that is wrong."""
    found = []
    for kept in Objects(served.place).walk(served.upstream.origin.url):
        if kept.known.path in names:
            assert kept.file.read(kept.known.size) == names[kept.known.path]
            found.append(kept.known.path)
    return found


def crowd(served: Served, count: int) -> None:
    """So many small kept files of another source."""
    if not count:
        return
    objects = Objects(served.place)
    source, body = "http://crowd.example", b"small"
    part = objects.part(source, "one")
    part.put(body, 0)
    part.keep(Known(source, "one", len(body), sha256(body).hexdigest()))
    part.file.close()
    one = next(objects.walk(source)).place.read_bytes()
    folder = objects.folder(source)
    for number in range(count):
        name = sha256(str(number).encode()).hexdigest()[:40]
        (folder / name[:2]).mkdir(parents=True, exist_ok=True)
        (folder / name[:2] / name).write_bytes(one)
