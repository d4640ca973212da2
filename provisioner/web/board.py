"""Everything that installs, as the Lab page shows it: guests, and machines that have an install.

One look at the hypervisors and the store serves all who ask within the same second.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from provisioner.core.errors import Unavailable
from provisioner.core.host import LOCAL
from provisioner.core.install import Install
from provisioner.core.machine import Machine
from provisioner.service.requests import Guest
from provisioner.web import timeline
from provisioner.web.outlooks import InstallOut, told
from provisioner.web.services import Services

MOST = 10_000
Rank = Literal["failed", "running", "installed", "idle"]
RANKS: tuple[Rank, ...] = ("failed", "running", "installed", "idle")
"""What asks for a look comes first. `templates/web/static/members.js` sorts the same way."""
SORTS = ("attention", "name", "newest", "progress")
_RANKED: Mapping[str, Rank] = {"failed": "failed", "installed": "installed", "cancelled": "idle"}

_TOLD = ("name", "kind", "state", "profile", "host", "lab", "address", "screen")
_RUN = ("id", "stage", "percent", "reason", "left_seconds", "left_least", "left_most", "slower")


@dataclass(frozen=True, slots=True)
class Member:
    """A guest or a machine, with its latest install. `state` is the domain's, "" for a machine.

    `host` is a host's name, `lab` the file that asked for it; "" where there is none.
    """

    name: str
    kind: Literal["guest", "machine"]
    state: str = ""
    profile: str = ""
    host: str = ""
    lab: str = ""
    address: str = ""
    screen: bool = False
    install: InstallOut | None = None

    @property
    def rank(self) -> Rank:
        if self.install is None:
            return "idle"
        return _RANKED.get(self.install.stage.value, "running")


@dataclass(frozen=True, slots=True)
class Board:
    """The members by name, told up to the event `after`: what comes later may be in them already."""

    after: int
    members: Sequence[Member]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the board is asked for: the page's address, read. Empty words ask for all."""

    q: str = ""
    stage: str = ""
    host: str = ""
    lab: str = ""
    profile: str = ""
    sort: str = "attention"

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Wanted":
        words = {name: query.get(name, "")[:200] for name in ("q", "stage", "host", "lab", "profile")}
        sort = query.get("sort", "")
        return cls(**words, sort=sort if sort in SORTS else SORTS[0])

    def has(self, member: Member) -> bool:
        if self.stage and self.stage not in (member.rank, member.install.stage if member.install else ""):
            return False
        for word, value in ((self.host, member.host), (self.lab, member.lab), (self.profile, member.profile)):
            if word and word != value:
                return False
        text = " ".join((member.name, member.profile, member.address, member.state, member.lab)).lower()
        return all(word in text for word in self.q.lower().split())

    def choose(self, members: Iterable[Member]) -> list[Member]:
        found = sorted((member for member in members if self.has(member)), key=lambda member: member.name)
        if self.sort == "attention":
            found.sort(key=lambda member: RANKS.index(member.rank))
        elif self.sort == "newest":
            found.sort(key=lambda m: m.install.created.timestamp() if m.install else 0, reverse=True)
        elif self.sort == "progress":
            found.sort(key=lambda m: m.install.percent if m.install else 101)
        return found


def fields(member: Member, *, run: bool = True) -> dict[str, object]:
    """A member as plain JSON values: what the page draws, and nothing else. `run`: with its install."""
    told: dict[str, object] = {name: getattr(member, name) for name in _TOLD}
    if run:
        known = member.install
        told["install"] = known and {
            **{name: getattr(known, name) for name in _RUN if getattr(known, name) not in (None, "")},
            "created": timeline.iso(known.created),
            "changed": timeline.iso(known.changed),
        }
    return told


async def look(services: Services, _: str = "") -> Board:
    """All of them. Guests of a host that is down are there too, as the store knows them."""
    after = await services.store.last_event_id()
    latest: dict[str, Install] = {}
    for install in await services.store.installs(limit=MOST):
        latest.setdefault(install.mac, install)
    things = await services.store.lab_things()
    labs = {thing.ref.name: thing.lab for thing in things if thing.ref.kind == "guest"}
    hosts = {state.host.uri: state.host.name for state in await services.hosts.states()}
    try:
        seen = {guest.name: guest for guest in await services.guests.list(all=False)}
        away = "missing"
    except Unavailable:
        seen, away = {}, "host down"
    runs = {name: guest.install for name, guest in seen.items()}
    found = [_of_guest(guest, hosts) for guest in seen.values()]
    for machine in await services.store.machines():
        run = latest.get(machine.mac)
        if machine.name not in seen and (machine.guest or run is not None):
            found.append(_of_machine(machine, away))
            runs[machine.name] = run
    expected = await told(services, [run for run in runs.values() if run is not None])
    by_id = {run.id: run for run in expected}
    return Board(
        after,
        [
            _with_run(replace(member, lab=labs.get(member.name, "")), runs[member.name], by_id)
            for member in sorted(found, key=lambda member: member.name)
        ],
    )


def _of_guest(guest: Guest, hosts: Mapping[str, str]) -> Member:
    host = hosts.get(guest.host, "") if guest.host else LOCAL
    address = guest.address.ip if guest.address else ""
    return Member(guest.name, "guest", guest.state, guest.profile, host, address=address, screen=guest.screen)


def _of_machine(machine: Machine, away: str) -> Member:
    kind: Literal["guest", "machine"] = "guest" if machine.guest else "machine"
    state = away if machine.guest else ""
    return Member(machine.name, kind, state, machine.profile or "", address=machine.address)


def _with_run(member: Member, run: Install | None, by_id: Mapping[str, InstallOut]) -> Member:
    if run is None:
        return member
    profile, address = member.profile or run.profile, member.address or run.address
    return replace(member, profile=profile, address=address, install=by_id[run.id])
