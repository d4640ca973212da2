"""The steps a plan is made of. Each says what undoes it; the hypervisor executes them.

Every step is an *ensure*: doing it twice leaves the same as doing it once, so a plan that was cut off
can be run again from its start.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CreateVolume:
    """`capacity` in bytes; `name` begins with the guest's name and the install's id."""

    pool: str
    name: str
    capacity: int
    format: str

    @property
    def undo(self) -> "DeleteVolume":
        return DeleteVolume(self.pool, self.name)


@dataclass(frozen=True, slots=True)
class LinkVolume:
    """An overlay on the volume `base` of the same pool, which nobody may write to from then on.

    `path` is where the base is on the host, `format` what it holds, `capacity` in bytes.
    """

    pool: str
    name: str
    base: str
    path: str
    format: str
    capacity: int

    @property
    def undo(self) -> "DeleteVolume":
        return DeleteVolume(self.pool, self.name)


@dataclass(frozen=True, slots=True)
class CopyVolume:
    """A volume with all that the volume `source` of the same pool holds; it needs no other afterwards.

    `format` is that of both.
    """

    pool: str
    name: str
    source: str
    format: str

    @property
    def undo(self) -> "DeleteVolume":
        return DeleteVolume(self.pool, self.name)


@dataclass(frozen=True, slots=True)
class CopyNvram:
    """A UEFI variable store for a domain that is defined already, as `source` (a path on the host) has it.

    Undefining the domain removes it.
    """

    name: str
    uuid: str
    source: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class DeleteVolume:
    """A volume that is already gone is not an error."""

    pool: str
    name: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class DefineDomain:
    """Defines, or redefines where the UUID is ours already.

    `replaces` says that the guest was there before this plan (a rebuild): undoing leaves it defined.
    `known` that the XML is libvirt's own, which needs no look into its schema: that takes most of the time.
    """

    name: str
    uuid: str
    xml: str
    replaces: bool = False
    known: bool = False

    @property
    def undo(self) -> "UndefineDomain | None":
        return None if self.replaces else UndefineDomain(self.name, self.uuid)


@dataclass(frozen=True, slots=True)
class UndefineDomain:
    """Destroys where running, undefines with its NVRAM. A domain that is already gone is not an error."""

    name: str
    uuid: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class StopDomain:
    """Forced power-off; a domain that is off or gone is not an error."""

    name: str
    uuid: str

    @property
    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class StartDomain:
    """`reset_nvram` gives UEFI guests a fresh variable store (VIR_DOMAIN_START_RESET_NVRAM)."""

    name: str
    uuid: str
    reset_nvram: bool = False

    @property
    def undo(self) -> StopDomain:
        return StopDomain(self.name, self.uuid)


@dataclass(frozen=True, slots=True)
class SetAutostart:
    name: str
    uuid: str
    on: bool

    @property
    def undo(self) -> None:
        return None


Step = (
    CreateVolume
    | LinkVolume
    | CopyVolume
    | CopyNvram
    | DeleteVolume
    | DefineDomain
    | UndefineDomain
    | StopDomain
    | StartDomain
    | SetAutostart
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, in order. `warnings` are for a person; nothing in a plan was executed."""

    guest: str
    install: str
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()

    @property
    def xml(self) -> str:
        """The domain XML of this plan, "" where it defines none."""
        return next((step.xml for step in self.steps if isinstance(step, DefineDomain)), "")
