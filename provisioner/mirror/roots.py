"""The files that all else of a repository hangs on, and which of them governs a path.

| kind | root files | then |
|---|---|---|
| `rpm` | `repodata/repomd.xml`, its `.asc` | the rest of `repodata/`; packages by `primary` |
| `debian` | `InRelease`, `Release`, `Release.gpg` of a suite | the suite's indexes; packages by `Packages` |
| `treeinfo` | `.treeinfo` or `treeinfo` | kernel, initrd, runtime |
| `sums` | `SHA256SUMS`, `CHECKSUMS`, `content` … with a signature beside it | the files of its folder |
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Literal

from provisioner.mirror.digests import debian, repodata, sums, treeinfo
from provisioner.mirror.digests.table import Rows, Table

Kind = Literal["rpm", "debian", "treeinfo", "sums"]
_SIGNATURES = (".asc", ".gpg", ".sign")
_RPM = (".rpm", ".drpm")
_DEBIAN = (".deb", ".udeb", ".ddeb", ".dsc", ".diff.gz")
_INSTALLER = "images"
"""Below it in a suite lie the installer's files, in front of whose folder is a list of their own."""
_TREE: tuple[tuple[Kind, str], ...] = (
    *(("treeinfo", name) for name in treeinfo.NAMES),
    *(("sums", name) for name in ("SHA256SUMS", "CHECKSUMS", "content")),
)
"""What is looked for at the root of a tree."""


@dataclass(frozen=True, slots=True)
class Root:
    """`place` is the repository's folder for `rpm`, the suite's for `debian`, else the file itself."""

    kind: Kind
    place: str

    @property
    def mains(self) -> tuple[str, ...]:
        """One of these has to be there; the first that is counts."""
        if self.kind == "rpm":
            return (_join(self.place, repodata.REPOMD),)
        if self.kind == "debian":
            return (f"{self.place}/InRelease", f"{self.place}/Release")
        return (self.place,)

    @property
    def signatures(self) -> tuple[str, ...]:
        """Detached ones, of the last of the mains."""
        if self.kind == "debian":
            return (f"{self.place}/Release.gpg",)
        if self.kind == "treeinfo":
            return ()
        endings = (".asc",) if self.kind == "rpm" else _SIGNATURES
        return tuple(self.mains[-1] + ending for ending in endings)

    @property
    def files(self) -> tuple[str, ...]:
        return self.mains + self.signatures

    @property
    def base(self) -> str:
        """The folder below which all lies that the root governs, "" or with a slash behind it."""
        if self.kind == "rpm":
            return f"{self.place}/" if self.place else ""
        if self.kind == "debian":
            return f"/{self.place}".rpartition("/dists/")[0].removeprefix("/") + "/" * (
                "/dists/" in self.place
            )
        return self.place.rpartition("/")[0] + "/" * ("/" in self.place)


@dataclass(frozen=True, slots=True)
class Reading:
    """What root files say: `members` of the files that they name, `kinds` of an `rpm` repository's lists.

    `stamp` tells which of two states is the newer one, 0 where they do not say; `torn` why the root files
    are not of one time, "" where they are.
    """

    members: Table
    kinds: Mapping[str, str] = field(default_factory=dict)
    stamp: float = 0
    torn: str = ""


def read(root: Root, files: Mapping[str, bytes], signed: str = "") -> Reading:
    """Raises Invalid for root files that cannot be read."""
    main = next(path for path in root.mains if path in files)
    data = files[main]
    if root.kind == "rpm":
        table, kinds, revision = repodata.read_repomd(data, main, signed)
        return Reading(table, kinds, revision)
    if root.kind == "debian":
        text = sums.cleartext(data, Rows(main))
        twin = files.get(root.mains[-1], text)
        torn = "" if twin.strip() == text.strip() else f"{main} and Release are of different times"
        return Reading(debian.read_release(data, main, signed), stamp=_date(text), torn=torn)
    reader = treeinfo.read if root.kind == "treeinfo" else sums.read
    return Reading(reader(data, main, signed))


def governing(path: str, known: Collection[Root]) -> Iterator[Root]:
    """The roots that may say what the file at `path` must be, the likeliest first.

    `known` are those that the tree was seen to have: of packages only they are asked, and where there is
    none of their kind the folders above an RPM.
    """
    folder, _, name = path.rpartition("/")
    parts = path.split("/")
    if "repodata" in parts[:-1]:
        yield Root("rpm", "/".join(parts[: parts.index("repodata")]))
    elif name.endswith(_RPM):
        yield from _above(path, known) or _folders(folder)
    elif "dists" in parts[:-2]:
        yield _suite(parts, known)
        if _INSTALLER in parts[:-1]:
            images = parts[: parts.index(_INSTALLER) + 1]
            yield Root("sums", "/".join([*images, "SHA256SUMS"]))
    elif name.endswith(_DEBIAN) or "pool" in parts[:-1]:
        yield from (root for root in known if root.kind == "debian" and path.startswith(root.base))
    else:
        yield from _tree(path, folder, name, known)


def lists(root: Root, reading: Reading, path: str, used: Collection[str]) -> Iterator[str]:
    """Paths of the members that may name the file at `path`, without what they are packed with.

    `used` are those that somebody has read before.
    """
    if root.kind == "rpm":
        yield reading.kinds["primary"]
    elif root.kind == "debian" and path.startswith(root.place + "/") and not path.endswith(_DEBIAN):
        parts = path.split("/")
        if _INSTALLER in parts[:-1]:
            yield "/".join([*parts[: parts.index(_INSTALLER) + 1], "SHA256SUMS"])
    elif root.kind == "debian":
        yield from (name for name in used if name.endswith("/Packages"))


def unpacked(path: str) -> str:
    """The name of a list without what it is packed with, "" for what is none of a suite's."""
    name, _, ending = path.rpartition(".")
    bare = name if ending in ("xz", "gz", "bz2", "zst") else path
    return bare if bare.endswith(("/Packages", f"/{_INSTALLER}/SHA256SUMS")) else ""


def packed(bare: str, members: Table) -> Iterator[str]:
    """The members that are this list, the best packed first."""
    return (bare + ending for ending in (".xz", ".gz", ".zst", ".bz2", "") if bare + ending in members)


def read_list(root: Root, path: str, pieces: Iterator[bytes], signed: str) -> Table:
    """What one of `lists` says, unpacked. Raises Invalid."""
    if root.kind == "rpm":
        return repodata.read_primary(pieces, path, signed)
    if path.endswith("SHA256SUMS"):
        return sums.read(b"".join(pieces), path, signed)
    return debian.read_packages(pieces, path, root.base.rstrip("/"), signed)


def _suite(parts: list[str], known: Collection[Root]) -> Root:
    """A known one; else the folder of a Release, or the one right below dists."""
    path, at = "/".join(parts), parts.index("dists")
    longest = max(
        (root for root in known if root.kind == "debian" and path.startswith(root.place + "/")),
        key=lambda root: len(root.place),
        default=None,
    )
    is_root = parts[-1] in ("InRelease", "Release", "Release.gpg") and not parts[-2].startswith("binary-")
    if is_root and parts[-2] != "source":
        return Root("debian", "/".join(parts[:-1]))
    return longest or Root("debian", "/".join(parts[: at + 2]))


def _above(path: str, known: Collection[Root]) -> list[Root]:
    """Known repositories around an RPM, the nearest first."""
    around = [root for root in known if root.kind == "rpm" and path.startswith(root.base)]
    return sorted(around, key=lambda root: -len(root.place))


def _folders(folder: str) -> list[Root]:
    parts = folder.split("/") if folder else []
    return [Root("rpm", "/".join(parts[:end])) for end in range(len(parts), -1, -1)][-4:]


def _tree(path: str, folder: str, name: str, known: Collection[Root]) -> Iterator[Root]:
    for ending in ("", *_SIGNATURES):
        bare = name.removesuffix(ending)
        if bare in treeinfo.NAMES or bare in sums.NAMES:
            yield Root("treeinfo" if bare in treeinfo.NAMES else "sums", _join(folder, bare))
            return
    near = [root for root in known if root.kind in ("treeinfo", "sums") and path.startswith(root.base)]
    yield from sorted(near, key=lambda root: -len(root.base))
    yield from (root for root in (Root(*row) for row in _TREE) if root not in near)


def guessed(root: Root, path: str) -> Iterator[str]:
    """Lists that nobody has read, by the archive's custom: pool/COMPONENT/…_ARCH.deb."""
    if root.kind != "debian":
        return
    inner = path.removeprefix(root.base).split("/")
    arch = inner[-1].rpartition("_")[2].partition(".")[0]
    if inner[0] == "pool" and len(inner) > 2 and "_" in inner[-1]:
        installer = "debian-installer/" if path.endswith(".udeb") else ""
        yield f"{root.place}/{inner[1]}/{installer}binary-{arch}/Packages"


def _date(release: bytes) -> float:
    for line in release.split(b"\n"):
        if line.startswith(b"Date:"):
            try:
                return parsedate_to_datetime(line[5:].decode().strip()).timestamp()
            except (ValueError, TypeError, OverflowError):
                return 0
    return 0


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
