"""The demo's service: a process of its own that outlives the demo, found again by what was written down."""

import contextlib
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.cli.demo.site import Site, read_json
from provisioner.cli.toml import dump
from provisioner.core.errors import Unavailable

_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0


def start(site: Site, settings: Mapping[str, Any]) -> float:
    """Starts `provisioner serve` with these settings alone; returns the seconds until it was ready.

    Raises Unavailable with what the service said where it did not come up.
    """
    site.config.write_text(dump(settings))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PROVISIONER_")}
    environment["PROVISIONER_CONFIG"] = str(site.config)
    (site.state_dir / "api.json").unlink(missing_ok=True)
    began = time.monotonic()
    pid = _spawn(["-m", "provisioner", "serve"], environment, site.log)
    site.process.write_text(json.dumps({"pid": pid, "born": _born(pid)}))
    while time.monotonic() - began < _READY_SECONDS:
        if not _alive(pid):
            raise Unavailable(f"the demo's service ended at once: {_last_words(site.log)}")
        if (
            _ready(f"http://127.0.0.1:{settings['api_port']}/readyz")
            and (site.state_dir / "api.json").is_file()
        ):
            return time.monotonic() - began
        time.sleep(0.05)
    raise Unavailable(
        f"the demo's service was not ready after {_READY_SECONDS:g} s: {_last_words(site.log)}",
        remedy=f"read {site.log}",
    )


def stop(site: Site) -> bool:
    """Stops the service that an earlier demo started, with all its children; False where none ran."""
    pid = running(site)
    site.process.unlink(missing_ok=True)
    if not pid:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # it leads its own group: whatever is left of it goes too
    while _alive(pid):
        time.sleep(0.02)
    return True


def _spawn(arguments: list[str], environment: Mapping[str, str], log: Path) -> int:
    """Python with these arguments in a session of its own: Ctrl-C and a closed terminal are not for it."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def running(site: Site) -> int:
    """The service's pid, 0 where none runs; a pid that another process has got since is not taken for it."""
    noted = read_json(site.process)
    pid, born = noted.get("pid"), noted.get("born")
    if not isinstance(pid, int) or not born or _born(pid) != born:
        return 0
    return pid


def _alive(pid: int) -> bool:
    """Whether the process runs; a zombie, also one of our own, does not."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
    return _stat(pid)[:1] not in ([], ["Z"])


def _born(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" where there is none."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: the name before it may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _ready(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _last_words(log: Path) -> str:
    """The last error that the service wrote, else its last line."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-50:]
    told = [line for line in lines if line.startswith("error: ")]
    return (told or lines or ["it said nothing"])[-1].removeprefix("error: ")
