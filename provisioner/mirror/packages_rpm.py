"""Packages of RPM repositories with what they give and need, and their groups.

Source: createrepo_c's schema; rpm.org, "Boolean Dependencies"; fedora's comps DTD.
"""

import re
from collections.abc import Iterable
from xml.parsers import expat

from provisioner.core.digest import Expected
from provisioner.core.errors import Invalid
from provisioner.core.mirror import Listed, Package

_INSIDE = ("rpmlib(", "config(", "rtld(")
"""What rpm itself or the package gives."""
_WEAK = {"rpm:recommends": "wants", "rpm:requires": "needs"}
_WORDS = re.compile(r" (?:if|unless|else|with|without) ")
_COMPARED = re.compile(r"\s*(<=|>=|=|<|>)\s*\S+")


def read(pieces: Iterable[bytes], part: str) -> list[Package]:
    """The packages of an unpacked `primary.xml` of the repository in the folder `part`. Raises Invalid."""
    reader = _Primary(f"{part}/" if part else "")
    _feed(pieces, reader.parser, "primary.xml")
    return reader.found


def read_groups(pieces: Iterable[bytes]) -> dict[str, tuple[str, ...]]:
    """By a group's id, and by `^` and an environment's, the names of its packages and `@` and its groups.

    Optional ones are left out: no installer takes them by itself. Raises Invalid.
    """
    reader = _Comps()
    _feed(pieces, reader.parser, "comps.xml")
    return reader.found


def _feed(pieces: Iterable[bytes], parser: expat.XMLParserType, what: str) -> None:
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Invalid(f"{what} cannot be used: it is no XML: {error}") from None


class _Reader:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.text = ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.text = ""
        self.start(name, attributes)

    def _text(self, piece: str) -> None:
        self.text += piece

    def _end(self, name: str) -> None:
        self.end(name, self.text.strip())
        self.text = ""

    def _doctype(self, *_: object) -> None:
        """comps files have one; none of ours has entities."""
        self.parser.EntityDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise Invalid("a list of packages declares entities, which no repository does")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def end(self, name: str, text: str) -> None:
        raise NotImplementedError


class _Primary(_Reader):
    def __init__(self, folder: str) -> None:
        super().__init__()
        self.found: list[Package] = []
        self._folder = folder
        self._clear()

    def _clear(self) -> None:
        self._name = self._path = self._digest = self._kind = self._list = ""
        self._size = 0
        self._gives: set[str] = set()
        self._lists: dict[str, list[tuple[str, ...]]] = {"needs": [], "wants": []}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "location":
                self._path = attributes.get("href", "")
            case "size":
                self._size = int(attributes.get("package", "0"))
            case "checksum":
                self._kind = attributes.get("type", "")
            case "rpm:provides" | "rpm:requires" | "rpm:recommends":
                self._list = name
            case "rpm:entry" if self._list == "rpm:provides":
                self._gives.add(attributes.get("name", ""))
            case "rpm:entry" if self._list:
                needed = attributes.get("name", "")
                if not needed.startswith(_INSIDE):
                    self._need(needed)

    def _need(self, text: str) -> None:
        """What only matters where something else is installed is liked, not needed."""
        if not text.startswith("("):
            self._lists[_WEAK[self._list]].append((text,))
            return
        conditional = bool(_WORDS.search(text)) and " with " not in text
        for clause in text[1:-1].split(" and "):
            first = _WORDS.split(clause)[0]
            names = tuple(map(_bare, first.split(" or ")))
            self._lists["wants" if conditional else _WEAK[self._list]].append(names)

    def end(self, name: str, text: str) -> None:
        match name:
            case "name":
                self._name = text
            case "checksum":
                self._digest = text
            case "file":
                self._gives.add(text)
            case "rpm:provides" | "rpm:requires" | "rpm:recommends":
                self._list = ""
            case "package":
                self._package()
                self._clear()

    def _package(self) -> None:
        own = self._gives | {self._name}
        needs, wants = (
            tuple(dict.fromkeys(names for names in self._lists[kind] if not own.intersection(names)))
            for kind in ("needs", "wants")
        )
        algorithm = "sha1" if self._kind == "sha" else self._kind
        expected = Expected(
            algorithm, self._digest, self._size or None, f"{self._folder}repodata/primary.xml"
        )
        file = Listed(self._folder + self._path, expected)
        self.found.append(Package(self._name, file, frozenset(self._gives), needs, wants))


def _bare(word: str) -> str:
    """A name out of a boolean dependency: `(foo(x86-64) >= 2` gives `foo(x86-64)`."""
    name = _COMPARED.sub("", word).strip().lstrip("(")
    while name.count(")") > name.count("("):
        name = name[: name.rindex(")")] + name[name.rindex(")") + 1 :]
    return name.strip()


class _Comps(_Reader):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, ...]] = {}
        self._id = ""
        self._outer = ""
        self._list = ""
        self._kind = ""
        self._members: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("group", "environment"):
            self._outer, self._id, self._members = name, "", []
        elif name in ("grouplist", "optionlist"):
            self._list = name
        elif name == "packagereq":
            self._kind = attributes.get("type", "mandatory")

    def end(self, name: str, text: str) -> None:
        match name:
            case "id" if self._outer:
                self._id = self._id or text
            case "packagereq" if self._kind in ("mandatory", "default"):
                self._members.append(text)
            case "groupid" if self._list == "grouplist":
                self._members.append(f"@{text}")
            case "grouplist" | "optionlist":
                self._list = ""
            case "group" | "environment":
                key = f"^{self._id}" if name == "environment" else self._id
                self.found[key] = tuple(self._members)
                self._outer = ""
