"""How long stages take, as the API tells it. Times in seconds."""

from datetime import datetime

from pydantic import Field

from provisioner.pace.budget import Budget
from provisioner.pace.change import Change
from provisioner.pace.learn import Pace, Spread
from provisioner.service.pace import Compared
from provisioner.web.schemas import Out


class SpreadOut(Out):
    """What earlier installs took."""

    median: float
    low: float = Field(description="nine of ten took longer")
    high: float = Field(description="nine of ten took less")

    @classmethod
    def of(cls, spread: Spread) -> "SpreadOut":
        return cls(median=spread.middle, low=spread.low, high=spread.high)


class ChangeOut(Out):
    """Since which install a stage takes another time."""

    since: datetime
    was: float
    now: float
    text: str

    @classmethod
    def of(cls, change: Change) -> "ChangeOut":
        return cls(since=change.since, was=change.was, now=change.now, text=str(change))


class StageBudget(Out):
    """A stage of an install beside what it usually takes."""

    stage: str
    took: float | None = Field(description="null: not reached")
    runs: bool = Field(description="whether it still counts")
    usual: SpreadOut | None = Field(description="null: not known")
    difference: float | None = Field(description="to the median")
    late: bool
    change: ChangeOut | None

    @classmethod
    def of(cls, row: Budget) -> "StageBudget":
        return cls(
            stage=row.stage.value,
            took=row.took,
            runs=row.runs,
            usual=SpreadOut.of(row.usual) if row.usual else None,
            difference=row.difference,
            late=row.late,
            change=ChangeOut.of(row.change) if row.change else None,
        )


class BudgetOut(Out):
    """What an install's time went into, beside earlier installs of its profile that were made alike."""

    install: str
    guest: str
    profile: str
    took: float = Field(description="from its beginning until now, or its end")
    expected: float | None = Field(description="what such an install takes in all; null: not known")
    compared: int = Field(description="earlier installs that it is compared with")
    stages: list[StageBudget]
    slower: str = Field(description="the stage that takes longer than usual, in a sentence; empty: none")

    @classmethod
    def of(cls, found: Compared) -> "BudgetOut":
        return cls(
            install=found.install.id,
            guest=found.install.guest,
            profile=found.install.profile,
            took=found.age,
            expected=found.pace.expected if found.pace else None,
            compared=len(found.pace.samples) if found.pace else 0,
            stages=[StageBudget.of(row) for row in found.stages],
            slower=found.slower,
        )


class StagePace(Out):
    """What a stage takes."""

    stage: str
    takes: SpreadOut
    change: ChangeOut | None


class PaceOut(Out):
    """How installs of a profile go that were made alike."""

    method: str
    boot: str
    by: str = Field(description="kvm, qemu (emulated), hardware; empty: not known")
    host: str
    installs: int = Field(description="how many it was learnt from")
    takes: SpreadOut
    stages: list[StagePace]
    silence: SpreadOut = Field(description="longest silence of the installer")

    @classmethod
    def of(cls, pace: Pace) -> "PaceOut":
        changes = {stage: ChangeOut.of(change) for stage, change in pace.changes.items()}
        return cls(
            method=pace.way.method,
            boot=pace.way.boot,
            by=pace.way.by,
            host=pace.way.host,
            installs=len(pace.samples),
            takes=SpreadOut.of(pace.whole),
            stages=[
                StagePace(stage=stage.value, takes=SpreadOut.of(spread), change=changes.get(stage))
                for stage, spread in pace.stages.items()
            ],
            silence=SpreadOut.of(pace.silence),
        )
