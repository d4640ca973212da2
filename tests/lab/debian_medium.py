"""A medium of Debian 13 as one makes it for the network: a DVD's layout with a small mirror's packages.

Debian's own installer for the network is in it, and its indices' checksums: a published DVD has neither.

What the mirror had to rebuild is in its REBUILT.
"""

import os
import shutil
from pathlib import Path

from tests.lab.debian_mirror import IMAGES, SUITE, assemble
from tests.lab.iso import write_iso

FILE = "debian-13.0.0-amd64-DVD-1.iso"
LABEL = "Debian 13.0.0"
NETBOOT = "install/netboot/debian-installer/amd64"
INFO = 'Debian GNU/Linux 13.0.0 "Trixie" - Official amd64 DVD Binary-1 with firmware 20250809-11:20'
_TOOLS = {"apt-ftparchive": "apt-utils", "cpio": "cpio", "xz": "xz-utils", "file": "file"}


def missing() -> str:
    """The packages that are not here, "" where all are."""
    return " ".join(package for tool, package in _TOOLS.items() if not shutil.which(tool))


def build(cache: Path) -> Path:
    """The ISO, made once from packages that apt downloads."""
    place = cache / "debian-medium" / FILE
    if not place.is_file():
        mirror, root, part = (cache / name for name in ("debian-mirror", "debian-medium.root", "part.iso"))
        assemble(mirror)
        lay_out(mirror, root)
        write_iso(part, LABEL, root)
        place.parent.mkdir(exist_ok=True)
        part.rename(place)
    return place


def lay_out(mirror: Path, root: Path) -> None:
    """The mirror's files, not copied but linked, with the installer where a medium has it."""
    shutil.rmtree(root, ignore_errors=True)
    for name in ("dists", "pool"):
        shutil.copytree(mirror / name, root / name, symlinks=True, copy_function=os.link)
    shutil.copytree(mirror / IMAGES, root / NETBOOT, copy_function=os.link)
    shutil.rmtree(root / f"dists/{SUITE}/main/installer-amd64")
    (root / ".disk").mkdir()
    (root / ".disk/info").write_text(INFO)
