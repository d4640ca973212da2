"""A stand-in for labs: what it is asked to plan is added, and `broken` fails."""

from collections.abc import AsyncGenerator

from provisioner.core.errors import Conflict
from provisioner.core.lab import Change, Lab
from provisioner.service.lab_asked import Ask, Asked
from provisioner.service.lab_plan import LabPlan, Planned
from provisioner.service.lab_run import Done, Wish


class FakeLabs:
    """`asked` and `wishes` are what came."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.wishes: list[Wish] = []

    async def plan(self, lab: Lab, ask: Ask, *, prune: bool) -> LabPlan:
        self.asked = [ask(item) for item in lab.items]
        return LabPlan(lab.name, tuple(Planned(Change(item.ref, "add", item=item)) for item in lab.items))

    async def apply(self, lab: Lab, ask: Ask, wish: Wish) -> AsyncGenerator[LabPlan | Done]:
        self.wishes.append(wish)
        plan = await self.plan(lab, ask, prune=wish.prune)
        yield plan
        for row in plan.rows:
            match row.change.ref.name:
                case "taken":
                    error = Conflict("taken is taken", remedy="choose another name")
                    yield Done(row.change, "failed", str(error), error)
                case "broken":
                    yield Done(row.change, "failed", "a secret", RuntimeError("a secret of the service"))
                case _:
                    yield Done(row.change, "done", "made")
