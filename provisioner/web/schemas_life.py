"""The API's models of a guest's life: its screen, its clones, its removal."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from provisioner.plan.describe import describe
from provisioner.service.guest_life import Removal, Unlocked
from provisioner.service.ports import VolumeFacts
from provisioner.web.schemas import MOST, In, Name, Out


class _CloneKind(In):
    kind: Literal["linked", "full"] = Field(
        "linked", description="linked: on a shared base, at once; full: a copy that needs nothing else"
    )
    start: Literal["off", "paused", "run"] = Field("off", description="once it is made")


class NewClone(_CloneKind):
    """A clone of a guest that is switched off."""

    name: Name


class NewClones(_CloneKind):
    """Several clones of one guest."""

    names: list[Name] = Field(min_length=1, max_length=MOST)


class Unlock(In):
    """For how long the new password opens the screen."""

    minutes: int = Field(10, description="1 to 1440")


class DisplayOut(Out):
    """Where a guest's screen listens, on its own host, and the password that opens it."""

    uri: str = Field(examples=["vnc://127.0.0.1:5900"])
    loopback: bool = Field(description="whether only the guest's own host reaches it")
    locked: bool = Field(description="whether it takes a password")
    password: str | None
    expires: datetime | None

    @classmethod
    def of(cls, found: Unlocked) -> "DisplayOut":
        display = found.display
        return cls(
            uri=display.uri,
            loopback=display.loopback,
            locked=display.locked,
            password=found.password or None,
            expires=found.expires,
        )


class VolumeOut(Out):
    pool: str
    name: str
    capacity: int = Field(description="bytes that its guest sees")
    allocation: int = Field(description="bytes that it takes of the pool")

    @classmethod
    def of(cls, volume: VolumeFacts) -> "VolumeOut":
        return cls(pool=volume.pool, name=volume.name, capacity=volume.capacity, allocation=volume.allocation)


class KeptOut(Out):
    """A volume that stays, and the volumes that stand on it; none where it was not made here."""

    volume: VolumeOut
    users: list[str]


class RemovalOut(Out):
    """What removing a guest takes away, and what it leaves."""

    guest: str
    steps: list[str]
    volumes: list[VolumeOut]
    stays: list[KeptOut]
    nvram: str = Field(description="path of its UEFI variable store, empty where it has none")
    tpm: bool = Field(description="whether the state of an emulated TPM goes too")

    @classmethod
    def of(cls, found: Removal) -> "RemovalOut":
        return cls(
            guest=found.plan.guest,
            steps=[describe(step) for step in found.plan.steps],
            volumes=[VolumeOut.of(volume) for volume in found.volumes],
            stays=[KeptOut(volume=VolumeOut.of(kept.volume), users=list(kept.users)) for kept in found.stays],
            nvram=found.nvram,
            tpm=found.tpm,
        )
