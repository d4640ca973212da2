"""What lies at a source: which files were asked for, what was found, what was concluded from it."""

import asyncio
import re
from dataclasses import dataclass, field

from provisioner.core.errors import Invalid, ProvisionerError, Unavailable
from provisioner.core.source import kind, shown
from provisioner.distros.base import TreeFacts
from provisioner.distros.detect import recognise, rounds, told, unknown
from provisioner.service.ports import TreeReader

_PAGE = re.compile(rb"\s*(<!--.*?-->\s*)?(<\?xml[^>]*>\s*)?<(!doctype )?html", re.IGNORECASE | re.DOTALL)
_FOLDER = re.compile(rb"""<a\s[^>]*href=["']?(?:\./)?([A-Za-z0-9][^"'/?#:]*)/["']?""", re.IGNORECASE)
_WEB = "a web page"
_WINDOWS = "sources/boot.wim"
_LISTED = 12
_OTHERS = ("aarch64",)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person says of a tree: `arch` and `release` of one for several, with `family` of a silent one.

    `verify` reads the files whose checksums the tree names, wherever they are.
    """

    arch: str = ""
    family: str = ""
    release: str = ""
    verify: bool = False


ANYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to a source: the path that was `asked` for, what was `found`, what it `says`."""

    asked: str
    found: str
    says: str


@dataclass(slots=True)
class Recognition:
    """How a source was looked at. `refusal` says why it is no tree; without one there are `facts`.

    `there` tells of files that were asked for without reading them.
    """

    source: str
    probes: list[Probe] = field(default_factory=list)
    facts: TreeFacts | None = None
    refusal: ProvisionerError | None = None
    there: dict[str, bool] = field(default_factory=dict)

    def tree(self) -> TreeFacts:
        """Raises Invalid for a source that is no tree, Unavailable for one that is not whole."""
        if self.facts is None:
            raise self.refusal or Invalid(f"{shown(self.source)} was not looked at")
        return self.facts


async def look(reader: TreeReader, source: str, wanted: Wanted) -> Recognition:
    """Asks as few questions as tell the tree, and then whether what it needs is there. Raises nothing."""
    found = Recognition(source)
    try:
        found.facts = await _facts(reader, found, wanted)
        await _whole(reader, found, found.facts, wanted.verify)
    except (Invalid, Unavailable) as error:
        found.facts, found.refusal = None, error
    if archive := reader.archive(source):
        found.probes.insert(0, Probe(shown(source), "404", f"gone; read from its archive {shown(archive)}"))
    return found


async def _facts(reader: TreeReader, found: Recognition, wanted: Wanted) -> TreeFacts:
    source, files = found.source, dict[str, bytes]()
    for paths in rounds(source):
        files |= await _ask(reader, found, paths, wanted.arch)
        try:
            facts = recognise(files, wanted.arch, "" if wanted.family else wanted.release)
        except Invalid as error:
            raise Invalid(f"{shown(source)}: {error}", remedy=error.remedy) from error
        if facts is not None:
            return await _machine(reader, found, files, facts, wanted)
    if wanted.family:
        return told(files, wanted.family, wanted.release, wanted.arch)
    other = recognise(files, wanted.arch)
    if other is not None:
        raise Invalid(
            f"{shown(source)} holds {other.family} {other.release}, not {wanted.release}",
            remedy="name a mirror that still has it: old releases move to archives",
        )
    page = next((probe.asked for probe in found.probes if probe.found == _WEB), "")
    if page and not files:
        raise Invalid(
            f"{shown(source)}/{page} is a web page, and no file of a tree: "
            "the server asks for a login, or shows a page for what it does not have",
            remedy="open the address in a browser; name a mirror that anybody may read",
        )
    raise await _nothing(reader, found, unknown(files), seen=bool(files))


async def _machine(
    reader: TreeReader, found: Recognition, files: dict[str, bytes], facts: TreeFacts, wanted: Wanted
) -> TreeFacts:
    """The facts for the processor that the tree turns out to be for, where its files do not say which."""
    for arch in () if wanted.arch else _OTHERS:
        other = _other(files, arch, facts.release)
        if other and other.kernel != facts.kernel and not await _there(reader, found, facts.kernel):
            return other
    return facts


def _other(files: dict[str, bytes], arch: str, release: str) -> TreeFacts | None:
    try:
        return recognise(files, arch, release)
    except Invalid:
        return None


async def _ask(reader: TreeReader, found: Recognition, paths: tuple[str, ...], arch: str) -> dict[str, bytes]:
    """Those of the files that are there, all asked for at once.

    Raises the first failure, when all have ended: nobody is left behind.
    """
    asked = (reader.read(found.source, path) for path in paths)
    read = dict(zip(paths, await asyncio.gather(*asked, return_exceptions=True), strict=True))
    found.probes += [_probe(path, data, arch) for path, data in read.items()]
    for data in read.values():
        if isinstance(data, BaseException):
            raise data
    return {path: data for path, data in read.items() if isinstance(data, bytes) and not _PAGE.match(data)}


def _probe(path: str, data: bytes | BaseException | None, arch: str) -> Probe:
    if isinstance(data, BaseException):
        return Probe(path, "no answer", str(data))
    if data is None:
        return Probe(path, "absent", "")
    if _PAGE.match(data):
        return Probe(path, _WEB, "the server shows a page for what it does not have")
    found = f"{len(data)} bytes"
    try:
        facts = recognise({path: data}, arch)
    except Invalid as error:
        return Probe(path, found, str(error))
    says = f"{facts.family} {facts.release} for {facts.arch}" if facts else "nothing that a family knows"
    return Probe(path, found, says)


async def _whole(reader: TreeReader, found: Recognition, facts: TreeFacts, verify: bool) -> None:
    """Whether the files that an install begins with are there, and are those that the tree names."""
    near = kind(found.source) == "path"
    for path in (facts.kernel, facts.initrd, *facts.parts):
        checksum = facts.checksums.get(path, "")
        if not await _there(reader, found, path):
            raise Unavailable(
                f"{shown(found.source)} is not all of {facts.family} {facts.release}: {path} is missing",
                remedy=facts.remedy,
            )
        if not checksum or not (near or verify):
            continue
        if not await reader.matches(found.source, path, checksum):
            found.probes.append(Probe(path, "another file", f"the tree's is of {checksum}"))
            raise Invalid(
                f"{shown(found.source)}: {path} is not the file that the tree's .treeinfo names, {checksum}",
                remedy="fetch the tree anew: half of it is of another time, or was changed on the way",
            )
        found.probes.append(Probe(path, "all of it", "it is what its checksum says"))


async def _there(reader: TreeReader, found: Recognition, path: str) -> bool:
    """Whether the tree has the file, asked once."""
    if path not in found.there:
        found.there[path] = await reader.exists(found.source, path)
        found.probes.append(Probe(path, "there" if found.there[path] else "absent", ""))
    return found.there[path]


async def _nothing(reader: TreeReader, found: Recognition, refusal: Invalid, *, seen: bool) -> Invalid:
    """Why nothing was recognised, with what else lies there."""
    source = found.source
    if await _there(reader, found, _WINDOWS):
        return Invalid(
            f"{shown(source)} is a medium of Windows, which is not installed from a tree",
            remedy="guest create NAME --cdrom ISO --osinfo win11 starts it, and you answer it",
        )
    folders = [] if seen or kind(source) != "http" else await _listing(reader, found)
    if folders:
        return Invalid(
            f"{shown(source)} is a listing of folders and no tree: {', '.join(folders[:_LISTED])}",
            remedy=f"name the folder that holds .treeinfo or dists/: {_below(source, folders)}",
        )
    return Invalid(f"{shown(source)}: {refusal}", remedy=refusal.remedy)


async def _listing(reader: TreeReader, found: Recognition) -> list[str]:
    """The folders that a server lists at the source itself, none where it lists nothing."""
    try:
        data = await reader.read(found.source, "")
    except (Invalid, Unavailable):
        return []
    folders = list(dict.fromkeys(name.decode("utf-8", "replace") for name in _FOLDER.findall(data or b"")))
    found.probes.append(Probe("", "a listing" if folders else "no listing", ", ".join(folders[:_LISTED])))
    return folders


def _below(source: str, folders: list[str]) -> str:
    """Where among such folders a tree usually is."""
    ways = {"BaseOS": "BaseOS/x86_64/os", "os": "os", "x86_64": "x86_64", "repo": "repo/oss"}
    way = next((way for name, way in ways.items() if name in folders), folders[0])
    return f"{shown(source)}/{way}"
