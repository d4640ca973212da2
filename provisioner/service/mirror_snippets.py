"""The configuration of an installed system that gets its packages through this mirror."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime

from provisioner.core import urls
from provisioner.core.errors import Invalid, NotFound, Unavailable
from provisioner.core.profile import Tree
from provisioner.distros import repositories
from provisioner.distros.anaconda import TREEINFO
from provisioner.distros.repositories import BY_FAMILY, FORMS, Form, Suite
from provisioner.service.ports import Clock, TreeReader
from provisioner.service.requests import TreeSource

_SMALL = (".treeinfo", "treeinfo", ".discinfo", ".disk/info")
_BESIDE: Mapping[str, Sequence[str]] = {"debian": ("-updates",), "ubuntu": ("-updates", "-security")}


class MirrorSnippets:
    """`served` gives interface to our address on it, `address` is the setting `guest_address`."""

    def __init__(
        self,
        trees: TreeSource,
        reader: TreeReader,
        served: Callable[[], Mapping[str, str]],
        port: int,
        clock: Clock,
        address: str = "",
    ) -> None:
        self._trees = trees
        self._reader = reader
        self._served = served
        self._port = port
        self._clock = clock
        self._address = address

    async def snippet(self, name: str, form: str = "", address: str = "") -> str:
        """Text for one of `FORMS`, "" for the one of the tree's family. `address` is ours, "" for the known.

        Raises NotFound where the tree has no repository of that kind, Invalid, Unavailable.
        """
        tree = await self._trees.get(name)
        wanted: Form | None = next((known for known in FORMS if known == form), None)
        if form and wanted is None:
            raise Invalid(f"format {form!r} is not known; use {', '.join(FORMS)}")
        wanted = wanted or BY_FAMILY.get(tree.family, "dnf")
        files: dict[str, bytes] = {}
        for path in _SMALL:
            if path not in TREEINFO or not files:
                with suppress(Unavailable):  # an offline tree has not kept what it never had
                    if (data := await self._reader.read(tree.source, path)) is not None:
                        files[path] = data
        url = urls.tree(self._root(address), tree.name).rstrip("/")
        if wanted == "apt":
            return repositories.apt(tree, url, await self._suites(tree, files))
        parts = await self._having(tree, repositories.folders(files), "repodata/repomd.xml")
        if not parts:
            raise NotFound(
                f"tree {name} has no repository of RPM packages", remedy="name another format: --format apt"
            )
        if wanted == "dnf":
            return repositories.dnf(tree, url, parts, repositories.key_of(tree, files))
        keyed = await self._having(tree, parts, "repodata/repomd.xml.key", needed=False)
        return repositories.zypper(tree, url, parts, keyed)

    async def _having(
        self, tree: Tree, folders: Sequence[str], file: str, *, needed: bool = True
    ) -> Sequence[str]:
        """Those that have a file. Raises Unavailable where that cannot be told of any, and is needed."""
        found, refusal = list[str](), None
        for folder in folders:
            try:
                if await self._reader.exists(tree.source, _beside(folder, file)):
                    found.append(folder)
            except Unavailable as error:
                refusal = refusal or error
        if refusal and needed and not found:
            raise refusal
        return found

    async def _suites(self, tree: Tree, files: Mapping[str, bytes]) -> Sequence[Suite]:
        first = repositories.suite_of(tree, files)
        names = [first, *(first + ending for ending in _BESIDE.get(tree.family, ()))] if first else []
        found = [suite for name in names if (suite := await self._suite(tree, name))]
        if not found:
            raise NotFound(
                f"tree {tree.name} has no archive of Debian packages that is known by its suite",
                remedy="name another format: --format dnf",
            )
        return found

    async def _suite(self, tree: Tree, name: str) -> Suite | None:
        folder = f"dists/{name}"
        release = None
        for file in ("InRelease", "Release"):
            with suppress(Unavailable):
                release = release or await self._reader.read(tree.source, f"{folder}/{file}")
        if release is None:
            return None
        fields = dict(
            line.split(": ", 1) for line in release.decode("utf-8", "replace").splitlines() if ": " in line
        )
        signed = False
        for file in ("InRelease", "Release.gpg"):
            with suppress(Unavailable):
                signed = signed or await self._reader.exists(tree.source, f"{folder}/{file}")
        return Suite(
            name,
            fields.get("Components", "main"),
            signed,
            _past(fields.get("Valid-Until", ""), self._clock()),
        )

    def _root(self, address: str) -> str:
        known = [address or self._address]
        if not known[0]:
            known = list(dict.fromkeys(self._served().values()))
        if len(known) != 1:
            raise Invalid(
                "by which address the system reaches this service cannot be told: "
                f"{', '.join(known) or 'none is served'}",
                remedy="name it with --address, or set guest_address",
            )
        return urls.base(known[0], self._port)


def _beside(part: str, path: str) -> str:
    return f"{part}/{path}" if part else path


def _past(date: str, now: datetime) -> bool:
    try:
        return parsedate_to_datetime(date) < now
    except (ValueError, TypeError):
        return False
