"""What a guest's life asks of its host beside the steps of a plan: its lines and screen, and its disks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from provisioner.plan.cloning import Blueprint
from provisioner.service.ports.hypervisor import Hypervisor


class Channel(Protocol):
    """Bytes both ways: a serial console, the VNC of a screen."""

    async def read(self) -> bytes:
        """Waits for what comes next; b"" once the other end is gone."""
        ...

    async def write(self, data: bytes) -> None:
        """Raises Unavailable or Conflict where it cannot be taken."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Display:
    """Where a guest's screen is. `uri` as RFC 7869 has it, with the TCP port; on the guest's own host.

    `listen` is the address that it is bound to; `locked` tells whether a password can be set on it.
    """

    uri: str
    listen: str
    port: int
    locked: bool

    @property
    def loopback(self) -> bool:
        return self.listen in ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """A volume of a pool; bytes. `backing` is the path of the volume that it stands on, "" for none."""

    pool: str
    name: str
    path: str
    capacity: int
    allocation: int
    backing: str = ""


class LifeHypervisor(Hypervisor, Protocol):
    """Guests are named by name and UUID; each call raises Conflict where the domain is not ours or gone."""

    async def suspend(self, name: str, uuid: str) -> None: ...
    async def resume(self, name: str, uuid: str) -> None: ...

    async def console(self, name: str, uuid: str, *, force: bool) -> Channel:
        """The serial console. Conflict where the guest is off, has none, or another holds it."""
        ...

    async def serial_tail(self, name: str, uuid: str, size: int) -> bytes:
        """The last bytes that the guest wrote to its serial line; b"" where nobody kept them."""
        ...

    async def serial_text(self, name: str, uuid: str, size: int) -> Channel:
        """The serial line for reading alone, from its last `size` bytes on."""
        ...

    async def screenshot(self, name: str, uuid: str) -> bytes:
        """The screen as PNG."""
        ...

    async def display(self, name: str, uuid: str) -> Display: ...
    async def unlock_display(self, name: str, uuid: str, password: str, until: datetime) -> Display:
        """Sets the password that opens the screen until then."""
        ...

    async def screen(self, name: str, uuid: str) -> Channel:
        """The screen's VNC, past its password. Unavailable on a host that cannot hand it over."""
        ...

    async def blueprint(self, name: str, uuid: str) -> Blueprint: ...
    async def running_disks(self, name: str, uuid: str) -> tuple[str, ...]:
        """The disk paths that it runs on just now, none where it is off."""
        ...

    async def volume_facts(self, pool: str) -> list[VolumeFacts]: ...


LifeHosts = Callable[[str], LifeHypervisor]
"""The hypervisor of a libvirt URI, "" for the configured one. Raises Unavailable, Invalid."""
