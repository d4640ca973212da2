"""How the things of a lab are now: what the store has, what each host tells, what was changed behind us."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from provisioner.core.errors import Unavailable
from provisioner.core.host import LOCAL, Definition, Network, Pool
from provisioner.core.install import Install, Stage
from provisioner.core.lab import Actual, Difference, Item, Lab, LabKind, Place, Ref
from provisioner.core.profile import Image, Profile, Tree
from provisioner.lab.problems import unknown
from provisioner.lab.secrets import Seal, sealed
from provisioner.plan.naming import NAMESPACE
from provisioner.service import lab_known
from provisioner.service.lab_cases import Cases
from provisioner.service.lab_seals import Drift, Seals, profile_digests
from provisioner.service.ports import GuestRow, LabThing

_INACTIVE = (Difference("active", "no", "yes"),)
_SINCE = (Difference("answer file", "by its profile as it was", "by its profile as it is"),)
Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class There:
    """What a host tells; `away` why it tells nothing."""

    networks: Mapping[str, Network] = field(default_factory=dict)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    domains: Mapping[str, Definition] = field(default_factory=dict)
    drift: Mapping[str, Drift] = field(default_factory=dict)
    away: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """`actual` is all that is there of a lab. `away` are things whose host does not answer, with the reason:
    nothing is known of them. `things` is what former applies wrote down, `rows` the guests of the store;
    `running` are the domains that are on, `failed` the guests whose latest install failed. `lacking` says of
    items that name what neither the file nor anybody has which that is.
    """

    actual: Mapping[Ref, Actual]
    away: Mapping[Ref, str]
    things: Mapping[Ref, LabThing]
    rows: Mapping[str, GuestRow]
    running: frozenset[str]
    failed: frozenset[str]
    lacking: Mapping[Ref, str]


class Look:
    def __init__(self, cases: Cases, seals: Seals) -> None:
        self._cases = cases
        self._seals = seals

    async def at(self, lab: Lab) -> Found:
        """Raises Unavailable where the store is away; a host that is keeps nobody from the others."""
        cases = self._cases
        everything = await cases.store.lab_things()
        things = {thing.ref: thing for thing in everything if thing.lab == lab.name}
        shared = {thing.ref for thing in everything if thing.lab != lab.name}
        items = {item.ref: item for item in lab.items}
        rows = {row.spec.name: row for row in await cases.store.guests()}
        gone = [ref for ref, it in things.items() if ref not in items and it.made and ref not in shared]
        refs = [*items, *gone]
        uris = {host.name: "" if host.name == LOCAL else host.uri for host in await cases.hosts.all()}
        names = {uri: "" if name == LOCAL else name for name, uri in uris.items()}
        placed = {ref: self._place(ref, items.get(ref), rows, uris) for ref in refs}
        mine = [rows[ref.name] for ref in refs if ref.kind == "guest" and ref.name in rows]
        hosts = await self._hosts({uri for uri in placed.values() if uri is not None}, mine)
        installs = await self._installs(len(rows))
        guests = _Guests(rows, names, installs, cases.guests.execution.busy, await self._open())
        fixed = await self._fixed()
        actual: dict[Ref, Actual] = {}
        away: dict[Ref, str] = {}
        for ref in refs:
            uri = placed[ref]
            host = hosts[uri] if uri is not None else There()
            if host.away:
                away[ref] = host.away
                continue
            item, thing = items.get(ref), things.get(ref)
            asked = thing.wanted if thing else None
            said = sealed(item, cases.tokens.seal) if item else {}
            match ref.kind:
                case "guest":
                    found = guests.actual(ref, asked, said, host)
                case "network":
                    found = _network(host.networks.get(ref.name), asked, said)
                case "pool":
                    found = _pool(host.pools.get(ref.name), asked, said)
                case _:
                    found = fixed.actual(ref, asked, said)
            if found is not None:
                actual[ref] = found
        running = frozenset(d.name for host in hosts.values() for d in host.domains.values() if d.on)
        failed = frozenset(
            name
            for name, row in rows.items()
            if row.install in installs and installs[row.install].stage is Stage.FAILED
        )
        lacking = _lacking(lab, fixed, rows, {name: hosts[uri] for name, uri in uris.items() if uri in hosts})
        return Found(actual, away, things, rows, running, failed, lacking)

    def _place(
        self, ref: Ref, item: Item | None, rows: Mapping[str, GuestRow], uris: Mapping[str, str]
    ) -> str | None:
        """The URI of a thing's host, None where it has none or that is not known yet."""
        if ref.kind == "guest":
            if ref.name in rows:
                return rows[ref.name].uri
            return uris.get((item.on if item else "") or LOCAL)
        return uris.get(ref.host or LOCAL) if ref.kind in ("network", "pool") else None

    async def _hosts(self, uris: Iterable[str], rows: list[GuestRow]) -> dict[str, There]:
        digests = profile_digests(await self._cases.profiles.list())
        asked = list(uris)
        found = await asyncio.gather(
            *(self._host(uri, [row for row in rows if row.uri == uri], digests) for uri in asked)
        )
        return dict(zip(asked, found, strict=True))

    async def _host(self, uri: str, rows: list[GuestRow], digests: Mapping[str, str]) -> There:
        host = self._cases.hypervisors(uri)
        try:
            networks, pools, domains = await asyncio.gather(
                host.networks(), host.pools(), host.definitions({row.spec.uuid for row in rows})
            )
        except Unavailable as error:
            return There(away=str(error))
        return There(
            {network.name: network for network in networks},
            {pool.name: pool for pool in pools},
            {domain.uuid: domain for domain in domains},
            await self._seals.drift({one.uuid: one.xml for one in domains if one.xml}, rows, digests),
        )

    async def _installs(self, many: int) -> dict[str, Install]:
        """Those that run, and the latest of the others: enough to tell a failed one."""
        latest = await self._cases.store.installs(limit=2 * many + 100)
        return {one.id: one for one in (*latest, *await self._cases.store.installs(active=True))}

    async def _open(self) -> set[str]:
        return {row.install for row in await self._cases.store.open_journal()}

    async def _fixed(self) -> "_Fixed":
        cases = self._cases
        return _Fixed(
            {host.name: lab_known.of_host(host) for host in await cases.hosts.all()},
            {tree.name: tree for tree in await cases.store.trees()},
            {image.name: image for image in await cases.store.images()},
            {profile.name: profile for profile in await cases.profiles.list()},
            cases.tokens.seal,
        )


class _Fixed:
    """Things that are on no host."""

    def __init__(
        self,
        hosts: Mapping[str, Fields],
        trees: Mapping[str, Tree],
        images: Mapping[str, Image],
        profiles: Mapping[str, Profile],
        seal: Seal,
    ) -> None:
        self._hosts, self._trees, self._images, self._profiles = hosts, trees, images, profiles
        self._seal = seal

    @property
    def names(self) -> Mapping[LabKind, Collection[str]]:
        """Of those that a file may name without having them; a tree may be many a thing."""
        return {"host": self._hosts, "profile": self._profiles}

    def actual(self, ref: Ref, asked: Fields | None, said: Fields) -> Actual | None:
        match ref.kind:
            case "host" if ref.name in self._hosts:
                return Actual(asked, self._hosts[ref.name])
            case "tree" if ref.name in self._trees:
                return Actual(asked, lab_known.of_tree(self._trees[ref.name], said))
            case "image" if ref.name in self._images:
                return Actual(asked, lab_known.of_image(self._images[ref.name], said))
            case "profile" if ref.name in self._profiles:
                profile = self._profiles[ref.name]
                why = "a shipped profile is called so; choose another name" if profile.shipped else ""
                known = lab_known.of_profile(_sealed(profile, self._seal), said, asked)
                return Actual(asked, known, foreign=why)
        return None


@dataclass(frozen=True, slots=True)
class _Guests:
    """`busy` are the installs that this process makes, `open_` those whose making is not through."""

    rows: Mapping[str, GuestRow]
    names: Mapping[str, str]
    installs: Mapping[str, Install]
    busy: set[str]
    open_: set[str]

    def actual(self, ref: Ref, asked: Fields | None, said: Fields, host: There) -> Actual | None:
        row = self.rows.get(ref.name)
        if row is None:
            other = next((domain for domain in host.domains.values() if domain.name == ref.name), None)
            if other is None:
                return None
            return Actual(None, foreign=f"a domain {ref.name} is there that was not made here")
        domain = host.domains.get(row.spec.uuid)
        lost = "" if domain else "its domain is gone from libvirt"
        foreign = "" if domain is None or NAMESPACE in domain.xml else "its domain no longer carries our mark"
        drift = host.drift.get(ref.name, Drift())
        busy = self._busy(row)
        return Actual(
            asked,
            lab_known.of_guest(row, domain, said, made=asked is not None),
            self.names.get(row.uri, row.uri),
            () if busy else drift.behind,
            _SINCE if drift.since and not busy else (),
            lost,
            busy,
            foreign,
        )

    def _busy(self, row: GuestRow) -> str:
        install = self.installs.get(row.install)
        if row.install in self.busy or row.install in self.open_:
            return "it is being made right now"
        if install is not None and not install.over:
            return f"it is being installed (provisioner install wait {row.spec.name})"
        return ""


def _sealed(profile: Profile, seal: Seal) -> Profile:
    """The profile with the secrets of its variables sealed, as those of a file are."""
    item = Item(Ref("profile", profile.name), {"variables": profile.variables}, "", (), Place(0, 0))
    variables = sealed(item, seal)["variables"]
    return replace(profile, variables=variables if isinstance(variables, Mapping) else {})


def _lacking(
    lab: Lab, fixed: _Fixed, rows: Mapping[str, GuestRow], hosts: Mapping[str, There]
) -> dict[Ref, str]:
    """`hosts` by name; of one that is away nothing is known to be lacking."""
    found: dict[Ref, str] = {}
    names: Mapping[LabKind, Collection[str]] = {**fixed.names, "guest": rows}
    for item in lab.items:
        for ref in item.outside:
            there = hosts.get(ref.host or LOCAL, There(away="it is not known"))
            known: Collection[str] | None = names.get(ref.kind)
            if ref.kind in ("network", "pool") and not there.away:
                known = there.networks if ref.kind == "network" else there.pools
            if known is not None and ref.name not in known:
                found.setdefault(item.ref, unknown(f"the {ref.kind}", ref.name, sorted(known)))
    return found


def _network(network: Network | None, asked: Fields | None, said: Fields) -> Actual | None:
    if network is None:
        return None
    drift = () if network.active else _INACTIVE
    return Actual(asked, lab_known.of_network(network, said), drift=drift)


def _pool(pool: Pool | None, asked: Fields | None, said: Fields) -> Actual | None:
    if pool is None:
        return None
    return Actual(asked, lab_known.of_pool(pool, said), drift=() if pool.active else _INACTIVE)
