"""What is asked of the use cases around guests, and what they answer with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from provisioner.core.guest import Method, Start
from provisioner.core.install import Install
from provisioner.core.profile import Profile, Tree
from provisioner.plan.given import DiskImage
from provisioner.plan.steps import Plan


@dataclass(frozen=True, slots=True)
class CreateGuest:
    """A guest as it is asked for. What is left out comes from its profile; the use case parses the texts.

    `method` "" follows from `location` (a tree's name, URL, directory or ISO: url), `cdrom` (a medium: iso)
    or is pxe. `files` are added to the installer's initrd: name to content in base64. `cloud_init` holds
    user-data, meta-data and network-config as far as they are given; None: no seed.
    """

    name: str
    profile: str = ""
    method: Method | Literal[""] = ""
    memory: int | None = None
    vcpus: int | None = None
    cpu: str = ""
    osinfo: str = ""
    disks: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    mac: str = ""
    uuid: str = ""
    boot: str = "bios"
    loader: str = ""
    rom: bool = True
    graphics: str = ""
    location: str = ""
    cdrom: str = ""
    direct: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    cloud_init: Mapping[str, str] | None = None
    extra_args: str = ""
    autostart: bool = False
    start: Start = "run"
    ssh_keys: tuple[str, ...] = ()
    root_password_hash: str = ""
    connect: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    """Of its answer file, above its profile's."""


Wipe = Literal["system", "all", "none"]
"""Which disks a rebuild empties: the one that is installed to, all that were made for the guest, or none."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """How a guest is installed anew: name, UUID and MAC addresses stay. `profile` "": the one that it has."""

    profile: str = ""
    wipe: Wipe = "system"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a guest is reached, and how that is known.

    `port` is that of its ssh, where QEMU's user network forwards one of this host's to it.
    """

    ip: str
    source: Literal["report", "lease", "neighbour", "answer", "forward"]
    port: int = 22


@dataclass(frozen=True, slots=True)
class Guest:
    """A domain as people see it. `state` "missing" for a guest of ours that libvirt no longer has."""

    name: str
    uuid: str
    state: str
    ours: bool
    memory: int
    vcpus: int
    autostart: bool
    mac: str
    profile: str = ""
    install: Install | None = None
    address: Address | None = None
    ssh: str | None = None
    host: str = ""
    """Its host's libvirt URI; "" for the configured one, and where nobody asked for it."""
    screen: bool = False


@dataclass(frozen=True, slots=True)
class Creation:
    """`plan` is masked: it may be shown."""

    install: Install
    guest: Guest
    plan: Plan


class ProfileSource(Protocol):
    async def get(self, name: str) -> Profile:
        """Raises NotFound naming the known ones."""
        ...


class TreeSource(Protocol):
    async def get(self, name: str) -> Tree: ...

    async def reachable(self, tree: Tree) -> None:
        """Raises Unavailable naming the tree's URL where its kernel cannot be read."""
        ...


class Media(Protocol):
    async def iso(self, text: str) -> str:
        """The path of an ISO that may be used. Raises NotFound, Invalid."""
        ...

    async def disk_image(self, text: str) -> DiskImage:
        """A disk image that was inspected. Raises NotFound, Invalid."""
        ...


class Ids(Protocol):
    """Chosen outside, so that planning stays pure."""

    def install(self) -> str: ...
    def mac(self) -> str: ...
    def uuid(self) -> str: ...
    def port(self) -> int:
        """A port of this host's loopback that nobody holds, 0 where there is none."""
        ...


Served = Callable[[], Mapping[str, str]]
"""The interfaces that netboot and guests' HTTP answer on, and our address on each."""
