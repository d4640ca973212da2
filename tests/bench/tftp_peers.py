"""How the TFTP servers beside ours are started, and where atftpd and tftpd-hpa come from."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.tftp_load import ENVIRONMENT

PEERS = ("dnsmasq", "atftpd", "tftpd-hpa", "tftpy")
PORTS = {"dnsmasq": 69, "ours": 6069, "atftpd": 6070, "tftpd-hpa": 6071, "tftpy": 6072}
"""dnsmasq's cannot be chosen, so ours leaves it 69."""

_TFTPY = "import sys, tftpy; tftpy.TftpServer(sys.argv[1]).listen(sys.argv[2], int(sys.argv[3]))"
# The two packages exclude one another; to install one would start a server here or remove somebody's.
_PROGRAMS = {"atftpd": "usr/sbin/atftpd", "tftpd-hpa": "usr/sbin/in.tftpd"}
_UNPACKED = Path(__file__).parents[2] / ".cache" / "bench"


def command(name: str, root: Path, address: str, port: int) -> list[str]:
    """Serves `root` in the foreground. Raises LookupError where the program is not to be had."""
    match name:
        case "tftpy":
            return [sys.executable, "-c", _TFTPY, str(root), address, str(port)]
        case "dnsmasq":
            quiet = ["--conf-file=/dev/null", "--pid-file=", "--log-facility=/dev/null", "--user=root"]
            where = [f"--listen-address={address}", "--bind-interfaces", "--port=0", "--keep-in-foreground"]
            return [_program(name), *quiet, *where, "--enable-tftp", f"--tftp-root={root}", "--tftp-max=1000"]
        case "atftpd":
            where = ["--daemon", "--no-fork", "--bind-address", address, "--port", str(port)]
            rest = ["--maxthread", "1000", "--user", "root.root", "--logfile", "/dev/null"]
            return [_program(name), *where, *rest, str(root)]
        case "tftpd-hpa":
            return [_program(name), "-L", "-a", f"{address}:{port}", "-s", str(root)]
    raise LookupError(f"no such server: {name}")


def _program(name: str) -> str:
    """The installed one, or the one from its package, unpacked and not set up."""
    path = Path(_PROGRAMS.get(name, name))
    if found := shutil.which(path.name):
        return found
    if name not in _PROGRAMS or shutil.which("apt-get") is None:
        raise LookupError(f"{path.name} is not installed")
    unpacked = _UNPACKED / name / path
    if not unpacked.exists():
        _UNPACKED.mkdir(parents=True, exist_ok=True)
        try:
            _run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name)
        except LookupError:
            _run("apt-get", "-qq", "update")
            _run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name)
        package = max(_UNPACKED.glob(f"{name}_*.deb"))
        _run("dpkg-deb", "-x", package.name, name)
        package.unlink()
    return str(unpacked)


def _run(*words: str) -> None:
    done = subprocess.run(
        words, cwd=_UNPACKED, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise LookupError(f"{' '.join(words)}: {done.stderr.strip()[:200]}")
