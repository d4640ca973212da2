"""What a user asks of a guest: the spec, before any host was looked at."""

from dataclasses import dataclass, replace
from typing import Literal, cast

from provisioner.core.errors import Invalid
from provisioner.core.firmware import Dialect
from provisioner.core.machine import check_name, normalise_mac, normalise_uuid
from provisioner.core.options import chosen, parse_suboptions, switch

Method = Literal["pxe", "url", "iso", "import"]
Boot = Literal["bios", "uefi"]
Bus = Literal["virtio", "scsi", "sata", "ide", "usb"]
DiskFormat = Literal["qcow2", "raw"]
NicKind = Literal["network", "bridge", "direct", "user"]
Graphics = Literal["none", "vnc"]
Start = Literal["run", "paused", "off"]

METHODS: tuple[Method, ...] = ("pxe", "url", "iso", "import")
BUSES: tuple[Bus, ...] = ("virtio", "scsi", "sata", "ide", "usb")
_MODELS = ("virtio", "e1000", "e1000e", "rtl8139")
_CACHES = ("", "none", "writeback", "writethrough", "directsync", "unsafe")
_SOURCE_MODES = ("bridge", "vepa", "private", "passthrough")
_LARGEST = 65536


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk. `size` in GiB (virt-install's unit), `pool` a libvirt pool's name.

    With `image` the volume is made from that disk image, as a copy, or where `linked` as an overlay on a
    base that its pool keeps for all; `size` 0 leaves it as large as the image. With `volume` it is a volume
    that is there already: it is used as it is and never removed.
    """

    size: float = 0
    pool: str = "default"
    format: DiskFormat = "qcow2"
    bus: Bus = "virtio"
    image: str = ""
    linked: bool = False
    volume: str = ""
    cache: str = ""

    @classmethod
    def parse(cls, text: str) -> "Disk":
        """`size=4,pool=fast,format=raw`, `IMAGE,size=20`, `vol=POOL/NAME,bus=scsi`. Raises Invalid."""
        option = "--disk"
        known = ("size", "pool", "format", "bus", "path", "linked", "vol", "cache")
        pairs = parse_suboptions(text, known, option, first="path")
        where = f"{option} {text!r}"
        pool, slash, volume = pairs.get("vol", "").partition("/")
        if "vol" in pairs and not (pool and slash and volume and not {"path", "size", "pool"} & set(pairs)):
            raise Invalid(f"{where}: write vol=POOL/VOLUME for a volume that exists, without size or path")
        form = chosen(pairs, "format", ("qcow2", "raw"), where, "qcow2")
        disk = cls(
            size=_gib(pairs.get("size", ""), where),
            pool=pool or pairs.get("pool", "default"),
            format=cast(DiskFormat, form),
            bus=cast(Bus, chosen(pairs, "bus", BUSES, where, "virtio")),
            image=pairs.get("path", ""),
            linked=switch(pairs, "linked", where),
            volume=volume,
            cache=chosen(pairs, "cache", _CACHES, where, ""),
        )
        if not (disk.size or disk.image or disk.volume):
            raise Invalid(f"{where}: size= is missing; write size=4 for 4 GiB")
        if disk.linked and (not disk.image or disk.format == "raw"):
            raise Invalid(f"{where}: linked=on is for a disk image that becomes the base of a qcow2 overlay")
        return disk


@dataclass(frozen=True, slots=True)
class Nic:
    """Where a network card is plugged in: a libvirt network, a host bridge, a macvtap parent, or QEMU's own
    user network, which has no source. `mac` "" until one is chosen; `mode` is a macvtap's.

    `forward` is the port of the host's loopback behind which the ssh of a guest on the user network is found,
    0: none.
    """

    kind: NicKind
    source: str
    mac: str = ""
    model: str = "virtio"
    mode: str = "bridge"
    forward: int = 0

    @classmethod
    def parse(cls, text: str) -> "Nic":
        """`network=default`, `bridge=br0,mac=…`, `type=direct,source=eth0`, `user`. Raises Invalid."""
        option = "--network"
        known = ("network", "bridge", "type", "source", "source_mode", "source.mode", "mac", "model")
        pairs = parse_suboptions(text, known, option, first="network")
        where = f"{option} {text!r}"
        mac = normalise_mac(pairs["mac"]) if "mac" in pairs else ""
        model = chosen(pairs, "model", _MODELS, where, "virtio")
        mode = pairs.get("source_mode") or pairs.get("source.mode", "bridge")
        mode = chosen({"source_mode": mode}, "source_mode", _SOURCE_MODES, where, "bridge")
        kind = chosen(pairs, "type", ("", "network", "bridge", "direct", "user"), where, "")
        source = pairs.get("source", "")
        if kind == "user" or text.split(",")[0] == "user":
            return cls("user", "", mac, model)
        if kind and source:
            return cls(cast(NicKind, kind), source, mac, model, mode)
        for given in ("network", "bridge"):
            if given in pairs and not source:
                return cls(cast(NicKind, given), pairs[given], mac, model)
        raise Invalid(f"{where}: write network=NAME, bridge=NAME, type=direct,source=DEVICE or user")


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """`memory` in MiB. UUID and each card's MAC are chosen by the caller, so that planning stays pure.

    `profile` "" where the user's own arguments or hands answer the installer, or where there is none to
    answer. `tree` "" means the profile's. `iso` is a medium that is inserted for the first stage; `direct`
    hands the tree's own URL to an installer that can read it. `cloud_init` gives an import a seed.
    """

    name: str
    profile: str
    uuid: str
    memory: int = 1024
    vcpus: int = 1
    disks: tuple[Disk, ...] = (Disk(4),)
    nics: tuple[Nic, ...] = ()
    boot: Boot = "bios"
    secure: bool = False
    """Secure Boot with the keys enrolled; UEFI only."""
    loader: Dialect = "ipxe"
    """What the firmware is given first, where the guest netboots without Secure Boot."""
    rom: bool = True
    """False: the network cards' iPXE ROM is off, so the firmware's own PXE client asks."""
    cpu: str = ""
    """A libvirt CPU model, or host-passthrough, host-model, maximum; "" is chosen for the family."""
    osinfo: str = ""
    """What it runs, as osinfo-db names it, where no tree tells."""
    graphics: Graphics = "none"
    method: Method = "pxe"
    tree: str = ""
    iso: str = ""
    direct: bool = False
    cloud_init: bool = False
    extra_args: str = ""
    autostart: bool = False
    start: Start = "run"
    """Whether an import runs once it is made; an installer has to."""

    def __post_init__(self) -> None:
        check_name(self.name, "guest name")
        if normalise_uuid(self.uuid) != self.uuid:
            raise Invalid(f"guest {self.name}: the UUID must be in canonical form")
        if not self.disks or not self.nics:
            raise Invalid(f"guest {self.name}: at least one disk and one network card are needed")
        for nic in self.nics:
            if normalise_mac(nic.mac) != nic.mac:
                raise Invalid(f"guest {self.name}: MAC {nic.mac} must be in canonical form")
        if len({nic.mac for nic in self.nics}) < len(self.nics):
            raise Invalid(f"guest {self.name}: two of its network cards have the same MAC address")
        if not 128 <= self.memory <= 16 * 1024 * 1024:
            raise Invalid(
                f"guest {self.name}: memory {self.memory} MiB is out of range; 128 MiB is the least"
            )
        if not 1 <= self.vcpus <= 710:
            raise Invalid(f"guest {self.name}: {self.vcpus} vCPUs is out of range; 1 to 710")
        if self.secure and self.boot != "uefi":
            raise Invalid(f"guest {self.name}: Secure Boot needs UEFI", remedy="write --boot uefi,secure=on")
        if (self.loader, self.boot) in (("grub", "bios"), ("pxelinux", "uefi")):
            other = "uefi" if self.boot == "bios" else "bios"
            raise Invalid(
                f"guest {self.name}: {self.loader} is no loader for {self.boot} firmware",
                remedy=f"write --boot {other}, or leave --loader out",
            )
        if self.start != "run" and self.method != "import":
            raise Invalid(f"guest {self.name}: only an import may be left switched off or paused")
        if any(c in self.extra_args for c in "\r\n\0"):
            raise Invalid(
                f"guest {self.name}: --extra-args holds a line break; kernel arguments are one line"
            )

    @property
    def disk(self) -> Disk:
        """The system disk: the one that is installed to, and that a rebuild empties."""
        return self.disks[0]

    @property
    def nic(self) -> Nic:
        """The card that the installer comes in by."""
        return self.nics[0]

    @property
    def mac(self) -> str:
        return self.nics[0].mac

    @property
    def netboots_by(self) -> Dialect:
        """The loader's kind: Secure Boot takes a signed GRUB alone."""
        return "grub" if self.secure else self.loader

    @property
    def unmanaged(self) -> bool:
        """Nobody reports for such a guest: an installer's first stage is over when it switches off."""
        return not self.profile and not self.cloud_init


def with_macs(nics: tuple[Nic, ...], macs: tuple[str, ...]) -> tuple[Nic, ...]:
    """The cards with the addresses that were chosen for them."""
    return tuple(replace(nic, mac=mac) for nic, mac in zip(nics, macs, strict=True))


def parse_boot(text: str) -> tuple[Boot, bool]:
    """`uefi`, `bios`, `uefi,secure=on`: the firmware, and whether Secure Boot is on. Raises Invalid."""
    words = {"uefi": "uefi", "bios": "bios", "hvm": "bios"}
    first, _, rest = text.partition(",")
    if first not in words:
        raise Invalid(f"--boot {text!r} is not understood; write bios, uefi or uefi,secure=on")
    secure = rest == "secure" or (bool(rest) and _secure(text, rest))
    return cast(Boot, words[first]), secure


def _secure(text: str, rest: str) -> bool:
    return switch(parse_suboptions(rest, ("secure",), f"--boot {text!r}"), "secure", f"--boot {text!r}")


def _gib(text: str, where: str) -> float:
    if not text:
        return 0
    try:
        size = float(text)
    except ValueError:
        raise Invalid(f"{where}: size={text} is not a number of GiB") from None
    if not 0 < size <= _LARGEST:
        raise Invalid(f"{where}: size={text} must be above 0 and at most {_LARGEST} GiB")
    return size
