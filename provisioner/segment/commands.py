"""The host's own tools as children, in English; what they say when they fail becomes one sentence."""

import os
import shutil
import subprocess

from provisioner.core.errors import Unavailable

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
_PACKAGES = {
    "ip": "iproute2 (iproute)",
    "dnsmasq": "dnsmasq-base (dnsmasq)",
    "nft": "nftables",
    "iptables": "iptables",
}


def find(program: str) -> str | None:
    """Where a program is, in the administrator's directories too."""
    return shutil.which(program) or shutil.which(program, path=_SBIN)


def run(program: str, *arguments: str, seconds: float = 10) -> str:
    """Its standard output. Raises Unavailable where it is missing, fails or takes too long."""
    path = find(program)
    if path is None:
        raise Unavailable(
            f"the program {program} is not installed",
            remedy=f"install the package {_PACKAGES.get(program, program)}",
        )
    try:
        done = subprocess.run(
            [path, *arguments],
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{program} {' '.join(arguments)} gave no answer within {seconds:g} s") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or [f"it ended with {done.returncode}"]
        raise Unavailable(f"{program} {' '.join(arguments)}: {words[0]}")
    return done.stdout
