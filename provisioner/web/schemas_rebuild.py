"""The API's models of rebuilds: how, of which guests, and what each would lose."""

from typing import Literal

from pydantic import Field

from provisioner.service.rebuilds import Loss
from provisioner.service.requests import Rebuild
from provisioner.web.schemas import MOST, GuestOut, In, Line, Name, Out, PlanOut
from provisioner.web.schemas_life import VolumeOut


class RebuildBody(In):
    """A guest installed anew: its name, UUID and MAC addresses stay."""

    profile: Line = Field("", description="empty: the one that it has")
    wipe: Literal["system", "all", "none"] = Field(
        "system",
        description="which disks are emptied: the one that is installed to, all that were made for the "
        "guest, or none (then it starts from the network once although its disk may boot)",
    )

    def wish(self) -> Rebuild:
        return Rebuild(self.profile, self.wipe)


class RebuildsBody(RebuildBody):
    """Several guests installed anew in the same way."""

    names: list[Name] = Field(min_length=1, max_length=MOST)
    at_once: int = Field(0, ge=0, description="so many of these installs run at a time; 0: no limit")


class StartsBody(In):
    """Several guests to be switched on."""

    names: list[Name] = Field(min_length=1, max_length=MOST)
    at_once: int = Field(
        0, ge=0, description="so many boot at a time: the next when one answers, or in two minutes; 0: all"
    )


class LossOut(Out):
    """What a rebuild takes from a guest, and what it leaves."""

    guest: GuestOut
    profile: str = Field(description="what is installed")
    in_use: bool = Field(description="whether it runs, is installed, or is being installed")
    gone: list[VolumeOut]
    kept: list[VolumeOut]
    nvram: bool = Field(description="whether UEFI forgets its variables")
    plan: PlanOut

    @classmethod
    def of(cls, found: Loss) -> "LossOut":
        return cls(
            guest=GuestOut.of(found.guest),
            profile=found.profile,
            in_use=found.in_use,
            gone=[VolumeOut.of(volume) for volume in found.gone],
            kept=[VolumeOut.of(volume) for volume in found.kept],
            nvram=found.nvram,
            plan=PlanOut.of(found.plan),
        )
