"""A mirror without upstreams: the true stock on disk, filled from bytes in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from provisioner.core.errors import NotFound, Unavailable
from provisioner.core.mirror import Listed, Repository
from provisioner.core.profile import Tree
from provisioner.mirror.objects import Known, Objects
from provisioner.mirror.stock import Stock
from provisioner.service.mirror import Mirror, TreeBook
from provisioner.service.mirror_rules import Rules
from provisioner.service.ports import Clock


@dataclass
class FakeCounts:
    hits: int = 0
    misses: int = 0
    bytes_served: int = 0
    bytes_fetched: int = 0


@dataclass(frozen=True)
class FakeHealth:
    url: str
    state: Literal["ok", "aside", "down"] = "ok"
    since: float = 0.0
    reason: str = ""
    bytes: int = 0
    requests: int = 0


@dataclass
class FakeCache:
    """`upstream` has the files by source and path, `by` what vouches for one; `down` those that are away.

    `fetched` are the paths that were asked of an upstream.
    """

    objects: Objects
    upstream: dict[tuple[str, str], bytes] = field(default_factory=dict)
    by: dict[str, str] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    fetched: list[str] = field(default_factory=list)
    counted: dict[str, FakeCounts] = field(default_factory=dict)
    trimmed: list[str] = field(default_factory=list)

    async def forget(self, source: str) -> None:
        self.objects.forget(source)

    async def fill(self, source: str, path: str) -> Known:
        if found := self.objects.find(source, path):
            with found:
                return found.known
        if source in self.down:
            raise Unavailable(f"{source} does not answer")
        if (source, path) not in self.upstream:
            raise NotFound(f"{source} has no {path}")
        self.fetched.append(path)
        body = self.upstream[source, path]
        known = Known(source, path, len(body), sha256(body).hexdigest(), by=self.by.get(path, ""))
        part = self.objects.part(source, path)
        with part.file:
            part.file.write(body)
            part.keep(known)
        counts = self.counted.setdefault(source, FakeCounts())
        counts.misses += 1
        counts.bytes_fetched += len(body)
        return known

    def counts(self) -> Mapping[str, FakeCounts]:
        return dict(self.counted)

    def removed(self, place: str) -> None:
        """Nothing is served from memory."""

    async def trim(self, source: str) -> None:
        self.trimmed.append(source)

    def alarms(self) -> Sequence[str]:
        return []


@dataclass
class FakeContents:
    basics: list[Listed] = field(default_factory=list)
    more: list[Listed] = field(default_factory=list)
    packages: Repository = field(default_factory=Repository)

    async def basic(self, tree: Tree, parts: Sequence[str] = ()) -> Sequence[Listed]:
        return self.basics

    async def full(self, tree: Tree, parts: Sequence[str] = ()) -> Sequence[Listed]:
        return [*self.basics, *self.more]

    async def repository(self, tree: Tree) -> Repository:
        return self.packages


@dataclass
class FakeOrigins:
    """`archives` are the places that sources have moved to."""

    places: dict[str, list[FakeHealth]] = field(default_factory=dict)
    archives: dict[str, str] = field(default_factory=dict)

    def health(self, source: str = "") -> Sequence[FakeHealth]:
        return self.places.get(source, [])

    def archive(self, source: str) -> str:
        return self.archives.get(source, "")


class FakeMirror:
    """`mirror` is the true one."""

    def __init__(self, folder: Path, trees: TreeBook, rules: Rules, clock: Clock) -> None:
        self.objects = Objects(folder)
        self.cache = FakeCache(self.objects)
        self.contents = FakeContents()
        self.origins = FakeOrigins()
        self.selected: tuple[Sequence[Listed], Sequence[str]] = ([], [])
        self.noted: list[str] = []
        self.mirror = Mirror(
            trees,
            rules,
            self.cache,
            Stock(self.objects, folder),
            self.contents,
            self.origins,
            self._select,
            self._parts,
            clock,
            lambda source: self.noted,
        )

    def has(self, source: str, **files: bytes) -> None:
        """What the upstream has, by names with `__` for a slash and `_` for a dot."""
        for name, body in files.items():
            self.cache.upstream[source, name.replace("__", "/").replace("_", ".")] = body

    async def _parts(self, tree: Tree) -> Sequence[str]:
        return ()

    async def _select(self, tree: Tree, profile: str) -> tuple[Sequence[Listed], Sequence[str]]:
        if profile == "nobody":
            raise NotFound("no profile is called 'nobody'")
        return self.selected
