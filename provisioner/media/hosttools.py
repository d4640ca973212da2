"""Which program of the host is used, and which package brings it.

Every child speaks English (`LC_ALL=C`), because some of its output is read.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from provisioner.core.errors import Unavailable

_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")

# Program -> package: Debian's name, then Fedora's where it is another.
PACKAGES: Mapping[str, tuple[str, str]] = {
    "apt-cache": ("apt", "apt"),
    "apt-config": ("apt", "apt"),
    "apt-get": ("apt", "apt"),
    "busybox": ("busybox-static", "busybox"),
    "dd": ("coreutils", "coreutils"),
    "du": ("coreutils", "coreutils"),
    "dpkg-deb": ("dpkg", "dpkg"),
    "grub-mkimage": ("grub-common", "grub2-tools"),
    "ldd": ("libc-bin", "glibc-common"),
    "mke2fs": ("e2fsprogs", "e2fsprogs"),
    "mmdebstrap": ("mmdebstrap", "mmdebstrap"),
    "prlimit": ("util-linux", "util-linux-core"),
    "qemu-img": ("qemu-utils", "qemu-img"),
    "nfs-cat": ("libnfs-utils", "libnfs-utils"),
    "resize2fs": ("e2fsprogs", "e2fsprogs"),
    "setpriv": ("util-linux", "util-linux"),
    "sha256sum": ("coreutils", "coreutils"),
    "tar": ("tar", "tar"),
    "tee": ("coreutils", "coreutils"),
    "unshare": ("util-linux", "util-linux-core"),
    "xz": ("xz-utils", "xz"),
    "zstd": ("zstd", "zstd"),
}


def missing(program: str, why: str) -> Unavailable:
    debian, fedora = PACKAGES[program]
    return Unavailable(
        f"the program {program} is not installed; {why} needs it",
        remedy=f"apt-get install {debian}   (Fedora: dnf install {fedora})",
    )


def find(program: str, why: str) -> Path:
    """The program's path. Raises Unavailable naming the package that brings it."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SBIN])
    found = shutil.which(program, path=path) or (
        program == "grub-mkimage" and shutil.which("grub2-mkimage", path=path)
    )
    if not found:
        raise missing(program, why)
    return Path(found)


def environment(**extra: str) -> dict[str, str]:
    """What every child is given: our own environment in the C locale."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SBIN])
    return {**os.environ, "PATH": path, "LC_ALL": "C", **extra}


def run(argv: Sequence[str | Path], why: str, *, cwd: Path | None = None, **extra: str) -> bytes:
    """Standard output of a child that ended well. Raises Unavailable with its last line otherwise."""
    program = argv[0] if isinstance(argv[0], Path) else find(argv[0], why)
    done = subprocess.run(
        [program, *argv[1:]],
        cwd=cwd,
        env=environment(**extra),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        said = lines[-1] if lines else "it said nothing"
        raise Unavailable(f"{why}: {argv[0]} ended with {done.returncode}: {said}")
    return done.stdout
