"""What a thing of a lab names: what has to be there before it, and in which order all are made."""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

from provisioner.core.errors import Invalid
from provisioner.core.lab import KINDS, Item, Ref
from provisioner.core.names import braces
from provisioner.lab.check import cards, disks
from provisioner.lab.expand import Draft
from provisioner.lab.fields import ASIDE
from provisioner.lab.problems import Problems, unknown

_Things = Mapping[Ref, Draft]


def ordered(drafts: Iterable[Draft], problems: Problems) -> tuple[Item, ...]:
    """The items, each after what it needs, otherwise as the file has them. A cycle is a problem."""
    things = {draft.ref: draft for draft in drafts}
    items: dict[Ref, Item] = {}
    for ref, draft in things.items():
        host = _host(draft, things)
        named = dict(_named(draft, host))
        outside = [other for other, told in named.items() if told and other not in things]
        needs = [other for other in named if other in things]
        if any(other.kind == "profile" for other in outside):
            # Which of the file's trees and images it installs is told outside the file.
            needs += [other for other in things if other.kind in ("tree", "image")]
        needs += _asked(draft, things, problems)
        items[ref] = Item(ref, _wanted(draft), host, tuple(dict.fromkeys(needs)), draft.place, tuple(outside))
    return tuple(items[ref] for ref in _sorted(items, problems))


def _wanted(draft: Draft) -> dict[str, object]:
    return {
        "name": draft.name,
        **{name: given.value for name, given in draft.fields.items() if name not in ASIDE},
    }


def _host(draft: Draft, things: _Things) -> str:
    """A clone is where its original is."""
    seen: set[Ref] = set()
    while draft.text("clone") and draft.ref not in seen:
        seen.add(draft.ref)
        draft = things.get(Ref("guest", draft.text("clone")), draft)
    return draft.on


def _named(draft: Draft, host: str) -> Iterator[tuple[Ref, bool]]:
    """Things that it stands on, each with whether it is sure to be one: a default may be left unused, and a
    location that is no tree a medium."""
    if draft.on:
        yield Ref("host", draft.on), True
    if draft.kind == "profile":
        if "/" not in draft.text("tree"):
            yield from ((Ref(kind, name), True) for kind in ("tree", "image") if (name := draft.text(kind)))
    elif draft.text("clone"):
        yield Ref("guest", draft.text("clone")), True
    elif draft.kind == "guest":
        yield from _of_guest(draft, host)


def _of_guest(draft: Draft, host: str) -> Iterator[tuple[Ref, bool]]:
    for nic in cards(draft):
        if nic.kind == "network":
            yield Ref("network", nic.source, host), bool(draft.texts("networks"))
    pools = {disk.pool for disk in disks(draft)} or {"default"}
    for pool in sorted(pools):
        yield Ref("pool", pool, host), pool != "default"
    if draft.text("profile"):
        yield Ref("profile", draft.text("profile")), True
    location = draft.text("location")
    if location and "/" not in location and ":" not in location:
        yield Ref("tree", location), False


def _asked(draft: Draft, things: _Things, problems: Problems) -> list[Ref]:
    """The guests that it is to come after because the file says so."""
    found: list[Ref] = []
    words = draft.texts("needs")
    guests = [ref.name for ref in things if ref.kind == "guest"] if words else []
    for word in words:
        try:
            names = [one.name for one in braces(word)]
        except Invalid as error:
            problems.add(draft.where("needs"), f"{draft}: needs: {error}")
            continue
        for name in names:
            if Ref("guest", name) in things:
                found.append(Ref("guest", name))
            else:
                problems.add(draft.where("needs"), unknown(f"{draft}: the needed guest", name, guests))
    return found


def _sorted(items: Mapping[Ref, Item], problems: Problems) -> list[Ref]:
    """Of those whose needs are there already, what the file has first of the first kind comes next."""
    sorter = TopologicalSorter({ref: item.needs for ref, item in items.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = error.args[1]
        way = " needs ".join(str(ref) for ref in reversed(circle))
        problems.add(items[circle[0]].place, f"{way}: none of them can be made first")
        return list(items)
    number = {ref: (KINDS.index(ref.kind), place) for place, ref in enumerate(items)}
    found: list[Ref] = []
    ready: list[tuple[tuple[int, int], Ref]] = []
    while sorter.is_active():
        for ref in sorter.get_ready():
            heappush(ready, (number[ref], ref))
        found.append(heappop(ready)[1])
        sorter.done(found[-1])
    return found
