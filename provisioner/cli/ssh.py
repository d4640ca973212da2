"""Logging into a guest: the ssh command for it, and which private key belongs to it."""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from provisioner.core.errors import Unavailable


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's known hosts and key links are kept."""
    base = environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "provisioner"


def remember(uuid: str, public_keys: Sequence[Path]) -> None:
    """Notes which private key logs into a guest, where it lies beside the public one that was given."""
    for public in public_keys:
        private = public.with_suffix("") if public.suffix == ".pub" else None
        if private is not None and private.is_file():
            folder = home() / "keys"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            link = folder / uuid
            link.unlink(missing_ok=True)
            link.symlink_to(private.resolve())
            return


def _identity(uuid: str, state_dir: Path | None) -> Path | None:
    """The private key of a guest: this user's, else one that its service keeps (as the demo's does)."""
    places = [home() / "keys" / uuid, *([state_dir / "ssh" / uuid] if state_dir else [])]
    return next((place for place in places if place.is_file() and os.access(place, os.R_OK)), None)


def _known_hosts(state_dir: Path | None) -> Path:
    """Beside the keys where the service keeps some, so that they go together."""
    kept = state_dir / "ssh" if state_dir else None
    if kept is not None and kept.is_dir() and os.access(kept, os.W_OK):
        return kept / "known_hosts"
    home().mkdir(parents=True, exist_ok=True, mode=0o700)
    return home() / "known_hosts"


def command_line(
    guest: Mapping[str, Any],
    *,
    user: str,
    identity: str | None,
    state_dir: Path | None,
    command: Sequence[str] = (),
) -> list[str]:
    """The ssh command for a guest. Raises Unavailable where its address is not known.

    Host keys are remembered by install: another install at the same address is no attack, and its key is
    asked for anew.
    """
    found = guest.get("address")
    name = guest["name"]
    if not found:
        raise Unavailable(
            f"no address of {name} is known yet",
            remedy=f"see how far it is: provisioner install show {name}",
        )
    install = guest.get("install")
    alias = install["id"] if isinstance(install, Mapping) else install or guest["uuid"]
    key = identity or _identity(guest["uuid"], state_dir)
    return [
        "ssh",
        *(["-i", str(key)] if key else []),
        *("-o", f"UserKnownHostsFile={_known_hosts(state_dir)}"),
        *("-o", f"HostKeyAlias=provisioner-{re.sub(r'[^A-Za-z0-9.-]', '', str(alias))}"),
        *("-o", "StrictHostKeyChecking=accept-new"),
        *("-o", "LogLevel=ERROR"),
        *(["-p", str(port)] if (port := found.get("port", 22)) != 22 else []),
        f"{user}@{found['ip']}",
        *command,
    ]


def replace_process(command: Sequence[str]) -> NoReturn:
    """Becomes ssh, so that its terminal and its exit code are the user's."""
    if shutil.which(command[0]) is None:
        raise Unavailable("ssh is not installed", remedy="install the OpenSSH client")
    sys.stdout.flush()
    os.execvp(command[0], list(command))  # noqa: S606 - no shell is wanted
