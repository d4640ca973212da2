"""The machine behind a connection: what `virsh nodeinfo` prints of it, and how busy it is."""

import contextlib
import os
from typing import cast

import libvirt

from provisioner.core.host import Load, NodeInfo
from provisioner.hypervisor import devices

_ALL_CPUS = -1
_ALL_CELLS = -1


def read(connection: libvirt.virConnect, uri: str) -> NodeInfo:
    """Field by field as `virsh nodeinfo` prints it."""
    model, mebibytes, cpus, mhz, cells, sockets, cores, threads = connection.getInfo()
    return NodeInfo(
        model=str(model),
        cpus=int(cpus),
        mhz=int(mhz),
        sockets=int(sockets),
        cores=int(cores),
        threads=int(threads),
        cells=int(cells),
        memory=_kibibytes(connection, uri, int(mebibytes)),
    )


def _kibibytes(connection: libvirt.virConnect, uri: str, mebibytes: int) -> int:
    """libvirt counts KiB and its Python binding MiB: this finds the rest where it can."""
    if devices.is_local(uri):
        exact = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024  # as libvirt itself asks
        if exact >> 10 == mebibytes:
            return exact
    with contextlib.suppress(libvirt.libvirtError):
        exact = _memory(connection)["total"]
        if exact >> 10 == mebibytes:
            return exact
    return mebibytes << 10


def load(connection: libvirt.virConnect) -> Load:
    """How busy the machine is now. A driver that does not count CPU time gives 0 of 0."""
    times: dict[str, int] = {}
    with contextlib.suppress(libvirt.libvirtError):
        times = cast("dict[str, int]", connection.getCPUStats(_ALL_CPUS))
    total = sum(times.values())
    memory, free = int(connection.getInfo()[1]) << 10, None
    with contextlib.suppress(libvirt.libvirtError):
        now = _memory(connection)
        memory, free = now["total"], now["free"] + now.get("buffers", 0) + now.get("cached", 0)
    running = lent = vcpus = 0
    for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        with contextlib.suppress(libvirt.libvirtError):  # it ended while the list was read
            info = domain.info()
            running, lent, vcpus = running + 1, lent + int(info[1]), vcpus + int(info[3])
    return Load(
        busy=total - times.get("idle", 0) - times.get("iowait", 0),
        total=total,
        memory=memory,
        free=free,
        running=running,
        lent=lent,
        vcpus=vcpus,
    )


def _memory(connection: libvirt.virConnect) -> dict[str, int]:
    return cast("dict[str, int]", connection.getMemoryStats(_ALL_CELLS))
