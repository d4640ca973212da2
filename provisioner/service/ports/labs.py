"""Labs: what former applies of each asked for, so that the next knows what is its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from provisioner.core.lab import Ref


@dataclass(frozen=True, slots=True)
class LabThing:
    """A thing of a lab. `wanted` is what its apply asked for, secrets sealed; `on` the name of its host.

    `made`: an apply made it, and `--prune` may remove it; otherwise it was there before. `begun`: the making
    was written down and nobody knows yet what came of it.
    """

    lab: str
    ref: Ref
    wanted: Mapping[str, object]
    on: str = ""
    made: bool = True
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Seal:
    """A guest's definition as libvirt had it when it was last seen to be right, its boot token as `***`.

    `state` names what our own hand may change in it since: its install and its volumes. `profile` is the
    digest of the profile that it was installed by.
    """

    guest: str
    state: str
    digest: str
    xml: str = ""
    profile: str = ""


class LabStore(Protocol):
    """The part of the store that keeps labs."""

    async def lab_things(self, lab: str = "") -> list[LabThing]:
        """Those of one lab, or of all."""
        ...

    async def put_lab_things(self, things: Sequence[LabThing]) -> None:
        """Adds them, or puts them in the place of the same refs of their labs; all in one transaction."""
        ...

    async def remove_lab_things(self, lab: str, refs: Sequence[Ref]) -> None:
        """Forgets them; what is gone is no error."""
        ...

    async def seals(self) -> list[Seal]:
        """Every guest's, without the XML."""
        ...

    async def seal(self, guest: str) -> Seal | None:
        """One with its XML."""
        ...

    async def put_seals(self, seals: Sequence[Seal]) -> None:
        """Adds or replaces them, in one transaction. They go with their guests."""
        ...
