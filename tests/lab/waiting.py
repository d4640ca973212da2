"""Starting somebody else's daemon: a free port, its namespace, and when it listens."""

import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def inside(netns: str, *command: str) -> list[str]:
    """The command, in a network namespace where one is named."""
    return ["ip", "netns", "exec", netns, *command] if netns else list(command)


def descendants(pid: int) -> list[int]:
    """Every process that it or one of its children started, as far as that is still running."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents.setdefault(int(entry.read_text().rpartition(")")[2].split()[1]), []).append(
                int(entry.parent.name)
            )
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found[1:]


def wait_for_port(
    process: "subprocess.Popen[bytes]", address: str, port: int, netns: str = "", seconds: float = 20
) -> None:
    """Until the process listens there; its own words where it ended instead."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            said = process.stdout.read().decode(errors="replace") if process.stdout else ""
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {said[-2000:]}")
        listening = subprocess.run(
            inside(netns, "ss", "-Hltn", "sport", "=", f":{port}"), capture_output=True, text=True, check=True
        ).stdout
        if listening.strip():
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} never listened on {address}:{port}")
