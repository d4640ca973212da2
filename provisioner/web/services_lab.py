"""What the web asks of labs."""

from collections.abc import AsyncGenerator
from typing import Protocol

from provisioner.core.lab import Lab
from provisioner.service.lab_asked import Ask
from provisioner.service.lab_plan import LabPlan
from provisioner.service.lab_run import Done, Wish


class Labs(Protocol):
    async def plan(self, lab: Lab, ask: Ask, *, prune: bool) -> LabPlan: ...
    def apply(self, lab: Lab, ask: Ask, wish: Wish) -> AsyncGenerator[LabPlan | Done]: ...
