"""What the web needs: the use cases, the store it tails, and what it reads files from. `wiring` fills it.

The Protocols name only what this room calls, so that a test can stand in for one with a few lines.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provisioner.answers.finding import Finding
from provisioner.boot.client import Ignore
from provisioner.boot.loader import Content
from provisioner.core.firmware import Dialect
from provisioner.core.host import HostFacts, Network, Pool
from provisioner.core.install import Event, Install, Kind
from provisioner.core.machine import Machine
from provisioner.core.network import NetworkSpec, Repair, RepairKind
from provisioner.core.profile import Image, Profile, Tree
from provisioner.core.readings import Check, Comparison
from provisioner.plan.steps import Plan
from provisioner.service.bootmedia import Form
from provisioner.service.checks import Checked
from provisioner.service.explain import Explained
from provisioner.service.guest_life import Removal, Unlocked
from provisioner.service.hosts import Busy, HostState
from provisioner.service.loaders import Loaders
from provisioner.service.media import Media
from provisioner.service.networks import Shown
from provisioner.service.pace import Paces
from provisioner.service.ports import Channel, Clock, Piece, Store, TokenKind
from provisioner.service.recognition import Recognition, Wanted
from provisioner.service.requests import CreateGuest, Creation, Guest
from provisioner.service.storage import Storage
from provisioner.service.texts import Answer
from provisioner.service.verdicts import Judged
from provisioner.service.wishes import Wish
from provisioner.web.services_files import Files, Listed
from provisioner.web.services_guests import Clones, Rebuilds, Snapshots, Starts
from provisioner.web.services_lab import Labs
from provisioner.web.services_mirror import MirrorCases


class Booting(Protocol):
    def stub(self, root: str) -> str: ...

    async def loader(self, name: str, address: str, root: str) -> Content | Ignore | None:
        """A file, a refusal, or None where there is no such loader."""
        ...

    async def machine_script(
        self, root: str, token: str, mac: str, uuid: str, address: str, build: str
    ) -> str: ...


class Tokens(Protocol):
    async def check(self, token: str, kind: TokenKind) -> Install:
        """Raises Denied."""
        ...


class Answers(Protocol):
    async def for_install(self, install: Install, root: str, file: str) -> Answer:
        """The answer file. Raises NotFound where the install's family asks for no such file."""
        ...

    async def preview(self, guest: str) -> str:
        """Secrets are ***."""
        ...

    async def render(self, text: str, family: str, release: str, variables: Mapping[str, object]) -> str: ...
    async def lint(self, text: str, family: str, release: str) -> Sequence[Finding]: ...


class Differences(Protocol):
    async def keep(self, install: Install, file: str, root: str, shown: str) -> None:
        """Remembers what was served. Never fails."""
        ...

    async def since_served(self, guest: str) -> str:
        """A unified diff, "" where nothing changed. Raises NotFound."""
        ...

    async def since_before(self, guest: str) -> str:
        """The same from the install before the last. Raises NotFound."""
        ...


class Guests(Protocol):
    async def create(self, request: CreateGuest) -> Creation: ...
    def create_each(
        self, requests: Sequence[CreateGuest], *, at_once: int
    ) -> AsyncGenerator[tuple[str, Creation | Exception]]: ...
    async def dry_run(self, request: CreateGuest) -> Plan: ...
    async def list(self, *, all: bool) -> Sequence[Guest]: ...
    async def show(self, name: str) -> Guest: ...
    async def xml(self, name: str) -> str: ...
    async def start(self, name: str) -> None: ...
    async def shutdown(self, name: str) -> None: ...
    async def reboot(self, name: str) -> None: ...
    async def destroy(self, name: str) -> None: ...
    async def autostart(self, name: str, on: bool) -> None: ...
    async def delete(self, name: str) -> object: ...


class Verdicts(Protocol):
    """A guest that is still being described."""

    async def judge(self, request: CreateGuest, names: Sequence[str] = ...) -> Judged: ...


class Life(Protocol):
    """Guests paused, watched, typed into and removed."""

    async def suspend(self, name: str) -> None: ...
    async def resume(self, name: str) -> None: ...
    async def reset(self, name: str) -> None: ...
    async def console(self, name: str, *, force: bool) -> Channel: ...
    async def said(self, name: str, size: int) -> bytes: ...
    async def serial(self, name: str, size: int) -> Channel: ...
    async def screenshot(self, name: str) -> bytes:
        """PNG."""
        ...

    async def display(self, name: str) -> Unlocked: ...
    async def unlock_display(self, name: str, minutes: int) -> Unlocked: ...
    async def screen(self, name: str) -> Channel: ...
    async def removal(self, name: str) -> Removal: ...
    async def delete(self, name: str) -> object: ...
    async def addressed(self, found: Sequence[Guest]) -> Sequence[Guest]: ...


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
    @property
    def diagnosis(self) -> str: ...
    @property
    def paragraph(self) -> str: ...
    @property
    def evidence(self) -> tuple[Event, ...]: ...


class Installs(Protocol):
    async def why(self, ref: str) -> Why: ...
    async def cancel(self, ref: str) -> Install: ...


class Reports(Protocol):
    async def take(self, install: Install, kind: Kind, text: str, data: Mapping[str, object]) -> None: ...


class Evidence(Protocol):
    """What is kept of an install, by its id."""

    async def read(self, install: str, piece: Piece) -> bytes:
        """Raises NotFound."""
        ...

    async def sizes(self, install: str) -> Mapping[Piece, int]:
        """In bytes, those that there are."""
        ...


class Profiles(Protocol):
    async def list(self) -> Sequence[Profile]: ...
    async def get(self, name: str) -> Profile: ...
    async def create(self, profile: Profile) -> None: ...
    async def copy(self, name: str, new: str) -> Profile: ...
    async def preview(self, profile: Profile) -> tuple[str, Sequence[Finding]]: ...
    async def edit(self, profile: Profile) -> None: ...
    async def remove(self, name: str) -> None: ...


class Trees(Protocol):
    async def list(self) -> Sequence[Tree]: ...
    async def get(self, name: str) -> Tree: ...
    async def add(
        self,
        name: str,
        source: str,
        wanted: Wanted = ...,
        *,
        mirrors: Sequence[str] | None = None,
        key: str | None = None,
    ) -> Tree: ...
    async def explain(self, source: str, wanted: Wanted = ...) -> Recognition: ...
    def archive(self, source: str) -> str: ...
    async def remove(self, name: str) -> None: ...


class Images(Protocol):
    async def list(self) -> Sequence[Image]: ...
    def build(self, name: str, *, tune: bool, mirror: str) -> AsyncGenerator[str | Image]: ...
    async def remove(self, name: str) -> None: ...


class Machines(Protocol):
    async def list(self) -> Sequence[Machine]: ...
    async def add(self, name: str, mac: str, uuid: str, profile: str, loader: Dialect) -> Machine: ...
    async def show(self, ref: str) -> tuple[Machine, Install | None]: ...
    async def install(
        self, ref: str, profile: str, name: str, loader: Dialect | None
    ) -> tuple[Machine, Install]: ...
    async def remove(self, ref: str) -> None: ...


class BootMedia(Protocol):
    async def build(self, name: str, form: Form, address: str) -> bytes: ...


class Hosts(Protocol):
    async def states(self) -> Sequence[HostState]: ...
    async def state(self, name: str) -> HostState: ...
    async def add(self, name: str, uri: str, *, allow_unsafe: bool) -> HostState: ...
    async def show(self, name: str) -> tuple[HostState, HostFacts]: ...
    async def load(self, name: str) -> Busy: ...
    async def check(self, name: str) -> Sequence[Check]: ...
    async def compare(self, name: str) -> Sequence[Comparison]: ...
    async def networks(self, name: str) -> Sequence[Network]: ...
    async def pools(self, name: str) -> Sequence[Pool]: ...
    async def remove(self, name: str) -> None: ...


class HostLists(Protocol):
    """What a host has; the configured one."""

    async def networks(self) -> Sequence[Network]: ...


class Networks(Protocol):
    async def list(self, uri: str = "") -> Sequence[Network]: ...
    async def show(self, name: str, uri: str = "") -> Shown: ...
    async def xml(self, name: str, uri: str = "") -> str: ...
    async def plan(self, spec: NetworkSpec, uri: str = "") -> str: ...
    async def create(self, spec: NetworkSpec, uri: str = "") -> Network: ...
    async def start(self, name: str, uri: str = "") -> None: ...
    async def stop(self, name: str, uri: str = "", *, force: bool = False) -> None: ...
    async def autostart(self, name: str, on: bool, uri: str = "") -> None: ...
    async def delete(
        self, name: str, uri: str = "", *, foreign: bool = False, force: bool = False
    ) -> None: ...


class Checks(Protocol):
    async def check(self, word: str, uri: str = "", *, ask: bool = True) -> Checked: ...


class Repairs(Protocol):
    async def list(self) -> Sequence[Repair]: ...
    async def repair(self, word: str, wish: Wish, uri: str = "") -> Repair: ...
    async def undo(
        self, word: str, kind: RepairKind | None = None, uri: str = "", *, force: bool = False
    ) -> Sequence[Repair]: ...


class Snippets(Protocol):
    async def snippet(self, kind: str, word: str = "", uri: str = "") -> str: ...


@dataclass(frozen=True, slots=True)
class NetworkCases:
    """What is asked about networks."""

    networks: Networks
    checks: Checks
    repairs: Repairs
    snippets: Snippets


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
    unlock: Callable[[str, str], Awaitable[Install]]
    """(token of the path, address) to the install whose answers it unlocks. Raises Denied."""
    answers: Answers
    differences: Differences
    guests: Guests
    verdicts: Verdicts
    life: Life
    clones: Clones
    rebuilds: Rebuilds
    labs: Labs
    snapshots: Snapshots
    starts: Starts
    installs: Installs
    paces: Paces
    reports: Reports
    evidence: Evidence
    profiles: Profiles
    explain: Callable[[str, str], Awaitable[Sequence[Explained]]]
    """(profile, guest or "") to its variables. Raises NotFound."""
    trees: Trees
    images: Images
    machines: Machines
    boot_media: BootMedia
    storage: Storage
    media: Media
    loaders: Loaders
    networks: NetworkCases
    mirror: MirrorCases
    host: Callable[[], HostLists]
    hosts: Hosts
    files: Files
    listing: Callable[[str, str], Awaitable[Listed | None]]
    """(source, path of a folder: "", or ending in a slash) to what is in it, None where there is none that
    can be told. Raises Unavailable."""
    neighbour: Callable[[str], str | None]
    ready: Callable[[], Awaitable[None]]
