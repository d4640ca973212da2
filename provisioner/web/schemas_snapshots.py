"""The API's models of snapshots: guests as they were installed, and what a reset gives."""

from datetime import datetime

from pydantic import Field, model_validator

from provisioner.core.errors import Invalid
from provisioner.core.snapshot import Snapshot
from provisioner.service.snapshots import Restored
from provisioner.web.schemas import MOST, In, Line, Name, Out


class _Guests(In):
    """Which guests: by their names, or all of a lab."""

    names: list[Name] = Field(default_factory=list, max_length=MOST)
    lab: Line = Field("", description="in the place of names: every guest of this lab")

    @model_validator(mode="after")
    def _one_of_them(self) -> "_Guests":
        if bool(self.names) == bool(self.lab):
            raise Invalid("give names, or a lab", remedy="one of the two says which guests are meant")
        return self


class SnapshotsBody(_Guests):
    """Guests that are to be kept as they are."""

    force: bool = Field(False, description="cut the power of those that run, instead of asking them to stop")


class ResetsBody(_Guests):
    """Guests that are to be as they were kept; what was written since is lost."""

    wait: float = Field(0, ge=0, le=3600, description="seconds to wait until each answers; 0: do not wait")
    at_once: int = Field(0, ge=0, description="so many at a time; 0: no limit")


class SnapshotOut(Out):
    """A guest as it was installed. `state` is kept, or what is under way: taking, resetting."""

    guest: str
    install: str
    taken: datetime
    disks: list[str] = Field(description="the frozen volumes, as POOL/NAME")
    nvram: bool = Field(description="whether a UEFI variable store is kept with them")
    state: str

    @classmethod
    def of(cls, found: Snapshot) -> "SnapshotOut":
        disks = [f"{disk.pool}/{disk.base}" for disk in found.disks]
        return cls(
            guest=found.guest,
            install=found.install,
            taken=found.taken,
            disks=disks,
            nvram=bool(found.nvram),
            state=found.state,
        )


class RestoredOut(Out):
    """A guest that was reset."""

    snapshot: SnapshotOut
    seconds: float = Field(description="until it was switched on")
    answered: str = Field(description="how it answered; empty where nobody waited")
    answered_seconds: float = Field(description="until it answered")

    @classmethod
    def of(cls, found: Restored) -> "RestoredOut":
        return cls(
            snapshot=SnapshotOut.of(found.snapshot),
            seconds=round(found.seconds, 3),
            answered=found.answered,
            answered_seconds=round(found.answered_seconds, 3),
        )
