"""A lab beside what is there: what is to be done to each thing, in the order of doing it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provisioner.core.host import LOCAL
from provisioner.core.lab import KINDS, Action, Actual, Change, Difference, Item, Lab, LabKind, Ref
from provisioner.lab.fields import ASIDE, CLONE, FIELDS, Field, fields_of
from provisioner.lab.secrets import Seal, sealed
from provisioner.lab.values import differences, same

_HOST = next(field for field in FIELDS["guest"] if field.name == "on")


def compare(
    lab: Lab, actual: Mapping[Ref, Actual], *, prune: bool = False, seal: Seal = str
) -> tuple[Change, ...]:
    """`actual` has what is there of the lab's things, and what a former apply of it made. Guests that are no
    longer in the file go first, for they hold memory and addresses; the rest of the kind goes last, what
    needs others before those. Without `prune` nothing is removed. `seal` is the one of `Actual.asked`.
    """
    wanted = {item.ref for item in lab.items}
    gone = [ref for ref, was in actual.items() if ref not in wanted and was.asked is not None]
    gone.sort(key=lambda ref: (-KINDS.index(ref.kind), not _is_clone(actual[ref]), ref.name, ref.host))
    leaving = [_leaving(ref, actual[ref], prune) for ref in gone]
    guests = [change for change in leaving if change.ref.kind == "guest"]
    others = [change for change in leaving if change.ref.kind != "guest"]
    return (*guests, *(_change(item, actual.get(item.ref), seal) for item in lab.items), *others)


def _leaving(ref: Ref, was: Actual, prune: bool) -> Change:
    if not prune:
        return Change(ref, "keep", reason="it is no longer in the file; --prune removes it")
    return Change(ref, "remove", reason=was.busy)


def _is_clone(was: Actual) -> bool:
    return "clone" in (was.asked or {})


def _change(item: Item, was: Actual | None, seal: Seal) -> Change:
    if was is None:
        return Change(item.ref, "add", item=item)
    found = tuple(_differing(item, was, seal)) if not was.foreign else ()
    action, reason = _decided(item.ref.kind, found, was)
    told = tuple(one.difference for one in found)
    if action in ("change", "refuse"):
        told += was.drift
    elif action == "keep":
        told += was.later
    if was.busy and action in ("change", "replace"):
        reason = f"{was.busy}; {reason}" if reason else was.busy
    return Change(item.ref, action, told, reason, item)


@dataclass(frozen=True, slots=True)
class _Differing:
    """`behind`: the file has not changed, somebody else has."""

    field: Field
    difference: Difference
    behind: bool


def _decided(kind: LabKind, found: tuple[_Differing, ...], was: Actual) -> tuple[Action, str]:
    """A guest, whose disks would be lost, is never made anew for what somebody else changed."""
    if was.foreign:
        return "refuse", was.foreign
    anew = [
        one.difference.path
        for one in found
        if one.field.changes == "anew" and not (one.behind and kind == "guest")
    ]
    if was.asked is None and (anew or was.lost):
        return "refuse", "it is there already, was not made by this lab, and is another than the file wants"
    if was.lost:
        return "replace", was.lost
    if anew:
        return "replace", f"{', '.join(anew)} cannot be changed in what is there"
    if found or was.drift:
        return "change", _why(found, was)
    if was.asked is None:
        return "keep", "it was there already and is taken over"
    if was.later:
        return "keep", "a rebuild would take up what differs"
    return "keep", ""


def _why(found: tuple[_Differing, ...], was: Actual) -> str:
    later = [one.difference.path for one in found if one.field.changes == "rebuild"]
    behind = [one.difference.path for one in found if one.behind] + [one.path for one in was.drift]
    words = []
    if behind:
        words.append(f"{', '.join(behind)} was changed behind us")
    if later:
        words.append(f"a rebuild takes up {', '.join(later)}")
    return "; ".join(words)


def _differing(item: Item, was: Actual, seal: Seal) -> Iterator[_Differing]:
    """What the file names is compared with what is known, else with what was asked. What it names no longer,
    or never did, is to be the default; but of what this lab did not make nothing else is looked at.
    """
    asked, wanted = was.asked or {}, sealed(item, seal)
    made = was.asked is not None
    for field in _fields(item, asked):
        before = asked.get(field.name, field.default)
        new = wanted.get(field.name, field.default)
        now = was.known.get(field.name, before)
        told = field.name in wanted or field.name in asked or (made and field.default not in (None, "", ()))
        if told and not same(field, now, new):
            behind = made and same(field, before, new)
            for difference in differences(field, now, new):
                yield _Differing(field, difference, behind)
    if item.ref.kind == "guest" and was.on != item.on and "clone" not in item.wanted:
        yield _Differing(_HOST, Difference(_HOST.name, was.on or LOCAL, item.on or LOCAL), False)


def _fields(item: Item, asked: Mapping[str, object]) -> Iterator[Field]:
    """Those that can differ: also of a guest that was a clone and is one no longer."""
    yield from (
        field
        for field in fields_of(item.ref.kind, item.wanted)
        if field.name not in ASIDE and field.changes != "once"
    )
    if "clone" in asked and "clone" not in item.wanted:
        yield from (field for field in CLONE if field.name == "clone")
