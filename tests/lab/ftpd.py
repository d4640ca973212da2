"""A real FTP server (vsftpd) on one address, anonymous only, gone when the test is."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.waiting import descendants, free_port, inside, wait_for_port


@dataclass(frozen=True, slots=True)
class FtpServer:
    """`url` is the root's; `process` is vsftpd itself, its children are one for each connection."""

    url: str
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """Takes the listener and every open transfer down at once, as a power cut does."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def missing() -> str:
    """The package that is not here, "" where all is."""
    return "" if shutil.which("vsftpd") else "vsftpd"


@contextmanager
def ftp_server(
    root: Path,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    netns: str = "",
    rate: int = 0,
    clients: int = 0,
) -> Iterator[FtpServer]:
    """Serves `root` (readable by everybody, writable by root alone), at most `rate` bytes a second, at
    most `clients` at once; 0 is no limit."""
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="ftpd-") as place:
        config = Path(place, "vsftpd.conf")
        empty = Path(place, "empty")
        empty.mkdir()
        lines = {
            "listen": "YES",
            "listen_address": address,
            "listen_port": port,
            "background": "NO",
            "anonymous_enable": "YES",
            "local_enable": "NO",
            "anon_root": root,
            "anon_max_rate": rate,
            "max_clients": clients,
            "secure_chroot_dir": empty,
            "xferlog_enable": "NO",
            "mdtm_write": "NO",
        }
        config.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        command = inside(netns, "vsftpd", str(config))
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            server = FtpServer(f"ftp://{address}:{port}", process)
            try:
                wait_for_port(process, address, port, netns)
                yield server
            finally:
                server.kill()
