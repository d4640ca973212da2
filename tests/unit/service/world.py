"""The use cases around guests, on stand-ins for everything outside."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from provisioner.core.install import Event, Install, Kind
from provisioner.service.aftercare import Aftercare
from provisioner.service.answers import Answers
from provisioner.service.arguments import Arguments
from provisioner.service.drafts import AnswerCheck, Drafts
from provisioner.service.execution import Execution
from provisioner.service.grounds import Grounds
from provisioner.service.guests import Guests
from provisioner.service.locations import Locations
from provisioner.service.ports import Hypervisor, Store, Workshop
from provisioner.service.progress import Progress
from provisioner.service.requests import CreateGuest, ProfileSource, TreeSource
from provisioner.service.tokens import Tokens
from tests.fakes import IMAGE, CountingIds, FakeClock, FakeHypervisor, FakeProfiles, FakeTrees
from tests.files import PLAIN, RAW, WORK, FakeMedia, FakeWorkshop
from tests.memory import MemoryStore
from tests.unit.service.shelf import Shelf

KEY = b"k" * 32
SERVED = {"virbr0": "192.168.122.1"}
PORT, SYSLOG = 8080, 5514
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
    media: FakeMedia = field(default_factory=FakeMedia)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.memory)
        self.workshop = FakeWorkshop(self.libvirt.files)
        self.libvirt.files.update({image.ready: image.key.encode() for image in (PLAIN, RAW)})

    def sources(self) -> tuple[ProfileSource, TreeSource]:
        return self.profiles, self.trees

    async def least(self, system: str) -> tuple[int, float]:
        return (4096, 64) if system == "win11" else (0, 0)

    async def ended(self, system: str) -> date | None:
        return date(2024, 6, 30) if system == "centos7" else None

    def check_answer(self, answers: Answers) -> AnswerCheck | None:
        return None

    def guests(
        self,
        store: Store | None = None,
        host: Hypervisor | None = None,
        workshop: Workshop | None = None,
    ) -> Guests:
        """The use cases as a service that was just started has them."""
        used: Any = host or self.libvirt
        kept: Store = store or self.memory
        tokens, (profiles, trees), shelf = self.tokens(store), self.sources(), self.shelf
        answers = Answers(kept, tokens, shelf.profiles, shelf.trees, shelf.texts, SYSLOG)
        grounds = Grounds(
            tokens,
            Arguments(kept, tokens, shelf.profiles, SYSLOG),
            answers,
            self.media,
            Path("/var/log/provisioner"),
            Path(WORK),
            Path("/var/lib/provisioner/boot"),
        )
        drafts = Drafts(
            kept,
            lambda uri: used,
            profiles,
            trees,
            self.clock,
            self.ids,
            grounds,
            Locations(shelf.trees, shelf.profiles),
            self.media,
            lambda: SERVED,
            PORT,
            check_answer=self.check_answer(answers),
            least=self.least,
            ended=self.ended,
        )
        execution = Execution(kept, lambda uri: used, workshop or self.workshop, tokens, self.clock)
        return Guests(
            kept, lambda uri: used, tokens, self.clock, drafts, execution, neighbour=self.neighbours.get
        )

    def tokens(self, store: Store | None = None) -> Tokens:
        return Tokens(KEY, store or self.memory, self.clock, 60)

    def aftercare(self) -> Aftercare:
        return Aftercare(self.memory, lambda uri: self.libvirt)

    def progress(self) -> Progress:
        """What is told of domains from now on, with what follows from it."""
        progress = Progress(self.memory, self.clock, first_stage_over=self.aftercare().look)
        self.libvirt.watch(progress.on_domain_event)
        return progress

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
