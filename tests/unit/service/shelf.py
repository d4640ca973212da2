"""Trees, profiles and answers on the store in memory, recorded trees, a linter that says what it is told."""

from dataclasses import dataclass, field
from pathlib import Path

from provisioner.answers.context import AnswerContext
from provisioner.answers.finding import Finding, Origins
from provisioner.answers.origins import origins
from provisioner.answers.render import render
from provisioner.core.errors import Unavailable
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.install import Install, Stage
from provisioner.core.profile import Profile
from provisioner.service.answers import Answers
from provisioner.service.ports import GuestRow
from provisioner.service.profiles import Profiles
from provisioner.service.texts import Texts
from provisioner.service.tokens import Tokens
from provisioner.service.trees import Trees
from tests.fakes import START, FakeClock
from tests.memory import MemoryStore

STUBS = Path(__file__).parents[2] / "data/trees"
HASH = "$6$abcdefgh$" + "x" * 86


class StubReader:
    """`/NAME` is a recorded tree with whatever its answers name; `away` are sources that do not answer.

    `lacking` ones have no kernel, `lying` ones another than their checksum is of.
    """

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.lacking: set[str] = set()
        self.lying: set[str] = set()

    async def read(self, source: str, path: str) -> bytes | None:
        if source in self.away:
            raise Unavailable(f"{source}/{path} cannot be read: it is away")
        file = STUBS / source.lstrip("/") / path
        return file.read_bytes() if file.is_file() else None

    async def exists(self, source: str, path: str) -> bool:
        return source not in self.lacking and not path.startswith("sources/")

    def archive(self, source: str) -> str:
        return ""

    async def matches(self, source: str, path: str, checksum: str) -> bool:
        return source not in self.lying


class ToldLinter:
    """Answers every question with `findings` and remembers what it was asked."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.asked: list[tuple[str, str, str]] = []

    async def lint(self, text: str, family: str, release: str) -> list[Finding]:
        self.asked.append((text, family, release))
        return self.findings


class HereRenderer:
    """Renders without bounds, in this process."""

    async def render(self, template: str, context: AnswerContext) -> str:
        return render(template, context)

    async def origins(self, template: str, context: AnswerContext, text: str) -> Origins:
        return origins(template, context, text)


@dataclass
class Shelf:
    store: MemoryStore = field(default_factory=lambda: MemoryStore(FakeClock()))
    reader: StubReader = field(default_factory=StubReader)
    linter: ToldLinter = field(default_factory=ToldLinter)

    def __post_init__(self) -> None:
        self.tokens = Tokens(b"k" * 32, self.store, FakeClock())
        self.texts = Texts(self.linter, HereRenderer())
        self.profiles = Profiles(self.store, self.texts)
        self.unstaged: list[str] = []
        self.trees = Trees(self.store, self.reader, self.profiles, self._unstage)
        self.answers = Answers(self.store, self.tokens, self.profiles, self.trees, self.texts)

    async def _unstage(self, name: str) -> None:
        """In place of removing what is kept of a tree."""
        self.unstaged.append(name)

    async def guest(self, profile: str, **secrets: str) -> tuple[Install, GuestRow]:
        """A guest `web1` whose install is under way."""
        spec = GuestSpec(
            "web1",
            profile,
            "00000000-0000-4000-8000-000000000001",
            nics=(Nic("network", "default", "52:54:00:00:00:01"),),
        )
        row = GuestRow(spec, "i1", "web1-i1", START, secrets)
        install = Install("i1", "web1", spec.mac, spec.uuid, profile, Stage.BOOTING, START, START)
        await self.store.add_install(install, row)
        return install, row


OWN = Profile(
    "mine", "debian", "debian13", "debian/preseed.cfg.j2", release="13", variables={"suite": "trixie"}, disk=4
)
