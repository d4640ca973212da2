"""Which package a file of this host belongs to, as dpkg or rpm has it."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from provisioner.media import hosttools

_SECONDS = 20
_DPKG = re.compile(r"([a-z0-9][a-z0-9+.-]+)(?::[a-z0-9]+)?(?:, [^/]*)?: (/.*)")


def owners(paths: Sequence[str]) -> Mapping[str, str]:
    """Package by path; a path that belongs to none is left out, and all are where neither tool answers."""
    if not paths:
        return {}
    if shutil.which("dpkg-query"):
        lines = _said(["dpkg-query", "-S", *paths])
        return {found[2]: found[1] for line in lines if (found := _DPKG.fullmatch(line))}
    if shutil.which("rpm"):
        lines = _said(["rpm", "-qf", "--qf", "%{NAME}\n", *paths])
        return {path: line for path, line in zip(paths, lines, strict=False) if " " not in line}
    return {}


def _said(argv: Sequence[str]) -> list[str]:
    """Lines of standard output, whatever the exit code: it tells that some path is of no package."""
    try:
        done = subprocess.run(
            argv, env=hosttools.environment(), capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines()
