"""A plan's steps as tests need them: those of the host, and what undoes a plan."""

from collections.abc import Iterable

from provisioner.plan.given import Given
from provisioner.plan.steps import HostStep, Plan, Step


def host_steps(steps: Iterable[Step]) -> list[HostStep]:
    """The same steps, where a host carries out all of them."""
    found = []
    for step in steps:
        assert isinstance(step, HostStep), f"{step} is none that a host carries out"
        found.append(step)
    return found


def undoing(plan: Plan, upto: int | None = None) -> list[Step]:
    """What undoes the first `upto` steps of a plan, or all, last first."""
    return [step.undo for step in reversed(plan.steps[:upto]) if step.undo is not None]


def given(guest: str, install: str = "i-1", *, serial: str = "s" * 43, log: str = "/tmp/x.log") -> Given:
    """What a plain netbooted guest is planned with."""
    return Given(install, serial, log, f"{guest}-{install}")
