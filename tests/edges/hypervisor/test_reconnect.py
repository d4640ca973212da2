"""A libvirtd of our own, killed and frozen: the connection mends itself and tells what it missed."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from provisioner.core.errors import Unavailable
from provisioner.hypervisor.connection import LibvirtHost
from provisioner.plan.plan import plan_guest
from provisioner.plan.steps import Plan
from tests.edges.hypervisor.samples import MINI, eventually, small_spec
from tests.steps import given, host_steps

CONFIG = """
auth_unix_rw = "none"
unix_sock_rw_perms = "0777"
log_outputs = "4:file:{folder}/log"
"""


class Daemon:
    """libvirtd without privileges, with all its files in one folder; clients use its test driver."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "libvirt" / "libvirt-sock"
        self._config = folder / "libvirtd.conf"
        self._config.write_text(CONFIG.format(folder=folder))
        homes = ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
        self._environment = dict.fromkeys(homes, str(folder)) | {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"test+unix:///default?socket={self.socket}"

    def start(self) -> None:
        drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self._process = subprocess.Popen(
            [*(drop if os.geteuid() == 0 else []), "libvirtd", "--config", str(self._config)],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 30
        while not self.socket.exists():
            assert self._process.poll() is None and time.monotonic() < end, "libvirtd did not start"
            time.sleep(0.05)

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self.socket.unlink(missing_ok=True)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    if shutil.which("libvirtd") is None or shutil.which("setpriv") is None:
        pytest.skip("libvirtd or setpriv is not installed")
    folder = Path(tempfile.mkdtemp(prefix="provisioner-libvirtd-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    daemon = Daemon(folder)
    daemon.start()
    yield daemon
    daemon.kill()
    shutil.rmtree(folder)


@pytest.fixture
async def host(daemon: Daemon) -> AsyncIterator[LibvirtHost]:
    host = LibvirtHost(daemon.uri)
    await host.open()
    yield host
    await host.close()


async def make(host: LibvirtHost) -> Plan:
    spec = small_spec("default-pool")
    plan = plan_guest(spec, await host.facts(), MINI, given(spec.name))
    for step in host_steps(plan.steps):
        await host.apply(step)
    return plan


async def test_a_killed_daemon_is_found_again_and_what_was_missed_is_told(
    daemon: Daemon, host: LibvirtHost
) -> None:
    seen: list[tuple[str, str]] = []
    host.watch(lambda name, uuid, event: seen.append((name, event)))
    lost = (await make(host)).guest
    await eventually(lambda: len(seen) == 1)

    daemon.kill()
    await eventually(lambda: not host.up)
    with pytest.raises(Unavailable, match="went away"):
        await host.domains()

    daemon.start()
    await eventually(lambda: host.up)
    # The test driver forgets everything with its process: to us the guest was stopped and undefined.
    await eventually(lambda: len(seen) == 3)
    later = (await make(host)).guest
    await eventually(lambda: len(seen) == 4)

    assert seen == [(lost, "started"), (lost, "stopped"), (lost, "undefined"), (later, "started")]


async def test_a_daemon_that_dies_again_and_again(daemon: Daemon, host: LibvirtHost) -> None:
    for _ in range(5):
        daemon.kill()
        await eventually(lambda: not host.up)
        daemon.start()
        await eventually(lambda: host.up)

        assert [domain.name for domain in await host.domains()] == ["test"]


async def test_a_frozen_daemon_is_given_up_and_found_again(daemon: Daemon, host: LibvirtHost) -> None:
    daemon.send(signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            await host.domains()
        await eventually(lambda: not host.up)
    finally:
        daemon.send(signal.SIGCONT)

    await eventually(lambda: host.up)
    assert await host.domains()


async def test_a_daemon_that_is_not_there_yet(daemon: Daemon) -> None:
    daemon.kill()
    host = LibvirtHost(daemon.uri)
    try:
        with pytest.raises(Unavailable, match="libvirt at test"):
            await host.domains()

        daemon.start()
        assert await host.domains()
    finally:
        await host.close()


async def test_lost_connections_leave_no_descriptor(daemon: Daemon) -> None:
    host = LibvirtHost(daemon.uri)
    await host.open()
    await host.close()
    before = len(os.listdir("/proc/self/fd"))

    host = LibvirtHost(daemon.uri)
    await host.open()
    for _ in range(3):
        daemon.kill()
        await eventually(lambda: not host.up)
        daemon.start()
        await eventually(lambda: host.up)
    await host.close()

    await eventually(lambda: len(os.listdir("/proc/self/fd")) <= before)
