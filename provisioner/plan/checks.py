"""Whether a spec can be had on a host at all, told before anything is done."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.limits import check_bus, check_disk_device, check_graphics, check_secure_boot

_GIB = 1024**3
_FIRMWARE = {"bios": "bios", "uefi": "efi"}
# What a processor runs beside its own.
_ALSO = {"x86_64": ("i386", "i586", "i686")}


def check(
    spec: GuestSpec, host: HostFacts, *, rebuild: bool = False, made: Sequence[Disk] | None = None
) -> None:
    """Raises the first thing that stands against `spec` on `host`: Invalid, NotFound or Conflict.

    A `rebuild` may find its own domain there. `made` are the disks that need room; None: all of them.
    """
    _identity(spec, host, rebuild)
    for look in (_firmware, _vcpus, _memory, _graphics, _medium):
        look(spec, host)
    _disks(spec, host, spec.disks if made is None else made)
    _nics(spec, host)


def check_tree(spec: GuestSpec, host: HostFacts, tree: Tree) -> None:
    """Raises Invalid for a tree whose kernel is another processor's than the guest has."""
    runs = (host.arch, *_ALSO.get(host.arch, ()))
    if tree.kernel and spec.method != "import" and tree.arch not in runs:
        raise Invalid(
            f"guest {spec.name}: tree {tree.name} is for {tree.arch}, "
            f"and guests of {host.uri} are {host.arch}",
            remedy="name a profile with another tree; provisioner tree show NAME tells what each is for",
        )


def _identity(spec: GuestSpec, host: HostFacts, rebuild: bool) -> None:
    for domain in host.domains:
        if rebuild and domain.ours and domain.uuid == spec.uuid and domain.name == spec.name:
            continue
        if domain.name == spec.name and domain.ours:
            raise Conflict(
                f"guest {spec.name} exists already on {host.uri}",
                remedy=f"choose another name, or: provisioner guest delete {spec.name}",
            )
        if domain.name == spec.name:
            raise Conflict(
                f"the name {spec.name} is taken on {host.uri} by a domain that is not ours",
                remedy="choose another name; foreign domains are never touched",
            )
        if domain.uuid == spec.uuid:
            raise Conflict(f"UUID {spec.uuid} belongs to domain {domain.name} on {host.uri}")
        for nic in spec.nics:
            if nic.mac in domain.macs:
                raise Conflict(f"MAC {nic.mac} belongs to domain {domain.name} on {host.uri}")


def _firmware(spec: GuestSpec, host: HostFacts) -> None:
    if _FIRMWARE[spec.boot] not in host.firmwares:
        raise Invalid(
            f"guest {spec.name}: {host.uri} offers no {spec.boot} firmware for {host.machine} machines",
            remedy="install OVMF (package ovmf or edk2-ovmf) there, or use --boot bios",
        )
    if spec.secure:
        check_secure_boot(host)


def _vcpus(spec: GuestSpec, host: HostFacts) -> None:
    if spec.vcpus > host.max_vcpus:
        raise Invalid(
            f"guest {spec.name}: {spec.vcpus} vCPUs are more than the {host.max_vcpus} "
            f"that {host.uri} gives one guest"
        )


def _memory(spec: GuestSpec, host: HostFacts) -> None:
    if host.memory and spec.memory > host.memory:
        raise Invalid(
            f"guest {spec.name}: {spec.memory} MiB of memory are more than the {host.memory} MiB "
            f"that {host.uri} has"
        )


def _graphics(spec: GuestSpec, host: HostFacts) -> None:
    check_graphics(spec.graphics, host)


def _medium(spec: GuestSpec, host: HostFacts) -> None:
    if spec.iso:
        check_disk_device("cdrom", host)


def _disks(spec: GuestSpec, host: HostFacts, new: Sequence[Disk]) -> None:
    for bus in dict.fromkeys(disk.bus for disk in spec.disks):
        check_bus(bus, host)
    for name in dict.fromkeys(disk.pool for disk in spec.disks):
        pool = next((pool for pool in host.pools if pool.name == name), None)
        if pool is None:
            raise NotFound(
                f"no storage pool {name!r} on {host.uri}; known are {_listed(p.name for p in host.pools)}"
            )
        if not pool.active:
            raise Conflict(
                f"storage pool {name} on {host.uri} is not active", remedy=f"provisioner pool start {name}"
            )
        size = sum(disk.size for disk in new if disk.pool == name)
        if size * _GIB > pool.available:
            several = len([disk for disk in new if disk.pool == name and disk.size]) > 1
            raise Invalid(
                f"guest {spec.name}: {'disks' if several else 'a disk'} of {size:g} GiB "
                f"{'are' if several else 'is'} larger than the "
                f"{pool.available / _GIB:.1f} GiB that pool {name} has left",
                remedy="ask for a smaller disk, or name another pool: --disk size=…,pool=…",
            )


def _nics(spec: GuestSpec, host: HostFacts) -> None:
    for nic in spec.nics:
        _nic(nic, host)


def _nic(nic: Nic, host: HostFacts) -> None:
    name = nic.source
    if host.session:
        _session_nic(nic, host)
    match nic.kind:
        case "network":
            _network(name, host)
        case "bridge" if _devices(host) and name not in host.bridges:
            raise NotFound(f"no bridge {name!r} on {host.uri}; known are {_listed(host.bridges)}")
        case "direct" if _devices(host) and name not in _devices(host):
            raise NotFound(
                f"no device {name!r} for a macvtap on {host.uri}; known are {_listed(_devices(host))}"
            )
        case _:
            pass


def _session_nic(nic: Nic, host: HostFacts) -> None:
    """What an ordinary user may plug a guest into."""
    remedy = "write --network user: the guest installs over QEMU's own network, which needs no rights"
    if nic.kind in ("network", "direct"):
        what = f"libvirt network {nic.source}" if nic.kind == "network" else f"a macvtap on {nic.source}"
        raise Invalid(
            f"a guest of {host.uri} cannot be on {what}: that needs rights that an ordinary user lacks",
            remedy=f"{remedy}; or create it on qemu:///system",
        )
    if nic.kind == "bridge" and not urlsplit(host.uri).hostname and nic.source not in host.bridges:
        raise Invalid(
            f"a guest of {host.uri} cannot be on bridge {nic.source}: QEMU's bridge helper lends it to no "
            "ordinary user",
            remedy=f"{remedy}; or have the helper set up (docs/rootless.md)",
        )


def _network(name: str, host: HostFacts) -> None:
    network = next((network for network in host.networks if network.name == name), None)
    if network is None:
        raise NotFound(
            f"no libvirt network {name!r} on {host.uri}; known are {_listed(n.name for n in host.networks)}"
        )
    if not network.active:
        raise Conflict(
            f"libvirt network {name} on {host.uri} is not active", remedy=f"provisioner network start {name}"
        )


def _devices(host: HostFacts) -> tuple[str, ...]:
    return (*host.interfaces, *host.bridges)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


CHECKS: Mapping[str, Callable[[GuestSpec, HostFacts], None]] = {
    "name": lambda spec, host: _identity(spec, host, rebuild=False),
    "boot": _firmware,
    "vcpus": _vcpus,
    "memory": _memory,
    "graphics": _graphics,
    "cdrom": _medium,
    "disks": lambda spec, host: _disks(spec, host, spec.disks),
    "networks": _nics,
}
"""Of a new guest, by the field of a request that each is about; each raises the first thing against it."""
