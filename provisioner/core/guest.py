"""What a user asks of a guest: the spec, before any host was looked at."""

from dataclasses import dataclass, field
from typing import Literal

from provisioner.core.errors import Invalid
from provisioner.core.machine import check_name, normalise_mac, normalise_uuid

Method = Literal["pxe"]
Boot = Literal["bios", "uefi"]


def parse_suboptions(text: str, known: tuple[str, ...], option: str) -> dict[str, str]:
    """virt-install's comma syntax `size=4,pool=default` as a dict. Raises Invalid naming the known keys."""
    keys = ", ".join(f"{key}=" for key in known)
    pairs: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or key not in known or not value:
            raise Invalid(f"{option} {text!r}: {part!r} is not understood; known are {keys}")
        pairs[key] = value
    if not pairs:
        raise Invalid(f"{option} is empty; known are {keys}")
    return pairs


@dataclass(frozen=True, slots=True)
class Disk:
    """One volume to be made: `size` in GiB (virt-install's unit), `pool` a libvirt pool's name."""

    size: float
    pool: str = "default"
    format: Literal["qcow2", "raw"] = "qcow2"

    @classmethod
    def parse(cls, text: str) -> "Disk":
        """`size=4,pool=fast,format=raw`. Raises Invalid."""
        pairs = parse_suboptions(text, ("size", "pool", "format"), "--disk")
        try:
            size = float(pairs["size"])
        except KeyError:
            raise Invalid(f"--disk {text!r}: size= is missing; write size=4 for 4 GiB") from None
        except ValueError:
            raise Invalid(f"--disk {text!r}: size={pairs['size']} is not a number of GiB") from None
        if not 0 < size <= 65536:
            raise Invalid(f"--disk {text!r}: size={pairs['size']} must be above 0 and at most 65536 GiB")
        form = pairs.get("format", "qcow2")
        if form not in ("qcow2", "raw"):
            raise Invalid(f"--disk {text!r}: format={form} is not known; use qcow2 or raw")
        return cls(size, pairs.get("pool", "default"), "raw" if form == "raw" else "qcow2")


@dataclass(frozen=True, slots=True)
class Nic:
    """Where the guest's network card is plugged in: a libvirt network, a host bridge, or a macvtap parent."""

    kind: Literal["network", "bridge", "direct"]
    source: str

    @classmethod
    def parse(cls, text: str) -> "Nic":
        """`network=default`, `bridge=br0`, `type=direct,source=eth0`. Raises Invalid."""
        pairs = parse_suboptions(text, ("network", "bridge", "type", "source", "source_mode"), "--network")
        if pairs.get("type") == "direct" and "source" in pairs:
            return cls("direct", pairs["source"])
        if "network" in pairs:
            return cls("network", pairs["network"])
        if "bridge" in pairs:
            return cls("bridge", pairs["bridge"])
        raise Invalid(f"--network {text!r}: write network=NAME, bridge=NAME or type=direct,source=DEVICE")


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """`memory` in MiB. MAC and UUID are chosen by the caller, so that planning stays pure."""

    name: str
    profile: str
    mac: str
    uuid: str
    memory: int = 1024
    vcpus: int = 1
    disk: Disk = field(default_factory=lambda: Disk(4))
    nic: Nic = field(default_factory=lambda: Nic("network", "default"))
    boot: Boot = "bios"
    rom: bool = True
    """False: the network card's iPXE ROM is off, so the firmware's own PXE client asks."""
    method: Method = "pxe"
    extra_args: str = ""
    autostart: bool = False

    def __post_init__(self) -> None:
        check_name(self.name, "guest name")
        if normalise_mac(self.mac) != self.mac or normalise_uuid(self.uuid) != self.uuid:
            raise Invalid(f"guest {self.name}: MAC and UUID must be in canonical form")
        if not 128 <= self.memory <= 16 * 1024 * 1024:
            raise Invalid(
                f"guest {self.name}: memory {self.memory} MiB is out of range; 128 MiB is the least"
            )
        if not 1 <= self.vcpus <= 710:
            raise Invalid(f"guest {self.name}: {self.vcpus} vCPUs is out of range; 1 to 710")
        if any(c in self.extra_args for c in "\r\n\0"):
            raise Invalid(
                f"guest {self.name}: --extra-args holds a line break; kernel arguments are one line"
            )
