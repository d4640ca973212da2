"""The store, and what it keeps beside the nouns of `core`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from provisioner.core.guest import GuestSpec
from provisioner.core.install import Event, Install, Kind
from provisioner.core.machine import Machine
from provisioner.core.network import Repair
from provisioner.core.profile import Image, Profile, Tree
from provisioner.pace.learn import Sample
from provisioner.service.ports.hosts import HostStore
from provisioner.service.ports.labs import LabStore
from provisioner.service.ports.snapshots import SnapshotStore

Clock = Callable[[], datetime]
TokenKind = Literal["stub", "answer", "report"]


Volumes = tuple[tuple[str, str], ...]
"""Volumes as (pool, name)."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """The volumes of a guest. `data` are the names of its further disks' volumes, "" for one that was there
    before it; `owned` all that were made for it; `temporary` those of them that only the first stage needs;
    `leftover` those of earlier installs that a rebuild is to remove.

    `former` are the names in `data` before a rebuild that empties those disks too. With `keep` a rebuild left
    the system disk as it is: the installer comes over the network once although the disk may boot.
    """

    data: tuple[str, ...] = ()
    owned: Volumes = ()
    temporary: Volumes = ()
    leftover: Volumes = ()
    former: tuple[str, ...] = ()
    keep: bool = False


@dataclass(frozen=True, slots=True)
class GuestRow:
    """A guest of ours as the store remembers it: enough to plan it again after a restart."""

    spec: GuestSpec
    install: str
    volume: str
    created: datetime
    secrets: Mapping[str, str]
    """Given at creation: `root_password_hash`, `ssh_keys` (lines), the cloud-init texts `user-data`,
    `meta-data` and `network-config`, `inject:NAME` (base64), `variables` (JSON). Never printed, never in the
    journal."""
    uri: str = ""
    """The host's libvirt URI; empty for the configured one."""
    old_volume: str = ""
    """The disk that a rebuild replaced, so that a rebuild cut off half-way can be planned again."""
    holdings: Holdings = field(default_factory=Holdings)
    first_stage: bool = False
    """It was started into a first stage: once that is over it has to be started again, from its disk."""


@dataclass(frozen=True, slots=True)
class Token:
    """What the store knows of a token: its hash is the key, the token itself is nowhere."""

    install: str
    kind: TokenKind
    expires: datetime
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One step's intent. `step` is a line without secrets; `state` intent, done or undone."""

    install: str
    number: int
    step: str
    state: Literal["intent", "done", "undone"]


@dataclass(frozen=True, slots=True)
class Opening:
    """What an install begins with, beside itself: `tokens` by their digest, `journal` the intent of every
    step, `tree` one that nobody knew yet.
    """

    events: tuple[Event, ...] = ()
    tokens: tuple[tuple[str, Token], ...] = ()
    journal: tuple[JournalRow, ...] = ()
    tree: Tree | None = None


NOTHING = Opening()


class Store(HostStore, LabStore, SnapshotStore, Protocol):
    """Raises NotFound and Conflict from `core.errors`; every write is one short transaction."""

    async def record(self, events: Sequence[Event]) -> list[Install]:
        """Appends events and applies `core.install.advance` to their installs, in one transaction.

        An event without an install but with a machine gets that machine's install that is not over (or the
        latest). An end (a final stage) revokes the stub and answer tokens of that install and leaves the
        report token 15 minutes at most; a sign of life (`core.install.LIFE`) pushes the tokens' expiry.
        What they tell of machines that are no guests (`core.sighting`) is kept with the machines.
        Returns the installs that changed.
        """
        ...

    async def events(
        self, *, after: int = 0, install: str = "", limit: int = 1000, kinds: Collection[Kind] = ()
    ) -> list[Event]:
        """The first `limit` events after an id, oldest first; of some kinds only where `kinds` names them."""
        ...

    async def last_event_id(self) -> int: ...
    async def last_seen(self, install: str, kinds: Collection[Kind] = ()) -> datetime | None:
        """When the event of an install happened that came last, of any kind or of those named.

        The last by its id: a clock that was put back makes it no earlier one."""
        ...

    async def version(self) -> object:
        """Changes whenever something was written, by whomever; None where the store cannot tell."""
        ...

    async def add_install(self, install: Install, guest: GuestRow | None, opening: Opening = NOTHING) -> None:
        """A new install. With `guest`, the guest and its machine are new too; a name, MAC or UUID that is
        taken raises Conflict and nothing is written. `intent` is journaled with it."""
        ...

    async def add_rebuild(self, install: Install, guest: GuestRow, opening: Opening = NOTHING) -> None:
        """A new install of a guest that exists, whose row is replaced. Conflict where its last one runs."""
        ...

    async def add_run(
        self, install: Install, machine: Machine, *, was: str = "", opening: Opening = NOTHING
    ) -> None:
        """A new install of a machine that is no guest. The machine is new too, or the one that `was` called
        so, which takes its name and profile. Conflict where its last install runs or the name is taken."""
        ...

    async def complete(self, install: str, events: Sequence[Event]) -> Install:
        """A making is through: records its last events, closes its journal and returns the install.

        Conflict where the install was over already: then nothing is written.
        """
        ...

    async def install(self, ref: str) -> Install:
        """By id, else the latest of the guest or machine with that name."""
        ...

    async def installs(self, *, active: bool = False, limit: int = 200) -> list[Install]:
        """The latest `limit` installs, newest first; `active`: all that are not over, however many."""
        ...

    async def install_of(self, *, mac: str = "", uuid: str = "", address: str = "") -> Install | None:
        """The latest install of a machine; by address only among those that are not over or just ended."""
        ...

    async def bind(self, install: str, address: str) -> str:
        """Remembers the first address an install's machine spoke from; returns the one that is bound."""
        ...

    async def bump_resets(self, install: str) -> None: ...

    async def guest(self, name: str) -> GuestRow: ...
    async def guests(self) -> list[GuestRow]: ...
    async def put_guest(self, guest: GuestRow) -> None:
        """Replaces the row of a guest that exists."""
        ...

    async def remove_guest(self, name: str) -> None:
        """Frees name, MAC and UUID; installs and events stay. A guest that is gone is not an error."""
        ...

    async def add_machine(self, machine: Machine) -> None: ...
    async def machines(self) -> list[Machine]: ...
    async def machine(self, *, mac: str = "", uuid: str = "", name: str = "") -> Machine | None: ...
    async def remove_machine(self, name: str) -> None: ...

    async def put_profile(self, profile: Profile, *, new: bool) -> None: ...
    async def profiles(self) -> list[Profile]: ...
    async def profile(self, name: str) -> Profile: ...
    async def remove_profile(self, name: str) -> None: ...

    async def put_tree(self, tree: Tree) -> None: ...
    async def trees(self) -> list[Tree]: ...
    async def tree(self, name: str) -> Tree: ...
    async def remove_tree(self, name: str) -> None: ...

    async def put_image(self, image: Image) -> None: ...
    async def images(self) -> list[Image]: ...
    async def image(self, name: str) -> Image: ...
    async def remove_image(self, name: str) -> None: ...

    async def put_repair(self, repair: Repair) -> None:
        """Adds it, or replaces the one of its kind on its device."""
        ...

    async def repairs(self) -> list[Repair]: ...
    async def remove_repair(self, repair: Repair) -> None:
        """Forgets the one of its kind on its device; one that is gone is not an error."""
        ...

    async def put_sample(self, sample: Sample, keep: int) -> None:
        """Adds it, or replaces the one of its install. Of its profile the latest `keep` stay."""
        ...

    async def samples(self, profile: str) -> list[Sample]:
        """How earlier installs of a profile went, oldest first."""
        ...

    async def sampled(self, installs: Collection[str]) -> frozenset[str]:
        """Those of the installs of which there is a sample."""
        ...

    async def put_token(self, digest: str, token: Token) -> None: ...
    async def token(self, digest: str) -> Token | None: ...
    async def touch_tokens(self, install: str, expires: datetime) -> None:
        """Pushes the expiry of an install's tokens that are not revoked; never pulls it back."""
        ...

    async def journal(self, row: JournalRow) -> None: ...
    async def open_journal(self) -> list[JournalRow]:
        """Rows of installs whose creation neither finished nor was undone."""
        ...

    async def close_journal(self, install: str) -> None: ...
