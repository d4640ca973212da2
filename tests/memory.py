"""The store's port in memory. It passes tests/contract/test_store.py, as the database does."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from provisioner.core import sighting
from provisioner.core.errors import Conflict, NotFound
from provisioner.core.host import Host
from provisioner.core.install import LIFE, Event, Install, Kind, advance
from provisioner.core.lab import Ref
from provisioner.core.machine import Machine
from provisioner.core.network import Repair
from provisioner.core.profile import Image, Profile, Tree
from provisioner.core.snapshot import Snapshot
from provisioner.pace.learn import Sample
from provisioner.service.ports import GuestRow, JournalRow, LabThing, Opening, Seal, Token
from provisioner.service.ports.store import NOTHING

Value = TypeVar("Value")


class MemoryStore:
    """The store's port, in this process's memory."""

    def __init__(self, clock: Callable[[], datetime], token_life: timedelta = timedelta(minutes=60)) -> None:
        self._clock = clock
        self._token_life = token_life
        self._events: list[Event] = []
        self._installs: dict[str, Install] = {}
        self._guests: dict[str, GuestRow] = {}
        self._machines: dict[str, Machine] = {}
        self._profiles: dict[str, Profile] = {}
        self._trees: dict[str, Tree] = {}
        self._images: dict[str, Image] = {}
        self._hosts: dict[str, Host] = {}
        self._tokens: dict[str, Token] = {}
        self._repairs: dict[tuple[str, str], Repair] = {}
        self._samples: dict[str, Sample] = {}
        self._journal: dict[tuple[str, int], JournalRow] = {}
        self._things: dict[tuple[str, Ref], LabThing] = {}
        self._seals: dict[str, Seal] = {}
        self._snapshots: dict[str, Snapshot] = {}

    async def record(self, events: Sequence[Event]) -> list[Install]:
        before: dict[str, Install] = {}
        for event in events:
            install = self._subject(event)
            if install is not None:
                before.setdefault(install.id, install)
                event = replace(event, install=install.id, machine=event.machine or install.mac)
                after = self._installs[install.id] = advance(install, event)
                if after.over and not install.over:
                    self._end_tokens(after)
                elif event.kind in LIFE and not after.over:
                    await self.touch_tokens(after.id, event.at + self._token_life)
            self._see(event)
            self._events.append(replace(event, id=len(self._events) + 1))
        return [self._installs[key] for key, was in before.items() if self._installs[key] != was]

    def _subject(self, event: Event) -> Install | None:
        if event.install:
            return self._installs.get(event.install)
        mine = [i for i in self._installs.values() if event.machine and i.mac == event.machine]
        return next(reversed([i for i in mine if not i.over] or mine), None)

    def _see(self, event: Event) -> None:
        found = sighting.discovered(event)
        if found and not any(m.mac == found.mac or m.name == found.name for m in self._machines.values()):
            self._machines[found.name] = found
        self._machines = {name: sighting.seen(m, event) for name, m in self._machines.items()}

    def _end_tokens(self, install: Install) -> None:
        last = install.changed + timedelta(minutes=15)
        for digest, token in self._tokens.items():
            if token.install == install.id:
                revoked = token.revoked or token.kind != "report"
                self._tokens[digest] = replace(token, revoked=revoked, expires=min(token.expires, last))

    async def events(
        self, *, after: int = 0, install: str = "", limit: int = 1000, kinds: Collection[Kind] = ()
    ) -> list[Event]:
        found = (e for e in self._events if e.id > after and install in ("", e.install))
        return [e for e in found if not kinds or e.kind in kinds][:limit]

    async def last_event_id(self) -> int:
        return len(self._events)

    async def last_seen(self, install: str, kinds: Collection[Kind] = ()) -> datetime | None:
        seen = [e.at for e in self._events if e.install == install and (not kinds or e.kind in kinds)]
        return seen[-1] if seen else None

    async def version(self) -> object:
        return None

    async def add_install(self, install: Install, guest: GuestRow | None, opening: Opening = NOTHING) -> None:
        if install.id in self._installs:
            raise Conflict(f"install {install.id} exists")
        if guest is not None:
            spec = guest.spec
            machine = Machine(spec.name, spec.mac, spec.uuid, guest=True, profile=spec.profile)
            await self.add_machine(machine)
            self._guests[spec.name] = guest
        self._installs[install.id] = install
        await self._open_with(opening)

    async def _open_with(self, opening: Opening) -> None:
        if opening.tree is not None:
            await self.put_tree(opening.tree)
        self._tokens |= dict(opening.tokens)
        self._journal |= {(row.install, row.number): row for row in opening.journal}
        await self.record(opening.events)

    async def complete(self, install: str, events: Sequence[Event]) -> Install:
        if (await self.install(install)).over:
            raise Conflict(f"install {install} was ended while its guest was being made")
        await self.record(events)
        await self.close_journal(install)
        return await self.install(install)

    async def add_rebuild(self, install: Install, guest: GuestRow, opening: Opening = NOTHING) -> None:
        if any(i.guest == guest.spec.name and not i.over for i in self._installs.values()):
            raise Conflict(f"an install of {guest.spec.name} is still running")
        await self.put_guest(guest)
        machine = self._machines[guest.spec.name]
        self._machines[guest.spec.name] = replace(machine, profile=guest.spec.profile)
        self._installs[install.id] = install
        await self._open_with(opening)

    async def add_run(
        self, install: Install, machine: Machine, *, was: str = "", opening: Opening = NOTHING
    ) -> None:
        running = next((i for i in self._installs.values() if i.mac == machine.mac and not i.over), None)
        if running is not None:
            raise Conflict(f"install {running.id} of {was or machine.name} is still running")
        if was:
            known = _get(self._machines, was, "machine")
            if machine.name != was and machine.name in self._machines:
                raise Conflict(f"the name {machine.name} is taken")
            del self._machines[was]
            self._machines[machine.name] = replace(known, name=machine.name, profile=machine.profile)
        else:
            await self.add_machine(machine)
        self._installs[install.id] = install
        await self._open_with(opening)

    async def install(self, ref: str) -> Install:
        named = [i for i in self._installs.values() if i.guest == ref]
        if found := self._installs.get(ref) or next(reversed(named), None):
            return found
        raise NotFound(f"no install and no guest is called {ref!r}")

    async def installs(self, *, active: bool = False, limit: int = 200) -> list[Install]:
        newest = list(reversed(self._installs.values()))
        return [i for i in newest if not i.over] if active else newest[:limit]

    async def install_of(self, *, mac: str = "", uuid: str = "", address: str = "") -> Install | None:
        newest = list(reversed(self._installs.values()))
        recent = self._clock() - timedelta(minutes=15)
        here = [i for i in newest if i.address == address and (not i.over or i.changed >= recent)]
        found = [i for i in newest if mac and i.mac == mac] + [i for i in newest if uuid and i.uuid == uuid]
        return next(iter(found + (here if address else [])), None)

    async def bind(self, install: str, address: str) -> str:
        if install not in self._installs:
            raise NotFound(f"no install is called {install!r}")
        bound = self._installs[install].address or address
        self._installs[install] = replace(self._installs[install], address=bound)
        return bound

    async def bump_resets(self, install: str) -> None:
        present = self._installs[install]
        self._installs[install] = replace(present, resets=present.resets + 1)

    async def guest(self, name: str) -> GuestRow:
        return _get(self._guests, name, "guest of ours")

    async def guests(self) -> list[GuestRow]:
        return _sorted(self._guests)

    async def put_guest(self, guest: GuestRow) -> None:
        _get(self._guests, guest.spec.name, "guest of ours")
        self._guests[guest.spec.name] = guest

    async def remove_guest(self, name: str) -> None:
        if self._guests.pop(name, None):
            del self._machines[name]
            self._seals.pop(name, None)
            self._snapshots.pop(name, None)

    async def add_machine(self, machine: Machine) -> None:
        for other in self._machines.values():
            guests = machine.guest and other.guest
            same = (other.name, other.mac), (machine.name, machine.mac)
            if set(same[0]) & set(same[1]) or (guests and other.uuid == machine.uuid):
                raise Conflict(f"{machine.name} is taken by {other.name}")
        self._machines[machine.name] = machine

    async def machines(self) -> list[Machine]:
        return _sorted(self._machines)

    async def machine(self, *, mac: str = "", uuid: str = "", name: str = "") -> Machine | None:
        for field, value in (("mac", mac), ("uuid", uuid), ("name", name)):
            for machine in self._machines.values():
                if value and getattr(machine, field) == value:
                    return machine
        return None

    async def remove_machine(self, name: str) -> None:
        del _known(self._machines, name, "machine")[name]

    async def put_profile(self, profile: Profile, *, new: bool) -> None:
        if new and profile.name in self._profiles:
            raise Conflict(f"a profile called {profile.name!r} exists already")
        if not new:
            _get(self._profiles, profile.name, "profile")
        self._profiles[profile.name] = profile

    async def profiles(self) -> list[Profile]:
        return _sorted(self._profiles)

    async def profile(self, name: str) -> Profile:
        return _get(self._profiles, name, "profile")

    async def remove_profile(self, name: str) -> None:
        del _known(self._profiles, name, "profile")[name]

    async def put_tree(self, tree: Tree) -> None:
        self._trees[tree.name] = tree

    async def trees(self) -> list[Tree]:
        return _sorted(self._trees)

    async def tree(self, name: str) -> Tree:
        return _get(self._trees, name, "tree")

    async def remove_tree(self, name: str) -> None:
        del _known(self._trees, name, "tree")[name]

    async def put_image(self, image: Image) -> None:
        self._images[image.name] = image

    async def images(self) -> list[Image]:
        return _sorted(self._images)

    async def image(self, name: str) -> Image:
        return _get(self._images, name, "image")

    async def remove_image(self, name: str) -> None:
        del _known(self._images, name, "image")[name]

    async def add_host(self, host: Host) -> None:
        for other in self._hosts.values():
            if host.name == other.name or host.uri == other.uri:
                raise Conflict(f"a host called {other.name!r} with that name or URI exists already")
        self._hosts[host.name] = host

    async def hosts(self) -> list[Host]:
        return _sorted(self._hosts)

    async def remove_host(self, name: str) -> None:
        del _known(self._hosts, name, "host")[name]

    async def put_repair(self, repair: Repair) -> None:
        self._repairs[repair.device, repair.kind] = repair

    async def repairs(self) -> list[Repair]:
        return [self._repairs[key] for key in sorted(self._repairs)]

    async def remove_repair(self, repair: Repair) -> None:
        self._repairs.pop((repair.device, repair.kind), None)

    async def put_sample(self, sample: Sample, keep: int) -> None:
        self._samples[sample.install] = sample
        for old in (await self.samples(sample.profile))[:-keep]:
            del self._samples[old.install]

    async def samples(self, profile: str) -> list[Sample]:
        mine = (sample for sample in self._samples.values() if sample.profile == profile)
        return sorted(mine, key=lambda sample: sample.ended)

    async def sampled(self, installs: Collection[str]) -> frozenset[str]:
        return frozenset(installs) & self._samples.keys()

    async def put_token(self, digest: str, token: Token) -> None:
        was = self._tokens.get(digest)
        self._tokens[digest] = replace(token, revoked=token.revoked or bool(was and was.revoked))

    async def token(self, digest: str) -> Token | None:
        return self._tokens.get(digest)

    async def touch_tokens(self, install: str, expires: datetime) -> None:
        for digest, token in self._tokens.items():
            if token.install == install and not token.revoked:
                self._tokens[digest] = replace(token, expires=max(token.expires, expires))

    async def journal(self, row: JournalRow) -> None:
        self._journal[row.install, row.number] = row

    async def open_journal(self) -> list[JournalRow]:
        return [self._journal[key] for key in sorted(self._journal)]

    async def close_journal(self, install: str) -> None:
        self._journal = {key: row for key, row in self._journal.items() if key[0] != install}

    async def put_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshots[snapshot.guest] = snapshot

    async def snapshots(self) -> list[Snapshot]:
        return [self._snapshots[name] for name in sorted(self._snapshots)]

    async def snapshot(self, guest: str) -> Snapshot:
        return _get(self._snapshots, guest, "snapshot of guest")

    async def remove_snapshot(self, guest: str) -> None:
        self._snapshots.pop(guest, None)

    async def lab_things(self, lab: str = "") -> list[LabThing]:
        found = (thing for thing in self._things.values() if lab in ("", thing.lab))
        return sorted(found, key=lambda thing: (thing.lab, thing.ref.kind, thing.ref.name))

    async def put_lab_things(self, things: Sequence[LabThing]) -> None:
        self._things |= {(thing.lab, thing.ref): thing for thing in things}

    async def remove_lab_things(self, lab: str, refs: Sequence[Ref]) -> None:
        for ref in refs:
            self._things.pop((lab, ref), None)

    async def seals(self) -> list[Seal]:
        return [replace(seal, xml="") for seal in _sorted(self._seals)]

    async def seal(self, guest: str) -> Seal | None:
        return self._seals.get(guest)

    async def put_seals(self, seals: Sequence[Seal]) -> None:
        self._seals |= {seal.guest: seal for seal in seals if seal.guest in self._guests}


def _known(values: dict[str, Value], name: str, what: str) -> dict[str, Value]:
    if name not in values:
        raise NotFound(f"no {what} is called {name!r}")
    return values


def _get(values: dict[str, Value], name: str, what: str) -> Value:
    return _known(values, name, what)[name]


def _sorted(values: dict[str, Value]) -> list[Value]:
    return [values[name] for name in sorted(values)]
