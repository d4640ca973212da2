"""The Debian mirror for the real debian-installer: the user's, else the one that apt is configured for."""

import os
import shutil
import subprocess
from pathlib import Path

from provisioner.core.errors import Invalid, Unavailable

SUITE = "trixie"
_REBUILT = "REBUILT"


def find(chosen: str) -> tuple[str, str]:
    """(source, remark): a directory or URL that `tree add` takes, and what a person should know of it."""
    if chosen.startswith(("http://", "https://")):
        return chosen.rstrip("/"), ""
    if chosen:
        return _directory(Path(chosen).expanduser().absolute())
    return _of_apt(), ""


def signed(source: str) -> bool:
    """Whether the mirror's index carries a signature. What is assembled by hand carries none."""
    suite = Path(source) / "dists" / SUITE
    return not source.startswith("/") or any(
        (suite / name).is_file() for name in ("InRelease", "Release.gpg")
    )


def _directory(path: Path) -> tuple[str, str]:
    if not (path / "dists" / SUITE).is_dir():
        raise Invalid(
            f"{path} is not a Debian mirror that holds {SUITE}: dists/{SUITE} is missing",
            remedy="assemble one with: python tests/lab/debian_mirror.py DIR",
        )
    note = path / _REBUILT
    rebuilt = ", ".join(note.read_text().split("\n")).strip(", ") if note.is_file() else ""
    return str(path), f"installer pieces that were rebuilt for this mirror: {rebuilt}" if rebuilt else ""


def _of_apt() -> str:
    """The site that apt takes Debian itself from."""
    if not shutil.which("apt-get"):
        raise Unavailable(
            "this host's package manager is not apt, so it names no Debian mirror",
            remedy="name one with --mirror URL (make demo DEMO_MIRROR=URL)",
        )
    form = "$(ORIGIN)|$(LABEL)|$(SITE)"
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    for line in done.stdout.splitlines():
        origin, label, site = line.split("|", 2)
        if (origin, label) == ("Debian", "Debian"):
            return site.rstrip("/")
    raise Unavailable(
        "apt is configured for no Debian mirror here",
        remedy="name one with --mirror URL (make demo DEMO_MIRROR=URL)",
    )
