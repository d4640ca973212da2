"""A lab's use cases on hosts in memory."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_interface
from pathlib import Path

from provisioner.core.errors import NotFound
from provisioner.core.host import Domain, HostFacts, Network, Pool
from provisioner.core.install import Event, Kind
from provisioner.core.profile import Image
from provisioner.lab.document import read
from provisioner.service.clones import Clones
from provisioner.service.differences import Differences
from provisioner.service.guest_life import GuestLife
from provisioner.service.hosts import Registry
from provisioner.service.images import Images
from provisioner.service.lab_cases import Cases
from provisioner.service.lab_plan import LabPlan
from provisioner.service.lab_run import Done, Wish
from provisioner.service.labs import Labs
from provisioner.service.networks import Networks
from provisioner.service.ports import ServedText, StorageHost
from provisioner.service.requests import ProfileSource, TreeSource
from provisioner.web.lab_asked import asked
from tests.connections import FakeConnections, FakeValidator
from tests.fake_storage import FakeStorageHost, storage
from tests.fakes import FACTS, IMAGE, PROFILE, TREE, CountingIds, FakeClock
from tests.life import FakeLifeHost
from tests.memory import MemoryStore
from tests.segments import FakeNetworkHost, FakeSegments
from tests.unit.service.world import World

RACK = "qemu+ssh://root@rack1/system"


SHOP = """
lab: shop
profiles:
  - {name: shop, family: image, tree: mini, image: tiny, memory: 512, disk: 1}
networks:
  - {name: shop, subnet: 192.168.90.0/24}
guests:
  - name: web{1..3}
    profile: shop
    networks: [network=shop]
"""


class LabNetworks(FakeNetworkHost):
    """Keeps what a new network's XML says of its addresses."""

    async def create_network(self, xml: str, autostart: bool) -> Network:
        made = await super().create_network(xml, autostart)
        found = re.search(r'<ip address="(\S+)" netmask="(\S+)"', xml)
        assert found
        address = str(ip_interface(f"{found[1]}/{found[2]}"))
        self.there[made.name] = replace(made, addresses=(address,), bridge="virbr0", dhcp="<dhcp" in xml)
        return self.there[made.name]

    async def begin_network(self, name: str) -> None:
        await super().begin_network(name)
        self.there[name] = replace(self.there[name], active=True)


class LabHost(FakeLifeHost):
    """One host with its guests, networks and pools."""

    def __init__(self, uri: str) -> None:
        super().__init__()
        self.uri = uri
        self.nets = LabNetworks(uri=uri)
        self.store = FakeStorageHost("default")

    async def facts(self, *, fresh: bool = False) -> HostFacts:
        found = await super().facts(fresh=fresh)
        return replace(found, uri=self.uri, networks=tuple(await self.nets.networks()))

    async def networks(self) -> list[Network]:
        self._up()
        return await self.nets.networks()

    async def pools(self) -> list[Pool]:
        self._up()
        return await self.store.pools()

    def edit(self, name: str, old: str, new: str) -> None:
        """What `virsh edit` does."""
        assert old in self.xmls[name]
        self.xmls[name] = self.xmls[name].replace(old, new)

    def domain(self, name: str) -> Domain:
        return next(domain for domain in self.there.values() if domain.name == name)


class OwnProfiles(World):
    """A world whose profiles are those of the store, and the shipped ones."""

    def sources(self) -> tuple[ProfileSource, TreeSource]:
        return self.shelf.profiles, self.trees


class Builder:
    """Every image is built at once."""

    async def build(self, name: str, *, tune: bool, mirror: str) -> AsyncIterator[str | Image]:
        yield "unpacking"
        yield Image(name, f"{name}.tar.zst", "0" * 64, 10, 100, tune)

    async def remove(self, image: Image) -> None: ...


class Nothing:
    """Nothing was served to anybody."""

    async def keep(self, text: ServedText) -> None: ...
    async def last(self, guest: str) -> ServedText:
        raise NotFound(f"nothing was served to {guest} yet")

    async def before(self, guest: str) -> ServedText:
        return await self.last(guest)


@dataclass
class LabWorld:
    """`local` and `rack` are the hosts; the second is known once it is added."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.memory = MemoryStore(self.clock)
        self.local, self.rack = LabHost(FACTS.uri), LabHost(RACK)
        self.hosts = {"": self.local, FACTS.uri: self.local, RACK: self.rack}
        self.connections = FakeConnections(FACTS.uri)
        self.ids = CountingIds()
        self.begin()

    def begin(self) -> None:
        """The use cases as a service that was just started has them."""
        self.world = world = OwnProfiles(self.clock, self.memory, self.local, ids=self.ids)
        tokens = world.tokens()
        guests = world.guests()
        for part in (guests, guests.drafts, guests.execution):
            part._hosts = self.host
        registry = Registry(self.memory, self.connections, FakeValidator(), local=FACTS.uri, configured={})
        guests.drafts._resolve = registry.resolve
        life = GuestLife(self.memory, self.host, guests, self.clock)
        clones = Clones(self.memory, self.host, guests, tokens, self.clock, world.ids, Path("/var/log"))
        self.guests, self.clones, self.life = guests, clones, life
        shelf = world.shelf
        self.labs = Labs(
            Cases(
                self.memory,
                self.host,
                tokens,
                registry,
                Networks(lambda uri: self.host(uri).nets, FakeSegments()),
                storage(self.folder, self._storage),
                shelf.trees,
                Images(self.memory, Builder(), shelf.profiles),
                shelf.profiles,
                guests,
                life,
                clones,
                shelf.answers,
                Differences(shelf.answers, Nothing(), self.clock),
            )
        )

    def host(self, uri: str) -> LabHost:
        return self.hosts[uri]

    def _storage(self, uri: str) -> StorageHost:
        return self.host(uri).store

    async def plan(self, text: str, *, prune: bool = False) -> LabPlan:
        return await self.labs.plan(read(text, "lab.yaml"), asked, prune=prune)

    async def apply(
        self, text: str, *, prune: bool = False, replace: bool = False, at_once: int = 0
    ) -> list[Done]:
        wish = Wish(prune=prune, replace=replace, at_once=at_once)
        done = self.labs.apply(read(text, "lab.yaml"), asked, wish)
        return [item async for item in done if isinstance(item, Done)]

    async def shop_profile(self, name: str = "other") -> None:
        """A profile of one's own."""
        await self.memory.put_profile(replace(PROFILE, name=name), new=True)

    async def installed(self, *names: str) -> None:
        """Their installs come to their end."""
        for name in names:
            install = await self.memory.install(name)
            for kind in (Kind.SCRIPT_SENT, Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED):
                self.clock.pass_(1)
                await self.memory.record([Event(kind, self.clock(), "test", install=install.id)])


def told(plan: LabPlan) -> list[str]:
    """Each change in a few words, those that are kept without a reason left out."""
    return [
        f"{row.change.action} {row.change.ref}"
        for row in plan.rows
        if row.change.action != "keep" or row.change.reason or row.away
    ]


def ended(done: list[Done]) -> list[str]:
    return sorted(f"{one.change.ref}: {one.result}" for one in done)


async def stocked(folder: Path) -> LabWorld:
    """One that has an image and a tree."""
    world = LabWorld(folder)
    await world.memory.put_image(IMAGE)
    await world.memory.put_tree(TREE)
    return world
