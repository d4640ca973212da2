"""Ports that cannot be had: by whom they are held, as one sentence."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from provisioner.core.errors import Unavailable

_PROC = Path("/proc")
Transport = Literal["udp", "tcp"]


@contextmanager
def naming(kind: Transport, address: str, port: int) -> Iterator[None]:
    """Around the opening of a port. Raises Unavailable where it is taken or not allowed.

    Any other OSError passes: the interface went, which is for the caller to wait out.
    """
    try:
        yield
    except OSError as error:
        what = f"{kind.upper()} port {port} on {address}"
        if error.errno == errno.EADDRINUSE:
            by = holder(kind, address, port)
            remedy = "stop it, or give this service another port or other interfaces"
            raise Unavailable(f"{what} is in use by {by}", remedy=remedy) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            remedy = "start the service as root, or give it CAP_NET_BIND_SERVICE and CAP_NET_RAW"
            raise Unavailable(f"{what} may not be opened by this user", remedy=remedy) from error
        raise


def holder(kind: Transport, address: str, port: int) -> str:
    """`dnsmasq (process 812)`, or `another process` where the kernel does not show it to us."""
    inodes = _inodes(kind, address, port)
    for process in _PROC.glob("[0-9]*"):
        if inodes & _sockets(process):
            try:
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
            except OSError:
                break
    return "another process"


def _inodes(kind: Transport, address: str, port: int) -> set[str]:
    ours = int.from_bytes(socket.inet_aton(address), "little")
    found: set[str] = set()
    try:
        lines = (_PROC / "net" / kind).read_text().splitlines()[1:]
    except OSError:
        return found
    for row in (line.split() for line in lines):
        bound, _, number = row[1].partition(":")
        if int(number, 16) == port and int(bound, 16) in (0, ours):
            found.add(f"socket:[{row[9]}]")
    return found


def _sockets(process: Path) -> set[str]:
    try:
        return {str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()}
    except OSError:
        return set()  # it ended, or it is not ours to look into
