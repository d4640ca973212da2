"""The installer's own scripts, run on this host by the shell that runs them in the initramfs."""

import subprocess
from pathlib import Path

import pytest

from provisioner import resources
from provisioner.core.errors import Unavailable
from provisioner.media.hosttools import PACKAGES, find
from provisioner.media.initramfs import static_busybox

SCRIPTS = resources.root() / "templates/installer"


def busybox() -> Path:
    try:
        return static_busybox()
    except Unavailable as missing:
        pytest.skip(f"{missing} ({missing.remedy})")


def tools(folder: Path, *names: str) -> Path:
    """A folder of links to the host's programs, as /tools is in the initramfs."""
    folder.mkdir()
    for name in names:
        if name not in PACKAGES:
            raise KeyError(name)
        try:
            (folder / name).symlink_to(find(name, "this test"))
        except Unavailable as missing:
            pytest.skip(f"{missing} ({missing.remedy})")
    return folder


# What init brings to the other scripts, as far as it can be had outside of an initramfs.
_PREAMBLE = """
SYSLOG='' RUN=$PWD/run TOOLS=$PWD/tools KS=$PWD/ks VOLUMES='' TAKEN=''
mkdir -p "$RUN"
for file in log kickstart net volume disk image system sections; do . "$SCRIPTS/$file.sh"; done
LOG=$PWD/log TARGET=$PWD/target
stop() { echo "stopped: $1"; exit 1; }
"""


def run(folder: Path, script: str, **names: str) -> "subprocess.CompletedProcess[str]":
    """`script` with every function of the installer at hand, in `folder`."""
    return subprocess.run(
        [busybox(), "ash", "-c", _PREAMBLE + script],
        cwd=folder,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "SCRIPTS": str(SCRIPTS), **names},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def parse(folder: Path, kickstart: str) -> dict[str, str]:
    """What the installer's parser makes of a kickstart: its files by name."""
    (folder / "ks.cfg").write_text(kickstart)
    done = run(folder, 'ks_parse ks.cfg "$KS"')
    assert done.stderr == ""
    found = {path.name: path.read_text() for path in (folder / "ks").iterdir()}
    assert (done.returncode != 0) == ("error" in found)
    return {name: text if name.endswith(".sh") else text.removesuffix("\n") for name, text in found.items()}
