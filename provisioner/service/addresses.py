"""Where a guest is reached, from the surest source to the oldest."""

from collections.abc import Callable

from provisioner.core.guest import Nic
from provisioner.core.install import Install, Kind
from provisioner.service.ports import Hypervisor, Store
from provisioner.service.requests import Address

_LOOPBACK = "127.0.0.1"


async def find_address(
    store: Store, hypervisor: Hypervisor, neighbour: Callable[[str], str | None], install: Install, nic: Nic
) -> Address | None:
    """The installed system's own report, a lease, the host's neighbour table, the answer file's asker.

    A guest on QEMU's user network speaks with this host's own address; a forwarded port leads to it.
    """
    if nic.kind == "user":
        return Address(_LOOPBACK, "forward", nic.forward) if nic.forward else None
    reports = await store.events(install=install.id, kinds=(Kind.FIRST_BOOT,))
    for event in reversed(reports):
        address = event.data.get("address")
        if isinstance(address, str) and address:
            return Address(address, "report")
    if leased := await hypervisor.lease(install.mac):
        return Address(leased, "lease")
    if near := neighbour(install.mac):
        return Address(near, "neighbour")
    return Address(install.address, "answer") if install.address else None
