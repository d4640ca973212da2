"""The models of labs: what an apply would do, and what it did."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from provisioner.core.lab import LabKind
from provisioner.service.lab_plan import LabPlan, Planned
from provisioner.service.lab_run import Done as Ended
from provisioner.web.errors import problem
from provisioner.web.schemas import Out


class DifferenceOut(Out):
    """What is other in a thing than the file wants; secrets are ***."""

    path: str = Field(examples=["memory", "disks[0]", "variables.timezone"])
    old: str
    new: str


class ChangeOut(Out):
    """What an apply would do to one thing."""

    kind: LabKind
    name: str
    host: str = Field(description="of networks and pools, the host's own; empty: the local one")
    action: Literal["add", "change", "replace", "keep", "remove", "refuse", "gone", "unknown"] = Field(
        description="replace: removed and made anew, with its disks; refuse: it is not this lab's, and other "
        "than the file wants; gone: no longer in the file, kept unless pruned; unknown: its host is away"
    )
    differences: list[DifferenceOut]
    reason: str
    held: str = Field(description="why nothing is done to it now: it is being installed")
    running: bool = Field(description="a guest that is on")
    diff: str = Field(description="unified: its definition and answer file, as they are and would be")

    @classmethod
    def of(cls, row: Planned) -> "ChangeOut":
        change = row.change
        gone = change.action == "keep" and change.item is None
        return cls(
            kind=change.ref.kind,
            name=change.ref.name,
            host=change.ref.host,
            action="unknown" if row.away else "gone" if gone else change.action,
            differences=[
                DifferenceOut(path=one.path, old=one.old, new=one.new) for one in change.differences
            ],
            reason=change.reason,
            held=row.held,
            running=row.running,
            diff=row.text,
        )


class Counts(Out):
    add: int
    change: int
    replace: int
    keep: int
    remove: int
    refuse: int
    gone: int
    unknown: int


class LabPlanOut(Out):
    """What an apply would do, in the order of doing it."""

    lab: str
    changes: list[ChangeOut]
    counts: Counts
    waiting: bool = Field(description="whether an apply would have anything to do")

    @classmethod
    def of(cls, plan: LabPlan) -> "LabPlanOut":
        return cls(
            lab=plan.lab,
            changes=[ChangeOut.of(row) for row in plan.rows],
            counts=Counts(**plan.counts),
            waiting=plan.waiting,
        )


def line(done: Ended) -> Mapping[str, object]:
    """One change as it ended. An unexpected error is told to the log alone, by the caller."""
    ref = done.change.ref
    told: dict[str, object] = {
        "kind": ref.kind,
        "name": ref.name,
        "host": ref.host,
        "action": done.change.action,
        "result": done.result,
        "text": done.text,
        "remedy": "",
    }
    if done.error is not None:
        found = problem(done.error)
        told |= {"text": found.detail, "remedy": found.remedy}
    return told
