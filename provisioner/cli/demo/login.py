"""Logging into the demo's guest with the key that its answer file set, and looking round from inside."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from provisioner.cli.api import Api
from provisioner.cli.ssh import command_line
from provisioner.core.errors import Unavailable

_TRY_SECONDS = 10
_BOOT_SECONDS = 120
_MARK = "----"
# What is asked inside. is-system-running ends with 1 for anything but "running"; the word is what counts.
_QUESTIONS = (
    ("install id", "cat /etc/provisioner-install"),
    ("system", ". /etc/os-release; echo $PRETTY_NAME, Linux $(uname -r)"),
    ("/proc/cmdline", "cat /proc/cmdline"),
    ("findmnt /", "findmnt -n -o SOURCE,FSTYPE,SIZE,OPTIONS /"),
    ("is-system-running", f"timeout {_BOOT_SECONDS} systemctl is-system-running --wait || true"),
)


@dataclass(frozen=True, slots=True)
class Inside:
    """What was seen from inside: (question, answer) pairs, where, and the seconds until the login came."""

    address: str
    answers: tuple[tuple[str, str], ...]
    seconds: float

    def answer(self, question: str) -> str:
        return next(text for name, text in self.answers if name == question)


def make_key(path: Path, comment: str) -> str:
    """A new key pair; returns the public half."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    except FileNotFoundError:
        raise Unavailable("ssh-keygen is not installed", remedy="install the OpenSSH client") from None
    return path.with_name(f"{path.name}.pub").read_text().strip()


def look_inside(api: Api, guest: str, *, patience: float) -> Inside:
    """Tries to log in until it works. Raises Unavailable with ssh's last word after `patience` seconds."""
    began = time.monotonic()
    script = f"\necho {_MARK}\n".join(question for _, question in _QUESTIONS)
    said = "no address of it is known"
    while time.monotonic() - began < patience:
        item = api.get("guests", guest)
        if item.get("address"):
            done = _ssh(item, api.endpoint.state_dir, script)
            if done.returncode == 0:
                parts = [part.strip() for part in done.stdout.split(f"{_MARK}\n")]
                answers = tuple(zip((name for name, _ in _QUESTIONS), parts, strict=True))
                return Inside(item["address"]["ip"], answers, time.monotonic() - began)
            said = (done.stderr.strip().splitlines() or [f"ssh ended with {done.returncode}"])[-1]
        time.sleep(1)
    raise Unavailable(
        f"{guest} is installed, but no login came within {patience:.0f} s: {said}",
        remedy=f"look at it yourself: provisioner guest ssh {guest}",
    )


def _ssh(item: dict[str, object], state_dir: Path | None, script: str) -> subprocess.CompletedProcess[str]:
    head, *rest = command_line(item, user="root", identity=None, state_dir=state_dir, command=("sh", "-s"))
    options = ("-o", "BatchMode=yes", "-o", f"ConnectTimeout={_TRY_SECONDS}", "-o", "IdentitiesOnly=yes")
    return subprocess.run(
        [head, *options, *rest],
        input=script,
        capture_output=True,
        text=True,
        timeout=_BOOT_SECONDS + 60,
        env={**os.environ, "LC_ALL": "C"},
    )
