"""A lab as a file: the things it is made of, how each of them is now, and what is to be done to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

LabKind = Literal["host", "network", "pool", "tree", "image", "profile", "guest"]
KINDS: tuple[LabKind, ...] = get_args(LabKind)
"""In the order in which one kind needs another."""

Action = Literal["add", "change", "replace", "keep", "remove", "refuse"]
"""`replace`: removed and made anew. `refuse`: what is there is not the lab's, nor what the file wants."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A thing of a lab. `host` is the host's name for networks and pools, which are the host's own; "" is the
    local one, and stands in all other refs: a guest's name is known to one host only.
    """

    kind: LabKind
    name: str
    host: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" on {self.host}" if self.host else "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that the file asks for.

    `wanted` is the body of the API's own request that creates it, as JSON values: what the file leaves out is
    not in it. A guest that is a clone has `clone`, its original's name, beside NewClone's fields. `on` is the
    name of its host, "" the local one. `needs` are those of the file that must be there before, `outside`
    what it names that the file does not have.
    """

    ref: Ref
    wanted: Mapping[str, object]
    on: str
    needs: tuple[Ref, ...]
    place: Place
    outside: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Lab:
    """A file that was read, checked and expanded: one item for each guest, each after those it needs."""

    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` as `memory`, `disks[0]`, `variables.timezone`; `old` is how it is, `new` how it is wanted, ""
    where there is none. Secrets are ***.
    """

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Actual:
    """A thing as it is now.

    `asked` is what a former apply of this lab asked for (an item's `wanted`, its secrets as
    `lab.secrets.sealed` makes them), None for what this lab did not make or take over. `known` are those of
    the same fields whose present value is known for certain, whoever gave it: they go before what was asked.
    `on` is its host. `drift` is what somebody changed behind us that no field tells; `later` what differs by
    now but is only taken up by a rebuild (its answer file). `lost` says why it must be made anew (its domain
    is gone), `busy` why nothing can be done to it at the moment (it is being installed), `foreign` why it is
    never touched (a domain that was not created here).
    """

    asked: Mapping[str, object] | None
    known: Mapping[str, object] = field(default_factory=dict)
    on: str = ""
    drift: tuple[Difference, ...] = ()
    later: tuple[Difference, ...] = ()
    lost: str = ""
    busy: str = ""
    foreign: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done to one thing. `reason` says why, or what comes of it, "" where the action says all;
    `item` is None for what is no longer in the file.
    """

    ref: Ref
    action: Action
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    item: Item | None = None
