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
    """

    name: str
    uuid: str
    xml: str
    replaces: bool = False

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


Step = CreateVolume | DeleteVolume | DefineDomain | UndefineDomain | StopDomain | StartDomain | SetAutostart


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
