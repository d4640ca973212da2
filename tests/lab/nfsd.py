"""A real NFS server in user space (nfs-ganesha): version 4, and 3 as well in a namespace of its own.

Version 3 needs a port mapper, whose port is fixed: rpcbind runs in that namespace beside it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.waiting import free_port, inside, wait_for_port

EXPORT = "/export"
# In a mount namespace, which `ip netns exec` makes: rpcbind has fixed files below /run.
_BOTH = """
mount -t tmpfs tmpfs /run && { rpcbind -f & }
until [ -S /run/rpcbind.sock ]; do sleep 0.05; done
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class NfsServer:
    """`url` is the export's. Version 3 knows it by the folder's own path."""

    url: str
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """Down at once, with its port mapper."""
        os.killpg(self.process.pid, signal.SIGKILL)


def missing() -> str:
    """The packages that are not here, "" where all are."""
    needed = {
        "ganesha.nfsd": "nfs-ganesha nfs-ganesha-vfs",
        "rpcbind": "rpcbind",
        "nfs-cat": "libnfs-utils",
    }
    return " ".join(package for program, package in needed.items() if not shutil.which(program))


@contextmanager
def nfs_server(
    root: Path, *, address: str = "127.0.0.1", netns: str = "", version3: bool = False
) -> Iterator[NfsServer]:
    """Exports `root` read-only, on a free port; with `version3` (and a `netns`) on the standard ones."""
    port = 2049 if version3 else free_port()
    versions = "3, 4" if version3 else "4"
    with tempfile.TemporaryDirectory(prefix="nfsd-") as place:
        config = Path(place, "ganesha.conf")
        config.write_text(f"""
NFS_CORE_PARAM {{
  Protocols = {versions}; Bind_addr = {address}; NFS_Port = {port}; MNT_Port = 20048;
  Enable_NLM = false; Enable_RQUOTA = false;
}}
NFSV4 {{
  RecoveryBackend = fs; RecoveryRoot = {place}; Graceless = true; Lease_Lifetime = 10; Minor_Versions = 0;
}}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT {{
  Export_Id = 1; Path = {root}; Pseudo = {EXPORT}; Access_Type = RO; Squash = No_root_squash;
  SecType = sys, none; Attr_Expiration_Time = 0; Protocols = {versions}; Transports = TCP;
  FSAL {{ Name = VFS; }}
}}
""")
        command = ["ganesha.nfsd", "-F", "-f", str(config), "-L", f"{place}/log", "-p", f"{place}/pid"]
        if version3:
            command = ["sh", "-c", _BOTH, "sh", *command]
        with subprocess.Popen(
            inside(netns, *command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            url = f"nfs://{address}{root}" if version3 else f"nfs://{address}:{port}{EXPORT}"
            server = NfsServer(url, process)
            try:
                wait_for_port(process, address, port, netns)
                yield server
            finally:
                with suppress(ProcessLookupError):
                    server.kill()
