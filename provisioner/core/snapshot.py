"""A guest as it was installed, kept so that it can be had again without an installer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["taking", "kept", "resetting"]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A disk's content that nobody writes to any more: the volume `base`, at `path` on the host, in `format`.

    `target` is the disk of the guest that stands on it, `capacity` that one's bytes.
    """

    target: str
    pool: str
    base: str
    path: str
    format: str
    capacity: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`install` is the one that it is of: a rebuild ends it. `nvram` is the volume that holds a copy of the
    variable store, "" where the guest has none; it lies in the pool of the first disk.

    `turn` counts the overlays that the guest had. While `state` is not kept, this is what is under way: `was`
    are the volumes, (pool, name), that the disks had before it, and `starts` tells whether the guest is to be
    switched on afterwards.
    """

    guest: str
    install: str
    taken: datetime
    disks: tuple[Frozen, ...]
    nvram: str = ""
    turn: int = 0
    state: State = "kept"
    was: tuple[tuple[str, str], ...] = ()
    starts: bool = False
