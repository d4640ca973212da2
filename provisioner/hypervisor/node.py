"""The machine behind a connection: what `virsh nodeinfo` prints of it, and how busy it is."""

import contextlib
from typing import cast

import libvirt

from provisioner.core.host import Load, NodeInfo

_ALL_CPUS = -1
_ALL_CELLS = -1


def read(connection: libvirt.virConnect) -> NodeInfo:
    """Field by field as `virsh nodeinfo` prints it."""
    info = cast("list[str | int]", connection.getInfo())
    model, mebibytes, cpus, mhz, cells, sockets, cores, threads = info
    return NodeInfo(
        model=str(model),
        cpus=int(cpus),
        mhz=int(mhz),
        sockets=int(sockets),
        cores=int(cores),
        threads=int(threads),
        cells=int(cells),
        memory=_kibibytes(connection, int(mebibytes), int(cells)),
    )


def _kibibytes(connection: libvirt.virConnect, mebibytes: int, cells: int) -> int:
    """libvirt counts KiB and its Python binding MiB: the NUMA cells, which libvirt adds up, tell the rest."""
    with contextlib.suppress(libvirt.libvirtError):
        exact = sum(_memory(connection, cell)["total"] for cell in range(cells))
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
        now = _memory(connection, _ALL_CELLS)
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


def _memory(connection: libvirt.virConnect, cell: int) -> dict[str, int]:
    """KiB by name."""
    return cast("dict[str, int]", connection.getMemoryStats(cell))
