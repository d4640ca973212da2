"""What an apply of a lab would do, for a person: each change, and the texts that would come of it."""

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from provisioner.answers.secrets import hashed
from provisioner.core.errors import NotFound, ProvisionerError
from provisioner.core.lab import Change, Lab, Ref
from provisioner.core.profile import Profile
from provisioner.lab.compare import compare
from provisioner.service.lab_actual import Found
from provisioner.service.lab_asked import Asked, CloneAsked
from provisioner.service.lab_cases import Cases
from provisioner.service.lab_guests import LabGuests
from provisioner.service.requests import CreateGuest

_MOST_TEXTS = 30
"""Changes whose texts are made: a person reads no more."""
_MOST_JUDGED = 10
"""Kinds of guests that are planned to see whether they could be made."""
_WORK = ("add", "change", "replace", "remove")


@dataclass(frozen=True, slots=True)
class Planned:
    """`away`: nothing is known of it, its host does not answer. `held`: why nothing is done to it now.
    `running`: a guest that is on. `text` is a unified diff, "" where there is none.
    """

    change: Change
    away: bool = False
    held: str = ""
    running: bool = False
    text: str = ""

    @property
    def work(self) -> bool:
        return self.change.action in _WORK and not self.away


@dataclass(frozen=True, slots=True)
class LabPlan:
    lab: str
    rows: tuple[Planned, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """By action; `unknown` are those whose host is away, `gone` those that only pruning removes."""
        told: Counter[str] = Counter()
        for row in self.rows:
            gone = row.change.action == "keep" and row.change.item is None
            told["unknown" if row.away else "gone" if gone else row.change.action] += 1
        names = ("add", "change", "replace", "keep", "remove", "refuse", "gone", "unknown")
        return {name: told[name] for name in names}

    @property
    def waiting(self) -> bool:
        """Whether an apply would have anything to do."""
        return any(row.work for row in self.rows)


def planned(lab: Lab, found: Found, cases: Cases, *, prune: bool) -> LabPlan:
    """The changes in the order in which they are carried out."""
    known = Lab(lab.name, tuple(item for item in lab.items if item.ref not in found.away))
    changes = {c.ref: c for c in compare(known, found.actual, prune=prune, seal=cases.tokens.seal)}
    lost = {item.ref: item for item in lab.items if item.ref in found.away}
    rows = [_planned(change, found) for change in changes.values()]
    rows += [
        Planned(Change(ref, "keep", reason=found.away[ref], item=lost.get(ref)), away=True)
        for ref in found.away
    ]
    return LabPlan(lab.name, tuple(rows))


def _planned(change: Change, found: Found) -> Planned:
    ref, was = change.ref, found.actual.get(change.ref)
    running = ref.kind == "guest" and ref.name in found.running
    held = was.busy if was is not None and change.action in ("change", "replace", "remove") else ""
    if change.action in ("add", "replace"):
        held = held or found.lacking.get(ref, "")
    if change.action == "keep" and ref.kind == "guest" and ref.name in found.failed and not change.reason:
        change = replace(change, reason=f"its installation failed: provisioner install why {ref.name}")
    return Planned(change, held=held, running=running)


class Texts:
    """Makes the texts of a plan: definitions and answer files, before and after, secrets as ***."""

    def __init__(self, cases: Cases, guests: LabGuests) -> None:
        self._cases = cases
        self._guests = guests

    async def of(self, plan: LabPlan, asked: Mapping[Ref, Asked]) -> LabPlan:
        """The plan with the texts of its first changes, and with what stands against what is to be added."""
        left, rows = _MOST_TEXTS, []
        waiting = {row.change.ref for row in plan.rows if row.work}
        judged: set[str] = set()
        for row in plan.rows:
            guest = asked.get(row.change.ref)
            if row.change.action == "add" and isinstance(guest, CreateGuest) and not row.held:
                row = await self._judged(row, guest, waiting, judged)
            if left and (row.change.differences or row.change.action == "replace") and not row.held:
                row = await self._with_text(row, asked)
                left -= bool(row.text)
            rows.append(row)
        return LabPlan(plan.lab, tuple(rows))

    async def _judged(self, row: Planned, guest: CreateGuest, waiting: set[Ref], judged: set[str]) -> Planned:
        """The first of each kind of guest, where all that it needs is there already."""
        change, kind = row.change, repr(replace(guest, name="", mac="", uuid=""))
        needed = change.item.needs if change.item else ()
        if kind in judged or len(judged) == _MOST_JUDGED or not waiting.isdisjoint(needed):
            return row
        judged.add(kind)
        try:
            await self._cases.guests.dry_run(guest)
        except ProvisionerError as error:
            return replace(row, change=replace(change, reason=f"it would fail: {error}"))
        return row

    async def _with_text(self, row: Planned, asked: Mapping[Ref, Asked]) -> Planned:
        change = row.change
        try:
            match asked.get(change.ref), change.action:
                case CreateGuest() as guest, "change":
                    text = await self._changed(change, guest)
                case CloneAsked(name=name), "change":
                    clone = await self._cases.store.guest(name)
                    text = _diff(f"definition of {name}", *await self._guests.mended(clone))
                case CreateGuest() as guest, "replace":
                    return await self._anew(row, guest)
                case CreateGuest() as guest, "keep":
                    text = await self._cases.differences.since_served(guest.name)
                case Profile() as profile, "change":
                    text = await self._of_profile(profile)
                case _:
                    text = ""
        except ProvisionerError:
            return row  # what is needed for it is not there yet, or away
        return replace(row, text=text)

    async def _anew(self, row: Planned, guest: CreateGuest) -> Planned:
        """What stands against it is told now, before anything is lost."""
        change = row.change
        try:
            return replace(row, text=_diff(f"definition of {guest.name}", *await self._guests.anew(guest)))
        except NotFound:
            return row  # of what this lab has yet to make
        except ProvisionerError as error:
            return replace(row, change=replace(change, reason=f"{change.reason}; it would fail: {error}"))

    async def _changed(self, change: Change, guest: CreateGuest) -> str:
        """Its definition, and its answer file where that is concerned."""
        row = await self._guests.changed(change, guest)
        text = _diff(f"definition of {guest.name}", *await self._guests.mended(row))
        if not guest.profile or all(one.path.startswith("xml ") for one in change.differences):
            return text
        install = await self._cases.store.install(row.install)
        profile = await self._cases.profiles.get(row.spec.profile)
        try:
            before = await self._cases.answers.shown(install)
            after = await self._cases.answers.would(install, row, profile)
        except ProvisionerError:
            return text
        return text + _diff(f"answer file of {guest.name}", before, after)

    async def _of_profile(self, profile: Profile) -> str:
        """Told by the first of its guests."""
        profile = replace(profile, variables=hashed(profile.variables))
        for row in await self._cases.store.guests():
            if row.spec.profile == profile.name:
                install = await self._cases.store.install(row.install)
                before = await self._cases.answers.shown(install)
                after = await self._cases.answers.would(install, row, profile)
                return _diff(f"answer file of {row.spec.name}", before, after)
        return ""


def _diff(what: str, now: str, then: str) -> str:
    lines = difflib.unified_diff(
        now.splitlines(), then.splitlines(), f"{what} as it is", f"{what} as it would be", lineterm="", n=1
    )
    return "".join(f"{line}\n" for line in lines)
