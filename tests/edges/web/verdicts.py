"""What is said of a guest that is being described, as the doors need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.service.requests import CreateGuest
from provisioner.service.verdicts import Judged


@dataclass
class FakeVerdicts:
    """Refuses a name that is taken and a memory of 128 MiB; warns of a network called `slow`."""

    guests: Any

    async def judge(self, request: CreateGuest, names: Sequence[str] = ()) -> Judged:
        judged = Judged()
        for name in [name for name in names if name in self.guests.guests] + ([""] if not names[0] else []):
            judged.tell("name", "fail", f"{name or 'the name'} is taken", "choose another name")
        if not request.profile:
            judged.tell("profile", "fail", "--profile is missing")
        if request.memory == 128:
            judged.tell("memory", "fail", "128 MiB of memory are less than 512 MiB", "--memory 512")
        judged.tell("memory", "good", "7000 of 8000 MiB are free")
        slow = request.networks == ("network=slow",)
        judged.tell(
            "networks", "warn" if slow else "good", "slow answers late" if slow else "netboot serves it"
        )
        if not judged.failed:
            judged.plan = await self.guests.dry_run(request)
        return judged
