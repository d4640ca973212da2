"""What is known of a host before anything is planned on it."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Host:
    """One libvirt connection under a name. `configured` where the settings name it, not the store.

    `allow_unsafe` where its URI may do what `core.libvirt_uri` refuses. The host that guests are created on
    by default is called `LOCAL`.
    """

    name: str
    uri: str
    allow_unsafe: bool = False
    configured: bool = False


LOCAL = "local"


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """The machine behind a connection, field by field as `virsh nodeinfo` prints it. MHz, KiB.

    `sockets` is a NUMA cell's number, as libvirt counts; `mhz` 0 where it is not known.
    """

    model: str
    cpus: int
    mhz: int
    sockets: int
    cores: int
    threads: int
    cells: int
    memory: int


@dataclass(frozen=True, slots=True)
class Load:
    """What a host is busy with, now. `busy` and `total` count CPU time in ns since the host was started, so
    that two of these tell the load between them. Memory in KiB; `free` counts what caches would give back;
    None where it cannot be known. `lent` is the memory of running guests, `vcpus` theirs.
    """

    busy: int
    total: int
    memory: int
    free: int | None
    running: int
    lent: int
    vcpus: int


@dataclass(frozen=True, slots=True)
class Network:
    """A libvirt network. `mode` as in its XML's forward element, "isolated" where it has none.

    `bridge` "" for a macvtap pool, whose `parents` are the host's devices. `bootp` tells whether its XML
    names a boot file, `addresses` the host's own on it (address/prefix), `dhcp` whether it gives addresses:
    `ranges` as first-last, `reserved` as MAC, address and name. `ours` where our metadata is on it.
    """

    name: str
    mode: str
    active: bool
    autostart: bool = False
    bridge: str = ""
    parents: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    dhcp: bool = False
    bootp: str = ""
    uuid: str = ""
    persistent: bool = True
    ours: bool = False
    ranges: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """A storage pool; bytes. `path` "" where the pool has none.

    `kind` is libvirt's word (dir, logical, netfs, iscsi …); `source` what it is made of, where it tells that.
    """

    name: str
    active: bool
    capacity: int
    allocation: int
    available: int
    path: str = ""
    autostart: bool = False
    kind: str = "dir"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """A libvirt domain. `ours` where our metadata is on it; the others are never touched.

    `memory` in MiB; `install` is the install id of the metadata, "" for a domain that is not ours;
    `screen` whether it has a video card.
    """

    name: str
    uuid: str
    state: Literal["running", "shut off", "paused", "crashed", "other"]
    ours: bool
    memory: int = 0
    vcpus: int = 0
    autostart: bool = False
    macs: tuple[str, ...] = ()
    install: str = ""
    screen: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A domain as it is defined for its next start; `xml` with its secrets, "" where nobody asked for it."""

    name: str
    uuid: str
    on: bool
    autostart: bool
    xml: str = ""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a plan may rely on. `virt_type` kvm only where a kernel was seen to boot with it.

    `bridges` are the host's bridge devices; `emulator` the QEMU binary; `firmwares` of bios, efi;
    `interfaces` the host's other devices (macvtap parents); both are empty where they cannot be known.
    `memory` in MiB. `disk_buses`, `disk_devices` and `graphics` are empty where libvirt does not tell them.
    `node` is None where nobody asked. `session` is an ordinary user's own libvirt, which has no right to the
    host's networks; its `bridges` are those that QEMU's bridge helper may use for that user.
    """

    uri: str
    virt_type: Literal["kvm", "qemu"]
    emulator: str
    machine: str
    arch: str = "x86_64"
    firmwares: tuple[str, ...] = ("bios",)
    max_vcpus: int = 1
    memory: int = 0
    networks: tuple[Network, ...] = ()
    pools: tuple[Pool, ...] = ()
    bridges: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    domains: tuple[Domain, ...] = ()
    virt_reason: str = ""
    warnings: tuple[str, ...] = field(default=())
    session: bool = False
    node: NodeInfo | None = None
    disk_devices: tuple[str, ...] = ()
    disk_buses: tuple[str, ...] = ()
    secure_boot: bool = False
    graphics: tuple[str, ...] = ()


def is_session(uri: str) -> bool:
    """Whether a URI asks for a user's own libvirt. For root that is the system's all the same."""
    return urlsplit(uri).path.rstrip("/") == "/session"
