"""The packages that a profile installs, with all that they need, as far as the tree's metadata tells."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from provisioner.answers.context import AnswerContext
from provisioner.answers.named import Named, named
from provisioner.core.errors import Invalid
from provisioner.core.mirror import Listed, Package, Repository
from provisioner.core.profile import Tree
from provisioner.service.answers import sample
from provisioner.service.contexts import completed
from provisioner.service.kernel_line import answer_file
from provisioner.service.ports.mirror import MirrorContents
from provisioner.service.requests import ProfileSource


class Renders(Protocol):
    async def rendered(self, template: str, context: AnswerContext) -> str: ...


class Selection:
    """Called with a tree and the name of a profile."""

    def __init__(self, profiles: ProfileSource, answers: Renders, contents: MirrorContents) -> None:
        self._profiles = profiles
        self._answers = answers
        self._contents = contents

    async def __call__(self, tree: Tree, profile: str) -> tuple[Sequence[Listed], Sequence[str]]:
        """Files of packages, and the names that no package of the tree has. Raises NotFound, Invalid."""
        found = await self._profiles.get(profile)
        if found.family != tree.family:
            raise Invalid(
                f"profile {profile} is for the installer of family {found.family}, "
                f"and tree {tree.name} is of family {tree.family}",
                remedy="name a profile of the same family: provisioner profile list",
            )
        context = sample(found, found.release or tree.release)
        text = await self._answers.rendered(completed(found, context.release).template, context)
        asked = named(text, answer_file(found, tree))
        repository = await self._contents.repository(tree)
        return await asyncio.to_thread(resolve, repository, asked)


def resolve(repository: Repository, asked: Named) -> tuple[list[Listed], list[str]]:
    """The files of what is asked for and of all it needs, and the names that nothing gives.

    Each version of a package is taken where a repository has several. Of alternatives one that is chosen
    already counts, else the first that is there; whether versions fit is left to the installer.
    """
    return _Solver(repository, asked).solve()


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


class _Solver:
    def __init__(self, repository: Repository, asked: Named) -> None:
        self._repository = repository
        self._asked = asked
        self._named: defaultdict[str, list[Package]] = defaultdict(list)
        self._giving: defaultdict[str, list[Package]] = defaultdict(list)
        for package in repository.packages:
            self._named[package.name].append(package)
            for name in package.gives:
                self._giving[name].append(package)
        self._excluded = {name for name in asked.excluded if not _is_pattern(name)} | {
            name
            for pattern in filter(_is_pattern, asked.excluded)
            for name in self._named
            if fnmatchcase(name, pattern)
        }
        self._chosen: dict[str, list[Package]] = {}
        self._given: set[str] = set()
        self._left: deque[Package] = deque()
        self._missing: dict[str, None] = {}

    def solve(self) -> tuple[list[Listed], list[str]]:
        for name in self._wanted():
            self._need((name,))
        for name in self._asked.added:
            self._need((name,), optional=True)
        likes: deque[Package] = deque()
        while self._left or likes:
            if not self._left:  # what is needed first: it may be what is liked elsewhere
                for names in likes.popleft().wants:
                    self._need(names, optional=True)
                continue
            package = self._left.popleft()
            if self._asked.weak:
                likes.append(package)
            for names in package.needs:
                self._need(names)
        files = [package.file for chosen in self._chosen.values() for package in chosen]
        return files, list(self._missing)

    def _wanted(self) -> Iterable[str]:
        levels = set(self._asked.levels)
        yield from (
            package.name for package in self._repository.packages if levels and package.level in levels
        )
        seen: set[str] = set()
        groups = deque(self._asked.groups)
        while groups:
            group = groups.popleft()
            if group in seen or f"@{group}" in self._excluded:
                continue
            seen.add(group)
            members = self._group(group)
            if members is None:
                self._missing[f"@{group}"] = None
                continue
            groups += [name[1:] for name in members if name.startswith("@")]
            # A group may name what a processor's packages do not have.
            yield from (name for name in members if name in self._named)
        for name in self._asked.packages:
            if _is_pattern(name):
                yield from (known for known in self._named if fnmatchcase(known, name))
            else:
                yield name

    def _group(self, group: str) -> Sequence[str] | None:
        """Its members; SUSE's patterns are packages themselves."""
        known = self._repository.groups.get(group)
        if known is not None:
            return known
        return [
            name for name in self._named if name.startswith("patterns-") and name.endswith(f"-{group}")
        ] or None

    def _need(self, names: Sequence[str], *, optional: bool = False) -> None:
        if any(name in self._given for name in names):
            return
        for name in names:
            if name in self._excluded:
                continue
            found = self._named.get(name) or self._provider(name)
            if found:
                self._choose(found)
                return
        if not optional and not any(name in self._excluded for name in names):
            self._missing[" or ".join(names)] = None

    def _provider(self, name: str) -> list[Package]:
        """Of several packages that give the same, the one with the shortest name is the ordinary one."""
        givers = [giver for giver in self._giving.get(name, ()) if giver.name not in self._excluded]
        if not givers:
            return []
        best = min(givers, key=lambda package: (len(package.name), package.name)).name
        return self._named[best]

    def _choose(self, packages: Sequence[Package]) -> None:
        name = packages[0].name
        if name in self._chosen:
            return
        self._chosen[name] = list(packages)
        self._given.add(name)
        for package in packages:
            self._given |= package.gives
            self._left.append(package)
