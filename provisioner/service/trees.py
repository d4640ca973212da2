"""Install trees: told apart when they are added, looked at again before an install relies on them."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from provisioner.core.errors import Conflict, Invalid, NotFound, Unavailable
from provisioner.core.install import Install
from provisioner.core.machine import check_name
from provisioner.core.profile import Tree
from provisioner.core.source import is_mirror_list, kind, normalise, shown
from provisioner.distros.osinfo import system
from provisioner.service.discs import Discs, name_for
from provisioner.service.mirror_rules import Rules
from provisioner.service.ports import Store, Systems, TreeReader
from provisioner.service.recognition import ANYTHING, Recognition, Wanted, look
from provisioner.service.requests import ProfileSource

RESERVED = "images"
"""The folder of root images is served under this name."""
_NAMED = re.compile(r"[a-z][a-z0-9.-]*[0-9a-z](?<!\.iso)")
"""How osinfo-db names a system."""
_KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


class Trees:
    """`profiles` tell whether an install that runs needs a tree, `discs` which ISOs may be one.

    `unstage` removes what is kept of a tree; `systems` tell where the trees of systems lie; `rules` are told
    of each change. `reader` reads a tree as it is now, `kept` as installs get it; `forget` removes what the
    mirror has of a source.
    """

    def __init__(
        self,
        store: Store,
        reader: TreeReader,
        profiles: ProfileSource,
        unstage: Callable[[str], Awaitable[None]],
        discs: Discs | None = None,
        systems: Systems | None = None,
        rules: Rules | None = None,
        kept: TreeReader | None = None,
        forget: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._store = store
        self._reader = reader
        self._kept = kept or reader
        self._profiles = profiles
        self._unstage = unstage
        self._forget = forget
        self._discs = discs
        self._systems = systems
        self._rules = rules or Rules(store)
        self._offering = asyncio.Lock()

    async def list(self) -> list[Tree]:
        """All of them, with the ISOs that came into the media folders since."""
        await self.offer()
        return await self._store.trees()

    async def offer(self) -> None:
        """Makes a tree of each new ISO of the media folders that is one. Raises nothing of an ISO."""
        if self._discs is None:
            return
        async with self._offering:
            known = await self._store.trees()
            for path in await self._discs.fresh([tree.source for tree in known]):
                name = name_for(path, {RESERVED, *(tree.name for tree in known)})
                with suppress(Invalid, Unavailable):  # who wants to know why: provisioner tree add
                    known.append(await self.look(name, path))
                    await self._store.put_tree(known[-1])

    async def source(self, text: str) -> str:
        """A source as it is kept; a plain name is that of an ISO in the media folders. Raises Invalid."""
        return normalise(await self._discs.place(text) if self._discs else text)

    async def get(self, name: str) -> Tree:
        """Raises NotFound naming the known ones."""
        try:
            return await self._store.tree(name)
        except NotFound:
            known = ", ".join(tree.name for tree in await self._store.trees()) or "none"
            named = self._systems and await self._systems.places(name, "x86_64")
            remedy = f"provisioner tree add {name}" + (
                f"   (from {named[0]})" if named else " SOURCE   (directory, ISO file, http, ftp or nfs URL)"
            )
            raise NotFound(f"no tree is called {name!r}; known are: {known}", remedy=remedy) from None

    async def add(
        self,
        name: str,
        source: str,
        wanted: Wanted = ANYTHING,
        *,
        mirrors: Sequence[str] | None = None,
        key: str | None = None,
    ) -> Tree:
        """Reads what the tree is and remembers it; adding the same again reads it anew.

        Without a name it keeps the one that it has, or gets one that its source gives. Without a source it is
        that of the system with its name. `mirrors` are further places of the same files, `key` armoured
        OpenPGP keys; None keeps what the tree has. Raises Invalid for a source that is no tree, Unavailable
        for one that cannot be read, Conflict where the name belongs to another source.
        """
        sources, wanted = await self._sources(source or name, wanted)
        trees = await self._store.trees()
        name = name or next((tree.name for tree in trees if tree.source in sources), "")
        taken = {RESERVED, *(tree.name for tree in trees)}
        name = check_name(name or name_for(sources[0], taken), "tree name")
        if name == RESERVED:
            raise Invalid(f"the name {name} is taken by the folder of images; choose another")
        for known in trees:
            if known.name == name and shown(known.source) not in map(shown, sources):
                raise Conflict(
                    f"tree {name} is at {shown(known.source)}",
                    remedy=f"choose another name, or first: provisioner tree remove {name}",
                )
        further = None if mirrors is None else tuple(map(_mirror, mirrors))
        if key and _KEY not in key:
            raise Invalid(
                f"the key of tree {name} is no armoured OpenPGP public key",
                remedy="take the file that the distribution publishes, or: gpg --armor --export ID",
            )
        had = next((tree for tree in trees if tree.name == name), Tree(name, sources[0]))
        new = replace(
            had, mirrors=had.mirrors if further is None else further, key=had.key if key is None else key
        )
        with self._rules.expecting(new, sources):
            found = _tree(name, await self._first(sources, wanted))
        kept = {name: getattr(new, name) for name in ("mirrors", "key", "offline", "pinned", "quota")}
        tree = replace(found, **kept)
        await self.put(tree)
        return tree

    async def put(self, tree: Tree) -> None:
        """Remembers it as it is now."""
        await self._store.put_tree(tree)
        await self._rules.refresh()

    def archive(self, source: str) -> str:
        """The archive that a source is read from in its place, "" where it is not."""
        return self._reader.archive(source)

    async def look(self, name: str, source: str) -> Tree:
        """What the tree at `source` is, whole and readable. Raises Invalid, Unavailable."""
        return _tree(name, await look(self._reader, source, ANYTHING))

    async def explain(self, source: str, wanted: Wanted = ANYTHING) -> Recognition:
        """How a source is told to be a tree, or why it is none. Nothing is remembered. Raises Invalid."""
        return await self._first(*await self._sources(source, wanted))

    async def _sources(self, text: str, wanted: Wanted) -> tuple[Sequence[str], Wanted]:
        """Where a tree may lie, the likeliest first: the name of a system stands for the places of its tree.

        Raises Invalid for what is no source, NotFound for a name that nothing has.
        """
        if self._systems is None or not _NAMED.fullmatch(text):
            return [await self.source(text)], wanted
        places = await self._systems.places(text, wanted.arch or "x86_64")
        if places:
            release = wanted.release or system(text)[1]
            return [normalise(place) for place in places], replace(wanted, release=release)
        try:
            return [await self.source(text)], wanted
        except NotFound as error:
            like = ", ".join(await self._systems.like(text))
            raise NotFound(
                f"{text!r} is no system whose tree is known here, and no ISO in the media folders",
                remedy=(f"did you mean {like}? or " if like else "")
                + f"say where it lies: provisioner tree add {text} SOURCE",
            ) from error

    async def _first(self, sources: Sequence[str], wanted: Wanted) -> Recognition:
        """The first that is a tree; where none is, why the likeliest is not."""
        first = await look(self._reader, sources[0], wanted)
        for source in sources[1:] if first.refusal else ():
            found = await look(self._reader, source, wanted)
            if found.refusal is None:
                return found
        return first

    async def reachable(self, tree: Tree) -> None:
        """Raises Unavailable naming the file where the tree's kernel or initrd cannot be read."""
        for path in (tree.kernel, tree.initrd):
            if not await self._kept.exists(tree.source, path):
                raise Unavailable(
                    f"tree {tree.name} has no {shown(tree.source).rstrip('/')}/{path}",
                    remedy="look whether the tree is complete: network installs need these files",
                )

    async def remove(self, name: str) -> None:
        """Forgets the tree and what is kept of it here; its own files stay.

        Raises Conflict while an install reads it, Unavailable where what is kept cannot be removed.
        """
        source = (await self.get(name)).source
        for install in await self._store.installs(active=True):
            if await self._tree_of(install) == name:
                raise Conflict(
                    f"tree {name} is being read by the install of {install.guest}",
                    remedy=f"wait for it, or: provisioner install cancel {install.guest}",
                )
        await self._unstage(name)
        await self._store.remove_tree(name)
        await self._rules.refresh()
        if self._forget and not self._rules.trees(source):
            await self._forget(source)

    async def _tree_of(self, install: Install) -> str:
        """The tree that an install reads, "" where that cannot be told."""
        try:
            named = (await self._store.guest(install.guest)).spec.tree
        except NotFound:
            named = ""
        try:
            return named or (await self._profiles.get(install.profile)).tree
        except NotFound:
            return ""


def _mirror(text: str) -> str:
    """A further upstream, or a list of them, as it is kept. Raises Invalid."""
    if is_mirror_list(text):
        normalise(text.partition("?")[0])
        return text.strip()
    source = normalise(text)
    if kind(source) == "path":
        raise Invalid(
            f"a tree's mirror is another server, not {source} of this host",
            remedy="write http://host/path, ftp://host/path or nfs://host/export/path",
        )
    return source


def _tree(name: str, found: Recognition) -> Tree:
    facts = found.tree()
    return Tree(name, found.source, facts.family, facts.release, facts.kernel, facts.initrd, facts.arch)
