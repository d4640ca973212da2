"""ProxyDHCP offers while TFTP and HTTP are busy, ours beside dnsmasq as a ProxyDHCP: the same load for both.

Netboot has a core of its own; those who ask, the HTTP server and its clients have another. Ours decides for
each machine and stores two events for every offer; dnsmasq gives everybody the same and writes nothing.
"""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from provisioner import state as states
from provisioner.core.install import Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.store.database import Database
from tests.bench.dhcp_load import Asking, Heard, mac, uuid
from tests.bench.measure import cpu
from tests.bench.tftp_load import ENVIRONMENT, LOOPBACK, SMALL, Ground, Load, Place, furnish, inside, pinned
from tests.lab.alone import processes
from tests.lab.networks import HTTP_PORT, Lan, cable, namespace, run
from tests.lab.service import Service, until

RATE, MACHINES, READERS, CONNECTIONS = 2000, 2000, 50, 50
WARM = 0.2
BOUND = 5.0
"""Milliseconds that 99 of 100 offers take at most, from the question's arrival."""
SERVER, CLIENT, DEVICE, CARD = "plab-offer", "plab-asker", "plaboffer", "plabasker"
ADDRESS, ASKER = "10.213.10.1", "10.213.10.2"
_CABLE, _HERE, _THERE = "plab9", "10.213.9.2", "10.213.9.1"
_TFTP_PORT = 69
_SETTLED = 1.0
_FIRST = min(os.sched_getaffinity(0))
_PYTHON = (*inside(CLIENT, -1), sys.executable, "-m")
Tell = Callable[[str], None]
Enrol = Callable[[Path], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Turn:
    """`events` were stored of those offers; `share` is what netboot took of its core, in percent."""

    heard: Heard
    share: float
    tftp: int
    http: int
    events: int = 0


def offers(state: Path, quick: bool, tell: Tell) -> bool:
    """Prints both turns; whether the gates hold."""
    seconds = 8.0 if quick else 30.0
    tell(
        f"offers: {RATE} DISCOVERs a second of {MACHINES} machines for {seconds:.0f} s, "
        f"{READERS} TFTP readers and {CONNECTIONS} HTTP connections meanwhile"
    )
    with cabled(state / "dhcp") as ground:
        with served(state, ground) as netboot:
            _warm()
            before = _stored(state)
            ours = _turn(ground, netboot, seconds)
            stored = _stored(state) - before
            tell(_line("ours", ours) + f", {stored} events stored")
        with _theirs(state, ground) as dnsmasq:
            _warm()
            tell(_line("dnsmasq", _turn(ground, dnsmasq, seconds)))
    heard = ours.heard
    held = True
    for what, holds in (
        (f"{heard.lost} of {heard.asked} offers lost", not heard.lost),
        (f"p99 {heard.p99:.2f} ms, below {BOUND:g}", bool(heard.answered) and heard.p99 < BOUND),
        (f"{stored} events of {heard.answered} offers, two for each", stored == 2 * heard.answered),
    ):
        tell(f"    {what}: {'holds' if holds else 'DOES NOT HOLD'}")
        held = held and holds
    return held


def _line(name: str, turn: Turn) -> str:
    heard = turn.heard
    return (
        f"  {name:8} p50 {heard.p50:.2f} p99 {heard.p99:.2f} max {heard.most:.1f} ms, {heard.lost} lost, "
        f"{turn.share:.0f} % of its core; TFTP {turn.tftp / 1e6:.0f} MB/s, HTTP {turn.http / 1e6:.0f} MB/s; "
        f"load {os.getloadavg()[0]:.1f}, pace kept within {heard.late:.1f} ms"
    )


def _turn(ground: Ground, pids: Sequence[int], seconds: float) -> Turn:
    asking = Asking(CARD, SERVER, DEVICE, MACHINES, RATE, seconds)
    for pid in pids:
        ahead(pid)
    busy = seconds + 2
    load = Load(READERS, 200_000, deadline=busy)
    url = f"http://{ADDRESS}:{HTTP_PORT}/boot/{SMALL}"
    words = (
        [*_PYTHON, "tests.bench.http_load", url, str(CONNECTIONS), str(busy)],
        ground.command(load, ground.fresh(Place(SERVER, LOOPBACK.first, LOOPBACK.server)), _TFTP_PORT),
        [*_PYTHON, "tests.bench.dhcp_load", json.dumps(asdict(asking))],
    )
    with ExitStack() as stack:
        children = []
        for each in words:
            child = subprocess.Popen(
                each, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
            )
            stack.callback(child.kill)
            children.append(child)
        before, begun = cpu(pids), time.monotonic()
        said = children[-1].communicate(timeout=busy + 30)[0]
        share = (cpu(pids) - before) / (time.monotonic() - begun)
        http, tftp = (json.loads(child.communicate(timeout=30)[0]) for child in children[:2])
    return Turn(Heard(**json.loads(said)), share * 100, int(tftp["bytes"] / busy), int(http["bytes"] / busy))


def _warm() -> None:
    """Every thread is there afterwards."""
    asking = Asking(CARD, SERVER, DEVICE, MACHINES, RATE, WARM)
    words = [*_PYTHON, "tests.bench.dhcp_load", json.dumps(asdict(asking))]
    subprocess.run(words, env=ENVIRONMENT, check=True, capture_output=True)


@contextmanager
def cabled(folder: Path) -> Iterator[Ground]:
    """Two namespaces with a cable between them, the asking end with the card of our first machine."""
    made = Ground(folder, netns=SERVER)
    furnish(made, (SMALL,), ("tftpload",))
    with ExitStack() as stack:
        for netns in (SERVER, CLIENT):
            stack.enter_context(namespace(netns))
        stack.enter_context(cable(_CABLE, SERVER, _THERE))
        run("ip", "address", "add", f"{_HERE}/24", "dev", _CABLE)
        words = ("link", "add", DEVICE, "type", "veth", "peer", "name", CARD, "netns", CLIENT)
        run("ip", "-n", SERVER, *words)
        run("ip", "-n", CLIENT, "link", "set", CARD, "address", mac(0))
        for netns, device, address in ((SERVER, DEVICE, ADDRESS), (CLIENT, CARD, ASKER)):
            run("ip", "-n", netns, "address", "add", f"{address}/24", "dev", device)
            run("ip", "-n", netns, "link", "set", device, "up")
        # As a card does that interrupts the server's core: else what comes waits for the other one's turn.
        steered = f"/sys/class/net/{DEVICE}/queues/rx-0/rps_cpus"
        run(
            "ip",
            "netns",
            "exec",
            SERVER,
            "sh",
            "-c",
            f"echo {1 << _FIRST:x} >{steered}",
        )
        yield made


@contextmanager
def served(
    state: Path, ground: Ground, enrol: Enrol | None = None, *, netboot: bool = True
) -> Iterator[list[int]]:
    """The service, whole: netboot on our first core, all else on the last one; `enrol` makes its machines."""
    (state / "cache").mkdir(exist_ok=True)
    states.remember_proof(state / "cache" / "kvm.json", (False, "no guest is made here"))
    settings = {
        "API_ADDRESS": _THERE,
        "INTERFACES": json.dumps(["lo", DEVICE]),
        "LOADER_DIRS": json.dumps([str(ground.root)]),
        "NETBOOT": str(netboot).lower(),
    }
    service = Service(state, Lan("dhcp", "", _CABLE, _THERE, SERVER, settings))
    apt = state / "apt.conf"  # no mirror is reached from there, and none is to be waited for
    apt.write_text(f'Dir::State::lists "{state / "none"}";\n')
    service.environment["APT_CONFIG"] = str(apt)
    try:
        with pinned(-1):
            service.start()
        child = [pid for pid in processes(state) if b"wiring.netboot" in _words(pid)]
        if netboot:
            asyncio.run((enrol or _enrol)(state))
        yield child
    finally:
        service.stop()


def ahead(pid: int) -> None:
    """It has our first core, and there it comes before what others do on this machine meanwhile.

    Else the figures are those of the neighbours: what waits for its turn for 20 ms answers no sooner.
    """
    os.setpriority(os.PRIO_PROCESS, pid, -20)  # the thread that answers; the others write down
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {_FIRST})
    with suppress(OSError):  # a kernel that gives turns to sessions (sched(7)), not to processes alone
        Path(f"/proc/{pid}/autogroup").write_text("-20")


def _words(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


async def _enrol(state: Path) -> None:
    """Every machine, with an install that is to begin; then netboot has heard of them."""
    store, now = Database(f"sqlite+aiosqlite:///{state / 'provisioner.db'}"), datetime.now(UTC)
    await store.open()
    machines = [Machine(f"plab-{number}", mac(number), uuid(number)) for number in range(MACHINES)]
    await asyncio.gather(*(store.add_machine(each) for each in machines))
    installs = [
        Install(f"plab{number}", each.name, each.mac, each.uuid or "", "tiny", Stage.PLANNED, now, now)
        for number, each in enumerate(machines)
    ]
    await asyncio.gather(*(store.add_install(install, None) for install in installs))
    await store.close()
    await asyncio.sleep(3 * _SETTLED)


def _stored(state: Path) -> int:
    """How many events of DHCP are in the database once no more come."""
    kinds = (str(Kind.DHCP_QUESTION), str(Kind.DHCP_OFFER))
    counted = -1

    def settled() -> bool:
        nonlocal counted
        before = counted
        with closing(sqlite3.connect(f"file:{state / 'provisioner.db'}?mode=ro", uri=True)) as database:
            query = "SELECT count(*) FROM events WHERE kind IN (?, ?)"
            (counted,) = database.execute(query, kinds).fetchone()
        return bool(counted == before)

    until(settled, 60, "the last event", _SETTLED)
    return counted


@contextmanager
def _theirs(state: Path, ground: Ground) -> Iterator[list[int]]:
    """dnsmasq with the same boot file for everybody, its own TFTP, and our web for the load by HTTP."""
    words = [
        *("dnsmasq", "--conf-file=/dev/null", "--pid-file=", "--log-facility=/dev/null", "--user=root"),
        *("--keep-in-foreground", "--port=0", "--interface=lo", f"--interface={DEVICE}", "--bind-interfaces"),
        *(f"--dhcp-range={ADDRESS},proxy", f"--pxe-service=X86-64_EFI,netboot,{SMALL}"),
        *("--dhcp-leasefile=/dev/null", "--enable-tftp", f"--tftp-root={ground.root}", "--tftp-max=1000"),
    ]
    with served(state, ground, netboot=False):
        marked = ENVIRONMENT | {"PROVISIONER_STATE_DIR": str(state)}
        child = subprocess.Popen(
            [*inside(SERVER, 0), *words], env=marked, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            time.sleep(_SETTLED)
            yield [child.pid]
        finally:
            child.terminate()
            child.wait()
