"""A libvirtd of our own, to be killed and frozen."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from provisioner.hypervisor.connection import LibvirtHost
from tests.edges.hypervisor.samples import eventually

CONFIG = """
auth_unix_rw = "none"
unix_sock_rw_perms = "0777"
log_outputs = "4:file:{folder}/log"
"""


class Daemon:
    """libvirtd without privileges, with all its files in one folder; clients use its test driver."""

    def __init__(self, folder: Path, settings: str = "", *options: str) -> None:
        self.socket = folder / "libvirt" / "libvirt-sock"
        self._config = folder / "libvirtd.conf"
        self._config.write_text(CONFIG.format(folder=folder) + settings)
        self._options = options
        homes = ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
        self._environment = dict.fromkeys(homes, str(folder)) | {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"test+unix:///default?socket={self.socket}"

    def start(self) -> None:
        drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self._process = subprocess.Popen(
            [*(drop if os.geteuid() == 0 else []), "libvirtd", *self._options, "--config", str(self._config)],
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


@contextmanager
def daemon_of_our_own(settings: str = "", *options: str) -> Iterator[Daemon]:
    """One that runs, with more settings and options. Skips where libvirtd is not installed."""
    if shutil.which("libvirtd") is None or shutil.which("setpriv") is None:
        pytest.skip("libvirtd or setpriv is not installed")
    folder = Path(tempfile.mkdtemp(prefix="provisioner-libvirtd-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    daemon = Daemon(folder, settings, *options)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.kill()
        shutil.rmtree(folder)


@asynccontextmanager
async def no_descriptor_kept(daemon: Daemon) -> AsyncIterator[LibvirtHost]:
    """A connected host; once it is closed again, this process holds no more descriptors than before it."""
    warmed = LibvirtHost(daemon.uri)
    await warmed.open()
    await warmed.close()
    before = len(os.listdir("/proc/self/fd"))

    host = LibvirtHost(daemon.uri)
    await host.open()
    yield host
    await host.close()

    await eventually(lambda: len(os.listdir("/proc/self/fd")) <= before)
