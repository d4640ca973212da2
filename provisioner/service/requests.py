"""What is asked of the use cases around guests, and what they answer with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from provisioner.core.guest import Boot
from provisioner.core.install import Install
from provisioner.core.profile import Profile, Tree
from provisioner.plan.steps import Plan


@dataclass(frozen=True, slots=True)
class CreateGuest:
    """A guest as it is asked for. What is left out comes from its profile; the use case parses the texts."""

    name: str
    profile: str
    memory: int | None = None
    vcpus: int | None = None
    disk: str = ""
    network: str = ""
    mac: str = ""
    uuid: str = ""
    boot: Boot = "bios"
    rom: bool = True
    extra_args: str = ""
    autostart: bool = False
    ssh_keys: tuple[str, ...] = ()
    root_password_hash: str = ""
    connect: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a guest is reached, and how that is known."""

    ip: str
    source: Literal["report", "lease", "neighbour", "answer"]


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
    """Its host's libvirt URI where that was asked for; "" for the configured one."""
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


class Ids(Protocol):
    """Chosen outside, so that planning stays pure."""

    def install(self) -> str: ...
    def mac(self) -> str: ...
    def uuid(self) -> str: ...


Served = Callable[[], Mapping[str, str]]
"""The interfaces that netboot and guests' HTTP answer on, and our address on each."""
