"""The state directory's own files: the guests' logs, what the CLI is told, the remembered verdict on KVM."""

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from provisioner.core.errors import Unavailable


def user_data(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's programs keep their data."""
    named = Path(environ.get("XDG_DATA_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".local" / "share"


def prepare(path: Path) -> Path:
    """Made where missing; QEMU's user may enter it, secrets in it are files of mode 0600."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)
        (path / "cache").mkdir(exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the state directory {path} cannot be used: {error.strerror}",
            remedy="run it as root, or choose another with --state-dir",
        ) from error
    return path


def log_dir(state: Path) -> Path:
    """Where libvirt writes each guest's serial log."""
    folder = state / "logs"
    folder.mkdir(exist_ok=True)
    return folder


def boot_dir(state: Path) -> Path:
    """Where what GRUB and PXELINUX fetch by TFTP is kept."""
    return state / "boot"


def credentials(file: Path, url: str) -> str:
    """The API token, the same at every start; `file` tells the CLI where and how."""
    token = ""
    with contextlib.suppress(OSError, ValueError):
        token = str(json.loads(file.read_text())["token"])
    token = token if len(token) >= 32 else secrets.token_urlsafe(32)
    part = file.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump({"url": url, "token": token, "pid": os.getpid()}, opened)
    part.replace(file)
    return token


def remembered_proof(proof: Path) -> tuple[bool, str] | None:
    """The verdict of an earlier proof since this host was switched on."""
    with contextlib.suppress(OSError, ValueError):
        boot, works, why = json.loads(proof.read_text())
        if boot == _boot_id():
            return bool(works), str(why)
    return None


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def remember_proof(proof: Path, verdict: tuple[bool, str]) -> None:
    """Good until the host is switched on anew."""
    proof.write_text(json.dumps([_boot_id(), *verdict]))
