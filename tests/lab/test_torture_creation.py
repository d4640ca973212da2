"""Creation under torture, on the real libvirt: killed at every step of it, and one name asked for by many.

`make torture` runs these, TORTURE=N with N kills; `make e2e` reports them as skipped.
"""

import hashlib
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.bench.libvirt import Bench, bench
from tests.lab.networks import POOL, virsh
from tests.lab.service import Service, until
from tests.lab.test_kill9 import stage_in_store

pytestmark = pytest.mark.skipif(not os.environ.get("TORTURE"), reason="a long loop: make torture")

KILLS = {"0": 200, "1": 200}.get(os.environ.get("TORTURE", "0")) or int(os.environ["TORTURE"])
ASKED = 100
FOREIGN = 25
NAME = "plab-torture"
MAKING = ("planned", "creating")
DOMAINS = Path("/etc/libvirt/qemu")
NVRAM = Path("/var/lib/libvirt/qemu/nvram")
RUNNING = Path("/run/libvirt/qemu")


@pytest.fixture
def alone(state: Path) -> Iterator[Bench]:
    """A service that installs nothing, with a pool of its own."""
    place = state / "torture"
    with bench(place, POOL, NAME) as one:
        yield one
    shutil.rmtree(place)


def moments(one: Bench, name: str) -> dict[str, Callable[[], bool]]:
    """What shows on the host that a step has begun, in the order of the steps."""
    return {
        "written down": lambda: bool(stage_in_store(one.service, name)),
        "disk": lambda: bool(left(one, name)),
        "seed": lambda: len(volumes(one, name)) > 1,
        "defined": (DOMAINS / f"{name}.xml").exists,
        "variables": (NVRAM / f"{name}_VARS.fd").exists,
        "started": (RUNNING / f"{name}.pid").exists,
        "made": lambda: stage_in_store(one.service, name) not in {"", *MAKING},
    }


def volumes(one: Bench, name: str) -> list[str]:
    return sorted(path.name for path in one.folder.glob(f"{name}-*"))


def left(one: Bench, name: str) -> list[str]:
    """All of a guest that is on the host."""
    places = (DOMAINS / f"{name}.xml", NVRAM / f"{name}_VARS.fd", RUNNING / f"{name}.pid")
    return volumes(one, name) + [str(place) for place in places if place.exists()]


def wishes(one: Bench, name: str) -> dict[str, object]:
    """A guest whose making takes every kind of step: a copied disk, a seed, variables, a start."""
    disk, card = f"{one.image},pool={one.pool}", f"bridge={one.service.lan.device}"
    more = {"boot": "uefi", "cloud_init": {}, "memory": 128, "start": "paused"}
    return {"name": name, "method": "import", "disks": [disk], "networks": [card], **more}


def ask(service: Service, body: dict[str, object]) -> str:
    """The answer's status, "" where none came."""
    try:
        service.call("POST", "/guests", body)
    except OSError:
        return ""
    except RuntimeError as error:
        return str(error).partition(": ")[2][:3]
    return "201"


def foreign(one: Bench) -> dict[str, str]:
    """Domains and volumes that are not ours, as they are: by name."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in one.folder.glob("other-*")}
    names = [name for name in virsh("list", "--all", "--name").split() if name.startswith("plab-other")]
    return found | {name: virsh("dumpxml", name) for name in names}


def strangers(one: Bench) -> None:
    for number in range(FOREIGN):
        (one.folder / f"other-{number}").write_bytes(os.urandom(4096))
        xml = one.folder.parent / "other.xml"
        xml.write_text(
            f"<domain type='qemu'><name>plab-other-{number}</name><memory>65536</memory>"
            "<os><type arch='x86_64'>hvm</type></os></domain>"
        )
        virsh("define", str(xml))


@pytest.mark.timeout(5400)
def test_torture_kill9_at_every_step_of_a_creation_leaves_nothing(alone: Bench) -> None:
    strangers(alone)
    before = foreign(alone)
    assert len(before) == 2 * FOREIGN
    killed: Counter[str] = Counter()
    slowest = 0.0
    for number in range(KILLS):
        name = f"{NAME}-{number}"
        steps = moments(alone, name)
        step = list(steps)[number % len(steps)]
        asking = threading.Thread(target=ask, args=(alone.service, wishes(alone, name)))
        asking.start()
        until(steps[step], 60, f"{name}: {step}", 0.0005)
        time.sleep(number // len(steps) % 10 / 1000)
        alone.service.kill()
        asking.join()
        killed[step] += 1

        begun = time.monotonic()
        alone.service.start()
        until(partial(settled, alone, name), 60, f"{name}, killed at {step}, made or gone")
        slowest = max(slowest, time.monotonic() - begun)
        with suppress(RuntimeError):
            alone.service.call("DELETE", f"/guests/{name}")
        assert left(alone, name) == [], f"killed at: {step}\n{alone.service.tail()}"

    print(f"\nkilled {dict(killed)}; at most {slowest:.1f} s from the start to all made or gone")
    assert foreign(alone) == before


def settled(one: Bench, name: str) -> bool:
    """Whether the guest is made, or never was, and the host says the same as the service."""
    stage = stage_in_store(one.service, name)
    if stage in {"", "failed", "cancelled"}:
        return left(one, name) == []
    return stage not in MAKING and (DOMAINS / f"{name}.xml").exists()


@pytest.mark.timeout(900)
def test_torture_a_hundred_creations_of_one_name_have_one_winner(alone: Bench) -> None:
    name = f"{NAME}-one"
    with ThreadPoolExecutor(ASKED // 2) as crowd:
        answers = Counter(crowd.map(lambda _: ask(alone.service, wishes(alone, name)), range(ASKED)))

    assert answers == {"201": 1, "409": ASKED - 1}
    assert len(volumes(alone, name)) == 2
    alone.service.call("DELETE", f"/guests/{name}")
    assert left(alone, name) == []
    assert sorted(path.name for path in alone.folder.iterdir()) == []
