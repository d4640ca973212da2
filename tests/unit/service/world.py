"""The use cases around guests, on stand-ins for everything outside."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.core.install import Event, Install, Kind
from provisioner.service.guests import Guests
from provisioner.service.ports import Hypervisor, Store
from provisioner.service.requests import CreateGuest
from provisioner.service.tokens import Tokens
from tests.fakes import IMAGE, CountingIds, FakeClock, FakeHypervisor, FakeProfiles, FakeTrees
from tests.memory import MemoryStore

KEY = b"k" * 32
SERVED = {"virbr0": "192.168.122.1"}
REQUEST = CreateGuest("web1", "tiny", ssh_keys=("ssh-ed25519 AAAA me@here",))


@dataclass
class World:
    """`store` and `host` may be wrapped; `memory` and `libvirt` are what lies below."""

    clock: FakeClock
    memory: MemoryStore
    libvirt: FakeHypervisor
    trees: FakeTrees = field(default_factory=FakeTrees)
    profiles: FakeProfiles = field(default_factory=FakeProfiles)
    ids: CountingIds = field(default_factory=CountingIds)
    neighbours: dict[str, str] = field(default_factory=dict)

    def guests(self, store: Store | None = None, host: Hypervisor | None = None) -> Guests:
        """The use cases as a service that was just started has them."""
        used: Any = host or self.libvirt
        return Guests(
            store or self.memory,
            lambda uri: used,
            self.tokens(store),
            self.profiles,
            self.trees,
            self.clock,
            self.ids,
            Path("/var/log/provisioner"),
            lambda: SERVED,
            neighbour=self.neighbours.get,
        )

    def tokens(self, store: Store | None = None) -> Tokens:
        return Tokens(KEY, store or self.memory, self.clock, 60)

    async def happen(self, *kinds: Kind, install: str = "i1", text: str = "", **data: object) -> Install:
        for kind in kinds:
            self.clock.pass_(1)
            event = Event(kind, self.clock(), "test", install=install, text=text or str(kind), data=data)
            await self.memory.record([event])
        return await self.memory.install(install)

    async def kinds(self, install: str = "i1") -> list[Kind]:
        return [event.kind for event in await self.memory.events(install=install)]


async def new_world() -> World:
    clock = FakeClock()
    world = World(clock, MemoryStore(clock), FakeHypervisor())
    await world.memory.put_image(IMAGE)
    return world
