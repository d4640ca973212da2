"""An ordinary user of this machine: made for a test, with a home and a libvirt of their own, and removed."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.lab.alone import PREFIX, STATES

NAME = "plab-ordinary"
ROOT = Path(__file__).parent.parent.parent
PYTHON = Path("/usr/bin/python3")
"""The system's: a virtual environment's own may lie in root's home."""


def missing() -> str:
    """Why no such user can be made here, "" where one can."""
    tools = [tool for tool in ("useradd", "userdel", "setpriv", "libvirtd") if not shutil.which(tool)]
    if tools:
        return f"missing on this machine: {', '.join(tools)}"
    asked = [str(PYTHON), "-c", "import sys; print(*sys.version_info[:2])"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    if told != [str(part) for part in sys.version_info[:2]]:
        return f"{PYTHON} is not the Python that the tests run on, which an ordinary user may not reach"
    return ""


class Ordinary:
    """Runs commands as the user, with nothing of root's environment."""

    def __init__(self, home: Path, runtime: Path, settings: dict[str, str]) -> None:
        self.home = home
        self.state = home / ".local/share/provisioner"
        self.images = home / ".local/share/libvirt/images"
        self.environment = {
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(runtime),
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "LIBVIRT_DEFAULT_URI": "qemu:///session",
            **settings,
        }

    def argv(self, *command: str) -> list[str]:
        return ["setpriv", "--reuid", NAME, "--regid", NAME, "--clear-groups", "--no-new-privs", *command]

    def run(self, *command: str, seconds: float = 60) -> str:
        """Standard output; an error with all output where the command fails."""
        done = self.done(*command, seconds=seconds)
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def done(self, *command: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.argv(*command),
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @property
    def provisioner(self) -> tuple[str, ...]:
        return (str(self.home / "venv/bin/python"), "-m", "provisioner")


@contextmanager
def ordinary_user(settings: dict[str, str]) -> Iterator[Ordinary]:
    """The user, and afterwards neither the user nor a process or file of theirs."""
    _remove()
    home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}home-", dir=STATES))
    runtime = Path(tempfile.mkdtemp(prefix=f"{PREFIX}run-", dir="/run"))
    try:
        _run("useradd", "--no-create-home", "--home-dir", str(home), "--user-group", NAME)
        user = pwd.getpwnam(NAME)
        for folder in (home, runtime):
            os.chown(folder, user.pw_uid, user.pw_gid)
        ordinary = Ordinary(home, runtime, settings)
        ordinary.run(str(PYTHON), "-m", "venv", "--without-pip", str(home / "venv"))
        packages = next((home / "venv/lib").glob("python3*/site-packages"))
        ours = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
        (packages / "lab.pth").write_text("\n".join(ours) + "\n")
        yield ordinary
    finally:
        _remove()
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(runtime, ignore_errors=True)


def _remove() -> None:
    """Ends what the user runs, a service first so that it stops in order, then forgets the user."""
    try:
        user = pwd.getpwnam(NAME)
    except KeyError:
        return
    for number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        end = time.monotonic() + seconds
        while (running := _processes(user.pw_uid)) and time.monotonic() < end:
            for pid in running:
                with suppress(FileNotFoundError, ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.2)
    _run("userdel", NAME)


def _processes(uid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if entry.stat().st_uid == uid:
                found.append(int(entry.name))
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
