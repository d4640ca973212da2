"""What the mirror may do with each source, remembered: whoever serves a file need not ask the store."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from provisioner.core.errors import Conflict
from provisioner.core.profile import Tree


class TreeList(Protocol):
    async def trees(self) -> Sequence[Tree]: ...


class Rules:
    """Of a source that several trees have, each one's wish counts: the more careful of two is taken.

    `switch` is a file that is there while everything is offline, None where that is not remembered;
    `offline` is the setting, which no switch overrules.
    """

    def __init__(self, store: TreeList, switch: Path | None = None, *, offline: bool = False) -> None:
        self._store = store
        self._switch = switch
        self._setting = offline
        self._switched = self._is_switched()
        self._known: dict[str, list[Tree]] = {}
        self._expected: list[Tree] = []

    async def refresh(self) -> None:
        """Reads the trees anew: at the start, after each change, and now and then for other services'."""
        known: dict[str, list[Tree]] = {}
        for tree in await self._store.trees():
            known.setdefault(tree.source, []).append(tree)
        self._known = known
        self._switched = self._is_switched()

    @contextmanager
    def expecting(self, tree: Tree, sources: Iterable[str]) -> Iterator[None]:
        """Meanwhile the tree is being looked at: it has its mirrors and keys, at whichever source it lies."""
        expected = [replace(tree, source=source) for source in sources]
        self._expected.extend(expected)
        try:
            yield
        finally:
            self._expected = [tree for tree in self._expected if tree not in expected]

    def sources(self) -> Sequence[str]:
        return list(self._known)

    def upstreams(self) -> Sequence[str]:
        """All that an operator named: sources and mirrors, of trees that are being looked at too."""
        trees = [*(tree for known in self._known.values() for tree in known), *self._expected]
        return [url for tree in trees for url in (tree.source, *tree.mirrors)]

    def trees(self, source: str) -> Sequence[Tree]:
        """Those that have it, the one that is being looked at in place of what it was."""
        new = [tree for tree in self._expected if tree.source == source]
        names = {tree.name for tree in new}
        return [tree for tree in self._known.get(source, ()) if tree.name not in names] + new

    @property
    def all_offline(self) -> bool:
        return self._setting or self._switched

    def switch_all(self, on: bool) -> None:
        """Raises Conflict where the setting keeps everything offline."""
        if self._setting and not on:
            raise Conflict(
                "the setting mirror_offline keeps every tree offline",
                remedy="take mirror_offline out of the settings and start the service again",
            )
        if self._switch is None:
            pass
        elif on:
            self._switch.parent.mkdir(parents=True, exist_ok=True)
            self._switch.touch()
        else:
            self._switch.unlink(missing_ok=True)
        self._switched = on

    def _is_switched(self) -> bool:
        return self._switch is not None and self._switch.exists()

    def offline(self, source: str) -> bool:
        """Whether no upstream of the source may be asked."""
        return self.all_offline or any(tree.offline for tree in self.trees(source))

    def pinned(self, source: str) -> bool:
        """Whether what is kept of it makes no room for others."""
        return any(tree.pinned for tree in self.trees(source))

    def quota(self, source: str) -> int:
        """The most bytes that are kept of it, 0 for no limit of its own."""
        return min((tree.quota for tree in self.trees(source) if tree.quota), default=0)

    def mirrors(self, source: str) -> Sequence[str]:
        """Further upstreams of the same files, in the order in which they were given."""
        found = dict.fromkeys(mirror for tree in self.trees(source) for mirror in tree.mirrors)
        return [mirror for mirror in found if mirror != source]

    def keys(self, source: str) -> str:
        """Armoured OpenPGP public keys that its metadata must be signed with, "" where none were given."""
        return "\n".join(dict.fromkeys(tree.key for tree in self.trees(source) if tree.key))
