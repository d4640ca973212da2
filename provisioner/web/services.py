"""What the web needs: the use cases, the store it tails, and what it reads files from. `wiring` fills it.

The Protocols name only what this room calls, so that a test can stand in for one with a few lines.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provisioner.boot.client import Ignore
from provisioner.core.host import Network
from provisioner.core.install import Event, Install
from provisioner.core.machine import Machine
from provisioner.core.profile import Image, Profile, Tree
from provisioner.plan.steps import Plan
from provisioner.service.media import Media
from provisioner.service.ports import Clock, Store, TokenKind
from provisioner.service.requests import CreateGuest, Creation, Guest
from provisioner.service.storage import Storage


class Booting(Protocol):
    def stub(self, root: str) -> str: ...

    async def loader(self, name: str, address: str) -> bytes | Ignore | None:
        """Bytes, a refusal, or None where there is no such loader."""
        ...

    async def machine_script(self, root: str, token: str, mac: str, uuid: str, address: str) -> str: ...


class Tokens(Protocol):
    async def check(self, token: str, kind: TokenKind) -> Install:
        """Raises Denied."""
        ...


class Answers(Protocol):
    async def for_install(self, install: Install, root: str, file: str) -> str:
        """The answer file. Raises NotFound where the install's family asks for no such file."""
        ...

    async def preview(self, guest: str) -> str:
        """Secrets are ***."""
        ...

    async def render(self, text: str, family: str, release: str, variables: Mapping[str, object]) -> str: ...
    async def lint(self, text: str, family: str, release: str) -> Sequence[str]: ...


class Guests(Protocol):
    async def create(self, request: CreateGuest) -> Creation: ...
    async def dry_run(self, request: CreateGuest) -> Plan: ...
    async def list(self, *, all: bool) -> Sequence[Guest]: ...
    async def show(self, name: str) -> Guest: ...
    async def xml(self, name: str) -> str: ...
    async def start(self, name: str) -> None: ...
    async def shutdown(self, name: str) -> None: ...
    async def reboot(self, name: str) -> None: ...
    async def destroy(self, name: str) -> None: ...
    async def rebuild(self, name: str) -> Creation: ...
    async def autostart(self, name: str, on: bool) -> None: ...
    async def delete(self, name: str) -> object: ...


class Why(Protocol):
    """Where an install stands, and what explains it."""

    @property
    def install(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def last(self) -> Event | None: ...
    @property
    def missing(self) -> str: ...
    @property
    def cause(self) -> str: ...
    @property
    def remedy(self) -> str: ...


class Installs(Protocol):
    async def why(self, ref: str) -> Why: ...
    async def cancel(self, ref: str) -> Install: ...


class Profiles(Protocol):
    async def list(self) -> Sequence[Profile]: ...
    async def get(self, name: str) -> Profile: ...
    async def create(self, profile: Profile) -> None: ...
    async def copy(self, name: str, new: str) -> Profile: ...
    async def edit(self, profile: Profile) -> None: ...
    async def remove(self, name: str) -> None: ...


class Trees(Protocol):
    async def list(self) -> Sequence[Tree]: ...
    async def get(self, name: str) -> Tree: ...
    async def add(self, name: str, source: str) -> Tree: ...
    async def remove(self, name: str) -> None: ...


class Images(Protocol):
    async def list(self) -> Sequence[Image]: ...
    def build(self, name: str, *, tune: bool, mirror: str) -> AsyncIterator[str | Image]: ...
    async def remove(self, name: str) -> None: ...


class Machines(Protocol):
    async def list(self) -> Sequence[Machine]: ...
    async def add(self, name: str, mac: str, uuid: str, profile: str) -> Machine: ...
    async def remove(self, name: str) -> None: ...


class HostLists(Protocol):
    """What a host has; the configured one."""

    async def networks(self) -> Sequence[Network]: ...


class Upstream(Protocol):
    """An answer of another server, its body not read yet."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    def chunks(self) -> AsyncIterator[bytes]: ...


Pass = Callable[[str, str, Mapping[str, str]], AbstractAsyncContextManager[Upstream]]
"""(source, path, request headers to hand on). Entering raises Unavailable that names the URL."""


@dataclass(frozen=True, slots=True)
class Services:
    """`neighbour` gives the MAC address behind an address where the kernel knows it.

    `host` gives the hypervisor of the configured host; `ready` raises what keeps the service from working.
    """

    store: Store
    clock: Clock
    state_dir: Path
    booting: Booting
    tokens: Tokens
    answers: Answers
    guests: Guests
    installs: Installs
    profiles: Profiles
    trees: Trees
    images: Images
    machines: Machines
    storage: Storage
    media: Media
    host: Callable[[], HostLists]
    upstream: Pass
    neighbour: Callable[[str], str | None]
    ready: Callable[[], Awaitable[None]]
