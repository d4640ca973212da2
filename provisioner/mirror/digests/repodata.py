"""Repositories of RPMs: `repomd.xml`, and the packages that `primary.xml` lists.

Both are read as they come, element by element; a document type, which may hold entities, is refused.
Source: createrepo_c's schema (doc/ in its source), read by what it writes.
"""

from collections.abc import Iterable, Iterator
from xml.parsers import expat

from provisioner.mirror.digests.table import Rows, Table

REPOMD = "repodata/repomd.xml"
_STUCK = 4 << 20
"""An element that goes on for so many bytes is none of ours."""


def read_repomd(data: bytes, by: str, signed: str = "") -> tuple[Table, dict[str, str], float]:
    """What `repomd.xml` at the path `by` says of the files beside it, the path of each kind of them
    (`primary`, `filelists`, …), and its revision, 0 where that is no number. Raises Invalid.
    """
    rows = Rows(by, _root(by))
    kinds: dict[str, str] = {}
    head: dict[str, str] = {}
    for kind, path, digest, size in _elements([data], rows, "repomd", "data", head):
        rows.add(path.encode(), digest.encode(), size)
        kinds.setdefault(kind, f"{_root(by)}/{path}".lstrip("/"))
    if "primary" not in kinds:
        raise rows.broken("it names no list of packages")
    revision = head.get("revision", "")
    return rows.table(signed), kinds, float(revision) if revision.isdigit() else 0


def read_primary(pieces: Iterable[bytes], by: str, signed: str = "") -> Table:
    """What the unpacked `primary.xml` at the path `by` says of each package. Raises Invalid.

    Packages that it places on another server are left out.
    """
    rows = Rows(by, _root(by))
    for _, path, digest, size in _elements(pieces, rows, "metadata", "package", {}):
        rows.add(path.encode(), digest.encode(), size)
    return rows.table(signed)


def _root(by: str) -> str:
    """The repository's folder of a file in its `repodata`."""
    return by.rpartition("/")[0].removesuffix("repodata").rstrip("/")


class _Element:
    """Fed by expat: what is known of one package or file, until the next begins, and what is before all."""

    def __init__(
        self, parser: expat.XMLParserType, rows: Rows, top: str, each: str, head: dict[str, str]
    ) -> None:
        self._parser = parser
        self._rows = rows
        self._top = top
        self._each = each
        self._head = head
        self._begun = False
        self._now: dict[str, str] | None = None
        self.done: list[tuple[str, str, str, str | None]] = []
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = self._refuse

    def finish(self) -> None:
        """What was begun last is whole."""
        now, self._now = self._now, None
        if now is None or "elsewhere" in now:
            return
        if not now.get("path") or not now.get("digest"):
            raise self._rows.broken("it names a file without its place or its digest")
        self.done.append((now["kind"], now["path"], now["digest"].strip(), now.get("size")))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._each:
            self.finish()
            self._now = {"kind": attributes.get("type", "")}
        elif not self._begun:
            if name != self._top:
                raise self._rows.broken(f"it begins with <{name[:40]}>, not with <{self._top}>")
            self._begun = True
        elif self._now is not None:
            self._inside(name, attributes, self._now)
        elif name == "revision":
            self._collect(name, self._head)

    def _inside(self, name: str, attributes: dict[str, str], now: dict[str, str]) -> None:
        if name == "location":
            now["path"] = attributes.get("href", "")
            if "xml:base" in attributes:
                now["elsewhere"] = "yes"
        elif name == "checksum" and attributes.get("type") is not None:
            self._collect("digest", now)
        elif name == "size" and "package" in attributes:
            now["size"] = attributes["package"]
        elif name == "size" and self._each == "data":
            self._collect("size", now)

    def _collect(self, word: str, now: dict[str, str]) -> None:
        """The text up to the element's end. Without, expat need not tell of any text or end."""
        now[word] = ""

        def text(piece: str) -> None:
            now[word] += piece

        def end(_: str) -> None:
            self._parser.CharacterDataHandler = None
            self._parser.EndElementHandler = None

        self._parser.CharacterDataHandler = text
        self._parser.EndElementHandler = end

    def _refuse(self, *_: object) -> None:
        raise self._rows.broken("it declares a document type, which no repository does")


def _elements(
    pieces: Iterable[bytes], rows: Rows, top: str, each: str, head: dict[str, str]
) -> Iterator[tuple[str, str, str, str | None]]:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    element = _Element(parser, rows, top, each, head)
    fed = 0
    try:
        for piece in pieces:
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - max(0, parser.CurrentByteIndex) > _STUCK + len(piece):
                raise rows.broken("there is an element without an end in it")
            yield from element.done
            element.done.clear()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise rows.broken(f"it is no XML: {error}") from None
    element.finish()
    yield from element.done
