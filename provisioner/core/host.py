"""What is known of a host before anything is planned on it."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Network:
    """A libvirt network. `mode` as in its XML's forward element, "isolated" where it has none.

    `bridge` "" for a macvtap pool, whose `parents` are the host's devices. `bootp` tells whether its XML
    names a boot file, `addresses` the host's own on it (address/prefix), `dhcp` whether it gives addresses.
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

    `memory` in MiB; `install` is the install id of the metadata, "" for a domain that is not ours.
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


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a plan may rely on. `virt_type` kvm only where a kernel was seen to boot with it.

    `bridges` are the host's bridge devices; `emulator` the QEMU binary; `firmwares` of bios, efi;
    `interfaces` the host's other devices (macvtap parents); both are empty where they cannot be known.
    `memory` in MiB. `session` is an ordinary user's own libvirt, which has no right to the host's networks;
    its `bridges` are those that QEMU's bridge helper may use for that user.
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


def is_session(uri: str) -> bool:
    """Whether a URI asks for a user's own libvirt. For root that is the system's all the same."""
    return urlsplit(uri).path.rstrip("/") == "/session"
