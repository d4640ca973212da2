"""Client and line of the TFTP figures: two C programs of ours, compiled for the run, and who is where."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path

from tests.lab.networks import cable, namespace, run

SMALL, LARGE = "snponly.efi", "undionly.kpxe"
"""Two names that our server gives to anybody: 1 MB and 40 MiB."""
SIZES = {SMALL: 1_000_000, LARGE: 40 << 20}
ENVIRONMENT = os.environ | {"LC_ALL": "C"}

_HERE, _FAR = "plab-tftp", "plab-tftpc"
_SOURCES = Path(__file__).parent
_CORES = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Place:
    """Where clients stand: their namespace and first address, and the server's address that they see."""

    netns: str
    first: str
    server: str


LOOPBACK = Place(_HERE, "127.1.0.1", "127.0.0.1")
LINE = Place(_FAR, "10.214.0.1", "10.213.7.1")
LINE_DEVICE = "plabtun"
CABLE_DEVICE, CABLE_HERE, CABLE_THERE = "plab7", "10.213.8.2", "10.213.8.1"
"""By which the service in the namespace is asked whether it is ready."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the client asks for. `addresses` 0: one for each reader."""

    readers: int
    transfers: int = 0
    window: int = 1
    name: str = SMALL
    deadline: float = 120
    addresses: int = 0
    silent_after: int = -1


@dataclass(frozen=True, slots=True)
class Seen:
    """What the client saw: seconds of a transfer as percentiles, `first` until the last one's first answer.

    `window` is the smallest that was granted, 0 where nobody was answered.
    """

    transfers: int
    failures: int
    silent: int
    corrupt: int
    bytes: int
    wall: float
    p50: float
    p95: float
    p99: float
    first: float
    window: int
    error: str

    @property
    def whole(self) -> bool:
        return not self.failures and not self.corrupt


class Line:
    """The relay between the two namespaces; `be` changes what line it is."""

    def __init__(self, relay: subprocess.Popen[str]) -> None:
        self._relay = relay

    def be(self, microseconds: int, per_mille: int) -> None:
        """Delay and loss of each way."""
        assert self._relay.stdin is not None
        assert self._relay.stdout is not None
        asked = f"{microseconds} {per_mille}\n"
        self._relay.stdin.write(asked)
        self._relay.stdin.flush()
        if self._relay.stdout.readline() != asked:
            raise RuntimeError(f"tunrelay ended: {self._relay.wait(5)}")


@dataclass(slots=True)
class Ground:
    """The folder with what is served and compiled, and the line (None: `lineless` says why)."""

    folder: Path
    line: Line | None = None
    lineless: str = ""
    netns: str = _HERE
    root: Path = field(init=False)
    strangers: int = 0

    def __post_init__(self) -> None:
        self.root = self.folder / "root"

    def command(self, load: Load, place: Place, port: int) -> list[str]:
        options = [
            *("-s", place.server, "-p", port, "-f", load.name, "-r", self.root / load.name),
            *("-a", place.first, "-A", load.addresses, "-n", load.readers, "-t", load.transfers),
            *("-w", load.window, "-d", load.deadline, "-k", load.silent_after),
        ]
        return [*inside(place.netns, -1), str(self.folder / "tftpload"), *map(str, options)]

    def ask(self, load: Load, place: Place, port: int) -> Seen:
        done = subprocess.run(
            self.command(load, place, port),
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=load.deadline + 15,
        )
        if done.returncode:
            raise RuntimeError(f"tftpload: {done.stderr.strip()}")
        return Seen(**json.loads(done.stdout))

    def fresh(self, place: Place) -> Place:
        """The same with clients that no server has met, in case one remembers them."""
        self.strangers = (self.strangers + 1) % 200
        return replace(place, first=str(IPv4Address(place.first) + 256 * self.strangers))

    def warm(self, place: Place, port: int) -> Seen:
        """One transfer from the server's own side, whatever the line is like."""
        return self.ask(Load(1, deadline=10), replace(place, netns=self.netns, first=place.server), port)

    @contextmanager
    def silent(self, load: Load, place: Place, port: int) -> Iterator[Seen]:
        """Readers that fell silent, there as long as the block lasts."""
        with subprocess.Popen(
            self.command(load, place, port),
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            try:
                assert child.stdout is not None
                yield Seen(**json.loads(child.stdout.readline()))
            finally:
                child.kill()


def inside(netns: str, core: int) -> list[str]:
    """What runs a command in that namespace, on that one of our cores, no longer than this process lives."""
    pinned = ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(_CORES[core])]
    return [*pinned, "nsenter", f"--net=/run/netns/{netns}"]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started in the block runs on that one of our cores."""
    os.sched_setaffinity(0, {_CORES[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, _CORES)


def furnish(made: Ground, names: Iterable[str], programs: Iterable[str]) -> None:
    """Fills the folder with those files, and compiles those programs."""
    made.root.mkdir(parents=True)
    for place in (made.folder, made.root):
        place.chmod(0o755)  # a peer reads as nobody, whatever our umask is
    for name, size in ((name, SIZES[name]) for name in names):
        with (made.root / name).open("wb") as file:
            for begin in range(0, size, 1 << 20):
                file.write(os.urandom(min(1 << 20, size - begin)))
        (made.root / name).chmod(0o644)
    for program in programs:
        run("cc", "-O2", "-Wall", "-o", str(made.folder / program), str(_SOURCES / f"{program}.c"))


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """Files, programs, namespaces and line; all but the folder is gone afterwards."""
    made = Ground(folder)
    furnish(made, SIZES, ("tftpload", "tunrelay"))
    with ExitStack() as stack:
        for netns in (_HERE, _FAR):
            stack.enter_context(namespace(netns))
        stack.enter_context(cable(CABLE_DEVICE, _HERE, CABLE_THERE))
        run("ip", "address", "add", f"{CABLE_HERE}/24", "dev", CABLE_DEVICE)
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            made.lineless = "no /dev/net/tun here"
        else:
            made.line = stack.enter_context(_line(folder / "tunrelay"))
        yield made


@contextmanager
def _line(program: Path) -> Iterator[Line]:
    """Clients are all of 10.214/16: the far end takes every address of it for its own."""
    pin = ["taskset", "-c", str(_CORES[-1])]
    words = [*pin, str(program), _HERE, LINE_DEVICE, _FAR, LINE_DEVICE]
    with subprocess.Popen(
        words, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as relay:
        try:
            assert relay.stdout is not None
            if relay.stdout.readline() != "ready\n":
                raise RuntimeError("tunrelay did not start")
            for netns, address in ((_HERE, f"{LINE.server}/32"), (_FAR, f"{LINE.first}/32")):
                run("ip", "-n", netns, "address", "add", address, "dev", LINE_DEVICE)
                run("ip", "-n", netns, "link", "set", LINE_DEVICE, "txqueuelen", "4000", "up")
            run("ip", "-n", _HERE, "route", "add", "10.214.0.0/16", "dev", LINE_DEVICE)
            run("ip", "-n", _FAR, "route", "add", "local", "10.214.0.0/16", "dev", LINE_DEVICE)
            run("ip", "-n", _FAR, "route", "add", f"{LINE.server}/32", "dev", LINE_DEVICE)
            yield Line(relay)
        finally:
            relay.kill()
