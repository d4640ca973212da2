"""What a tree is by its own metadata: what an installer reads first, what there is, which packages."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeVar

from provisioner.core.digest import Expected
from provisioner.core.errors import Invalid, Unavailable
from provisioner.core.mirror import Listed, Package, Repository
from provisioner.core.profile import Tree
from provisioner.core.source import shown
from provisioner.distros import repositories
from provisioner.distros.anaconda import TREEINFO, described
from provisioner.distros.debian_installer import ARCHES, DISK_INFO
from provisioner.distros.repositories import BY_FAMILY
from provisioner.mirror import packages_deb, packages_rpm
from provisioner.mirror.digests import debian, repodata
from provisioner.mirror.digests.table import Table
from provisioner.mirror.digests.unpack import unpack
from provisioner.mirror.stream import Stream, whole

MOST = 512 * 1024 * 1024
"""Metadata of one file is at most so long as it comes."""
Open = Callable[[str, str], AbstractAsyncContextManager[Stream]]
_SMALL = (*TREEINFO, ".discinfo", DISK_INFO, "media.repo")
_BESIDE = ("", "-updates", "-security")
"""Suites of an archive beside the one that is installed from, where it has them."""
_T = TypeVar("_T")


class Contents:
    """Satisfies `service.ports.mirror.MirrorContents`. What is read comes through the mirror, and is kept."""

    def __init__(self, open_file: Open) -> None:
        self._open = open_file

    async def basic(self, tree: Tree, parts: Sequence[str] = ()) -> Sequence[Listed]:
        """Kernel, initrd, `parts`, the small files that say what the tree is, and the lists of packages.

        Of a Debian archive also the installer's own packages: it is made of them.
        """
        named = [*(path for path in (tree.kernel, tree.initrd) if path), *parts]
        files = await self._small(tree)
        sums = _sums(files)
        found = [Listed(path, sums.get(path)) for path in named]
        found += [Listed(path, changes=True) for path in files]
        if BY_FAMILY.get(tree.family) == "apt":
            for suite in await self._suites(tree, files):
                found += suite.lists
                found += [
                    Listed(path, table[path])
                    for table in await self._tables(tree, suite, True)
                    for path in table
                ]
            return found
        for repository in await self._repositories(tree, files):
            found += repository.lists
        return found

    async def full(self, tree: Tree, parts: Sequence[str] = ()) -> Sequence[Listed]:
        """Also every package of its repositories; of a Debian archive those of its suite and processor."""
        found = list(await self.basic(tree, parts))
        files = await self._small(tree)
        found += [Listed(path, expected) for path, expected in _sums(files).items()]
        tables: list[Table] = []
        if BY_FAMILY.get(tree.family) == "apt":
            for suite in await self._suites(tree, files):
                tables += await self._tables(tree, suite, False)
        else:
            for repository in await self._repositories(tree, files):
                path = repository.kinds["primary"]
                signed = repository.table.signed
                read = partial(repodata.read_primary, by=path, signed=signed)
                tables.append(await self._parsed(tree, path, read))
        for table in tables:
            found += await asyncio.to_thread(_listed, table)
        return found

    async def repository(self, tree: Tree) -> Repository:
        """Its packages with what they give and need, and its groups."""
        files = await self._small(tree)
        packages: list[Package] = []
        groups: dict[str, tuple[str, ...]] = {}
        if BY_FAMILY.get(tree.family) == "apt":
            for suite in await self._suites(tree, files):
                for path in suite.packages:
                    packages += await self._parsed(tree, path, partial(packages_deb.read, base=suite.base))
        else:
            for found in await self._repositories(tree, files):
                path = found.kinds["primary"]
                packages += await self._parsed(tree, path, partial(packages_rpm.read, part=found.part))
                comps = found.kinds.get("group_gz") or found.kinds.get("group") or found.kinds.get("group_xz")
                if comps:
                    groups |= await self._parsed(tree, comps, packages_rpm.read_groups)
        return Repository(tuple(packages), groups)

    async def _small(self, tree: Tree) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        for path in _SMALL:
            if path in TREEINFO and found:
                continue
            if (data := await self._read(tree, path)) is not None:
                found[path] = data
        return found

    async def _repositories(self, tree: Tree, files: Mapping[str, bytes]) -> "list[_Rpm]":
        found = []
        for part in repositories.folders(files):
            path = f"{part}/{repodata.REPOMD}".lstrip("/")
            if (data := await self._read(tree, path)) is None:
                continue
            table, kinds, _ = repodata.read_repomd(data, path)
            found.append(_Rpm(part, path, table, kinds))
        return found

    async def _suites(self, tree: Tree, files: Mapping[str, bytes]) -> "list[_Suite]":
        name = repositories.suite_of(tree, files)
        found = []
        for suite in (f"{name}{ending}" for ending in _BESIDE if name):
            for file in ("InRelease", "Release"):
                path = f"dists/{suite}/{file}"
                if (data := await self._read(tree, path)) is not None:
                    arches = [next((old for old, new in ARCHES.items() if new == tree.arch), tree.arch)]
                    if b"\nNo-Support-for-Architecture-all:" not in data:
                        arches.append("all")
                    found.append(
                        _Suite(
                            suite, arches, debian.read_release(data, path), b"Acquire-By-Hash: yes" in data
                        )
                    )
                    break
        return found

    async def _tables(self, tree: Tree, suite: "_Suite", installer: bool) -> list[Table]:
        paths = suite.udebs if installer else suite.packages
        read = partial(debian.read_packages, base=suite.base)
        return [await self._parsed(tree, path, partial(read, by=path)) for path in paths]

    async def _parsed(self, tree: Tree, path: str, read: Callable[[Iterable[bytes]], _T]) -> _T:
        """What a list of packages says; it is unpacked and read in a thread. Raises Unavailable, Invalid."""
        data = await self._read(tree, path)
        if data is None:
            raise Unavailable(
                f"{shown(tree.source)}/{path} is not there, though its repository names it",
                remedy="the mirror is half-synced: try again later, or name another",
            )
        return await asyncio.to_thread(lambda: read(unpack([data], path)))

    async def _read(self, tree: Tree, path: str) -> bytes | None:
        async with self._open(tree.source, path) as stream:
            if stream.status != 200:
                return None
            data = await whole(stream.chunks(), MOST)
        if data is None:
            raise Invalid(f"{shown(tree.source)}/{path} is longer than {MOST >> 20} MiB")
        return data


def _sums(files: Mapping[str, bytes]) -> Mapping[str, Expected]:
    """What `.treeinfo` says of the tree's files."""
    for path in TREEINFO:
        if path in files:
            said = described({path: files[path]})
            sums = said.checksums if said else {}
            return {
                name: Expected(text.partition(":")[0], text.partition(":")[2], None, path)
                for name, text in sums.items()
            }
    return {}


class _Rpm:
    """One repository of RPMs: `table` what its repomd says of the lists, `kinds` their paths by kind."""

    def __init__(self, part: str, path: str, table: Table, kinds: Mapping[str, str]) -> None:
        self.part = part
        self.table = table
        self.kinds = kinds
        self.lists = [
            Listed(path, changes=True),
            Listed(f"{path}.asc", optional=True, changes=True),
            Listed(f"{path}.key", optional=True, changes=True),
            *(Listed(name, table[name]) for name in table),
        ]


class _Suite:
    """One suite of a Debian archive, for these processors. `packages` and `udebs` are paths of lists."""

    def __init__(self, name: str, arches: Sequence[str], table: Table, by_hash: bool) -> None:
        folder = f"dists/{name}"
        self.base = ""
        wanted = [
            path
            for path in table
            if any(_is_list(path.removeprefix(f"{folder}/"), arch) for arch in arches)
            and (table[path].size or 0)
        ]
        self.lists = [
            *(
                Listed(f"{folder}/{file}", optional=True, changes=True)
                for file in ("InRelease", "Release", "Release.gpg")
            ),
            *(Listed(path, table[path], optional=True) for path in wanted),
        ]
        if by_hash:
            self.lists += [
                Listed(
                    f"{path.rpartition('/')[0]}/by-hash/SHA256/{table[path].digest}",
                    table[path],
                    optional=True,
                )
                for path in wanted
                if path.endswith(".xz") and table[path].algorithm == "sha256"
            ]
        lists = _smallest(path for path in wanted if "/Packages" in path)
        self.udebs = [path for path in lists if "/debian-installer/" in path]
        self.packages = [path for path in lists if "/debian-installer/" not in path]


def _is_list(path: str, arch: str) -> bool:
    """Whether an installer or apt reads a suite's file: lists of packages, of English words, of images."""
    folder, _, name = path.rpartition("/")
    if folder.endswith(f"/binary-{arch}"):
        return name in ("Packages.gz", "Packages.xz", "Release")
    if folder.endswith("/i18n"):
        return name in ("Translation-en.xz", "Translation-en.bz2")
    return path.endswith(f"/installer-{arch}/current/images/SHA256SUMS")


def _smallest(paths: Iterable[str]) -> list[str]:
    """One path of each list, xz before gzip."""
    found: dict[str, str] = {}
    for path in sorted(paths, reverse=True):
        found.setdefault(path.rpartition(".")[0], path)
    return list(found.values())


def _listed(table: Table) -> list[Listed]:
    return [Listed(path, table[path]) for path in table]
