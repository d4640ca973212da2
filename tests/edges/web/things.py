"""Stand-ins for trees, images and machines, as the doors need them."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from provisioner.answers.finding import Finding
from provisioner.core.errors import Invalid, NotFound, Unavailable
from provisioner.core.install import Install
from provisioner.core.profile import Image, Profile, Tree
from provisioner.distros.base import TreeFacts
from provisioner.service.mirror_rules import Rules
from provisioner.service.recognition import ANYTHING, Probe, Recognition, Wanted
from provisioner.store.database import Database

MAC = "52:54:00:00:00:01"
UUID = "00000000-0000-4000-8000-000000000001"


async def secrets_of(install: Install) -> list[str]:
    return ["S3CRET"]


def scan(line: str) -> tuple[str, str] | None:
    """The one trouble that is known here."""
    return ("no-disk", "there is none") if "no disk" in line else None


class FakeFiles:
    """The small files of any tree, by path."""

    def __init__(self) -> None:
        self.there: dict[str, bytes] = {}

    async def read(self, source: str, path: str) -> bytes | None:
        return self.there.get(path)

    async def exists(self, source: str, path: str) -> bool:
        return path in self.there

    def archive(self, source: str) -> str:
        return ""

    async def matches(self, source: str, path: str, checksum: str) -> bool:
        return path in self.there


@dataclass
class FakeTrees:
    store: Database
    rules: Rules

    async def list(self) -> list[Tree]:
        return await self.store.trees()

    async def get(self, name: str) -> Tree:
        return await self.store.tree(name)

    async def put(self, tree: Tree) -> None:
        await self.store.put_tree(tree)
        await self.rules.refresh()

    async def reachable(self, tree: Tree) -> None:
        """It is."""

    async def add(
        self,
        name: str,
        source: str,
        wanted: Wanted = ANYTHING,
        *,
        mirrors: Sequence[str] | None = None,
        key: str | None = None,
    ) -> Tree:
        tree = Tree(
            name,
            source,
            "rhel",
            "7",
            "images/pxeboot/vmlinuz",
            "images/pxeboot/initrd.img",
            mirrors=tuple(mirrors or ()),
            key=key or "",
        )
        await self.put(tree)
        return tree

    def archive(self, source: str) -> str:
        return ""

    async def explain(self, source: str, wanted: Wanted = ANYTHING) -> Recognition:
        """A tree of EL 7, but for `/nothing`."""
        found = Recognition(source, [Probe(".treeinfo", "absent", "")])
        if source == "/nothing":
            found.refusal = Invalid(f"{source}: no known installer", remedy="give the tree's root")
        else:
            found.facts = TreeFacts("rhel", "7", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img")
        return found

    async def remove(self, name: str) -> None:
        await self.store.remove_tree(name)


@dataclass
class FakeImages:
    """Builds `tiny`; `broken` fails in the middle, every other name at once."""

    async def list(self) -> list[Image]:
        return [Image("tiny", "tiny.tar.zst", "0" * 64, 10, 100)]

    async def build(self, name: str, *, tune: bool, mirror: str) -> AsyncGenerator[str | Image]:
        if name not in ("tiny", "broken"):
            raise NotFound(f"no recipe is called {name!r}")
        yield "unpacking"
        if name == "broken":
            raise Unavailable("mmdebstrap is missing", remedy="install mmdebstrap")
        yield Image(name, f"{name}.tar.zst", "0" * 64, 10, 100, tune)

    async def remove(self, name: str) -> None:
        pass


class FakeBootMedia:
    """What it gives says what it was asked."""

    async def build(self, name: str, form: str, address: str) -> bytes:
        if name == "nobody":
            raise NotFound("no guest and no machine is called 'nobody'", remedy="provisioner machine list")
        return f"{form} for {name} by {address or 'the known address'}".encode()


class FakeDifferences:
    """Remembers what it was told to keep."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, str, str]] = []

    async def keep(self, install: Install, file: str, root: str, shown: str) -> None:
        self.kept.append((install.id, file, root, shown))

    async def since_served(self, guest: str) -> str:
        return "-lang en\n+lang de\n"

    async def since_before(self, guest: str) -> str:
        raise NotFound(f"no answer file of an earlier install of {guest} is kept")


@dataclass
class FakeProfiles:
    kept: dict[str, Profile] = field(default_factory=dict)

    async def list(self) -> list[Profile]:
        return list(self.kept.values())

    async def get(self, name: str) -> Profile:
        if name not in self.kept:
            raise NotFound(f"no profile is called {name!r}")
        return self.kept[name]

    async def create(self, profile: Profile) -> None:
        self.kept[profile.name] = profile

    async def copy(self, name: str, new: str) -> Profile:
        self.kept[new] = replace(await self.get(name), name=new, shipped=False)
        return self.kept[new]

    async def preview(self, profile: Profile) -> tuple[str, Sequence[Finding]]:
        found = [Finding(2, "no disk")] if profile.disk == 1 else []
        return f"rootpw ***\nmemory {profile.memory}\n", found

    async def edit(self, profile: Profile) -> None:
        self.kept[profile.name] = profile

    async def remove(self, name: str) -> None:
        await self.get(name)
        del self.kept[name]
