"""What a guest is plugged into: networks, pools, devices, read once for all who ask at about one time.

They change seldom and mostly by our own hand, which says so. What another hand changes is seen a second
later; a guest that was planned before that is refused by libvirt itself.
"""

import contextlib
import os
import threading
import time
from dataclasses import dataclass, replace

import libvirt

from provisioner.core.host import Network, Pool
from provisioner.hypervisor import devices, network, storage
from provisioner.hypervisor.xml import parse

_KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    networks: tuple[Network, ...]
    pools: tuple[Pool, ...]
    bridges: tuple[str, ...]
    interfaces: tuple[str, ...]
    memory: int
    """MiB."""
    trouble: str
    """Why QEMU cannot use KVM, "" where it can or nobody knows."""


class Lookout:
    """Asked in worker threads, told of changes in any."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._lock = threading.Lock()
        self._seen: Surroundings | None = None
        self._until = 0.0
        self._changes = 0

    def changed(self) -> None:
        """What was seen is no longer good."""
        self._changes += 1
        self._until = 0.0

    def look(self, connection: libvirt.virConnect) -> Surroundings:
        """As they are, or were a moment ago; free space is always that of now where we see it ourselves."""
        with self._lock:  # who comes while somebody looks gets what that one sees
            if self._seen is None or time.monotonic() >= self._until:
                changes = self._changes
                self._seen = _read(connection, self._uri)
                if changes == self._changes:
                    self._until = time.monotonic() + _KEPT_SECONDS
            seen = self._seen
        if not devices.is_local(self._uri):
            return seen
        return replace(seen, pools=tuple(_with_free_space(pool) for pool in seen.pools))


def _read(connection: libvirt.virConnect, uri: str) -> Surroundings:
    local = devices.is_local(uri)
    bridges, interfaces = devices.network_devices() if local else _remote_devices(connection)
    session = devices.is_own(uri)
    if session and local:
        bridges, interfaces = devices.lent(bridges), ()
    return Surroundings(
        networks=tuple(network.networks(connection)),
        pools=tuple(storage.pools(connection, local=local)),
        bridges=bridges,
        interfaces=interfaces,
        memory=int(connection.getInfo()[1]),
        trouble=devices.kvm_trouble() if local and uri.startswith("qemu:") and not session else "",
    )


def _with_free_space(pool: Pool) -> Pool:
    """The pool with what its file system has left now."""
    if not pool.active or not pool.path or pool.path.startswith("/dev/"):
        return pool
    try:
        free = os.statvfs(pool.path)
    except OSError:
        return pool
    return replace(pool, available=free.f_bavail * free.f_frsize)


def _remote_devices(connection: libvirt.virConnect) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Bridges and other devices by libvirt's interface driver, none where it has no such driver."""
    bridges: list[str] = []
    others: list[str] = []
    with contextlib.suppress(libvirt.libvirtError):
        for interface in connection.listAllInterfaces(libvirt.VIR_CONNECT_LIST_INTERFACES_ACTIVE):
            kind = parse(interface.XMLDesc()).get("type")
            (bridges if kind == "bridge" else others).append(interface.name())
    return tuple(sorted(bridges)), tuple(sorted(name for name in others if name != "lo"))
