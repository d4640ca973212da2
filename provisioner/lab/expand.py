"""Entries of a file as single things: names expanded, defaults below them, overrides above."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provisioner.answers.node import Node
from provisioner.core.errors import Invalid
from provisioner.core.host import LOCAL
from provisioner.core.lab import LabKind, Place, Ref
from provisioner.core.names import Numbered, braces
from provisioner.lab.fields import CLONE, FIELDS, Field
from provisioner.lab.given import Given, fields, pairs, place, read
from provisioner.lab.problems import Problems, unknown

NAME = Field("name", "line", "Its name; web{01..20} and {a,b} are several", most=2000, needed=True)
COUNT = Field(
    "count", "whole", "So many, called NAME1, NAME2 …, or by the {n} in the name", least=1, most=1000
)
OVERRIDES = Field("overrides", "map", "Of single ones: name to fields")
_OTHER = (NAME.name, COUNT.name, OVERRIDES.name)
_FILL = re.compile(r"(?<![$\\{])\{(?:name|n(?::((?:0[1-9])?x?))?)\}(?!\})")
"""{name}, {n}, {n:02}, {n:02x}; what a shell or Jinja2 writes alike is left alone."""
_VERBATIM = ("cloud_init", "files", "template", "key")


@dataclass(frozen=True, slots=True)
class Draft:
    """One thing with its fields, before it is checked. `sound`: no problem was found in any of them."""

    kind: LabKind
    name: str
    fields: Mapping[str, Given]
    place: Place
    sound: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def on(self) -> str:
        """Its host's name, "" for the local one."""
        name = self.text("on")
        return "" if name == LOCAL else name

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.name, self.on if self.kind in ("network", "pool") else "")

    def value(self, name: str) -> object:
        """None where it is not given."""
        return self.fields[name].value if name in self.fields else None

    def text(self, name: str) -> str:
        value = self.value(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        value = self.value(name)
        return [str(text) for text in value] if isinstance(value, list) else []

    def where(self, name: str) -> Place:
        """Where a field stands, the thing itself where it has none of that name."""
        return self.fields[name].place if name in self.fields else self.place


def defaults(node: Node, kind: LabKind, problems: Problems) -> dict[str, Given]:
    """What all of a kind have that do not say otherwise."""
    if node.kind != "map":
        problems.add(place(node), f"the defaults of {kind}s must be a map of their fields")
        return {}
    known = {field.name: field for field in FIELDS[kind]}
    return fields(node, known, f"defaults of {kind}s", problems)


def expand(
    node: Node, kind: LabKind, below: Mapping[str, Given], problems: Problems, most: int
) -> Iterator[Draft]:
    """The things of one entry, `most` of them at most."""
    if node.kind != "map":
        problems.add(place(node), f"a {kind} must be a map with its name")
        return
    entries = pairs(node, problems)
    named = entries.get(NAME.name)
    if named is None or not named[1].text:
        problems.add(place(node), f"a {kind} needs a name")
        return
    word, at = str(read(named[1], NAME, kind, problems) or ""), place(named[1])
    is_clone = kind == "guest" and "clone" in entries
    table = CLONE if is_clone else FIELDS[kind]
    what = f"{kind} {word}{', a clone' if is_clone else ''}"
    known = {field.name: field for field in table}
    before = len(problems)
    own = {name: given for name, given in below.items() if name in known}
    own |= _over(own, fields(node, known, what, problems, other=_OTHER))
    names = _names(word, entries, what, at, problems)
    if len(names) > most:
        problems.add(at, f"{what}: a lab may not have so many things")
        return
    above = _overrides(entries, known, names, what, problems)
    for one in names:
        merged = own | _over(own, above.get(one.name, {}))
        filled = {
            name: given if name in _VERBATIM else Given(_filled(given.value, one), given.place)
            for name, given in merged.items()
            if given.value is not None
        }
        missing = [field.name for field in table if field.needed and field.name not in filled]
        sound = len(problems) == before
        if sound and missing:
            problems.add(at, f"{kind} {one.name}: {missing[0]} is missing")
        yield Draft(kind, one.name, filled, at, sound and not missing)


def _over(below: Mapping[str, Given], above: Mapping[str, Given]) -> dict[str, Given]:
    """Maps are put together name by name, of anything else the upper one stands; an empty one clears."""
    found = dict(above)
    for name, given in above.items():
        under = below[name].value if name in below else None
        if isinstance(under, dict) and isinstance(given.value, dict):
            found[name] = Given({**under, **given.value}, given.place)
    return found


def _names(
    word: str, entries: Mapping[str, tuple[Node, Node]], what: str, at: Place, problems: Problems
) -> list[Numbered]:
    count: object = None
    if COUNT.name in entries:
        count = read(entries[COUNT.name][1], COUNT, what, problems)
        if not isinstance(count, int):
            return []
    try:
        names = braces(word)
    except Invalid as error:
        problems.add(at, str(error))
        return []
    patterned = bool(_FILL.search(word))
    if patterned and count is None:
        problems.add(at, f"{what}: the {{n}} in its name needs a count")
    elif count is not None and names != [Numbered(word, 1)]:
        if len(names) != count:
            problems.add(at, f"{what} gives {len(names)} names, and count asks for {count}")
    elif isinstance(count, int):
        pattern = word if patterned else f"{word}{{n}}"
        numbers = range(1, min(count, COUNT.most) + 1)
        names = [Numbered(_fill(pattern, Numbered(word, number)), number) for number in numbers]
    return names


def _overrides(
    entries: Mapping[str, tuple[Node, Node]],
    known: Mapping[str, Field],
    names: list[Numbered],
    what: str,
    problems: Problems,
) -> dict[str, dict[str, Given]]:
    if OVERRIDES.name not in entries:
        return {}
    node = entries[OVERRIDES.name][1]
    if node.kind != "map":
        problems.add(place(node), f"{what}: overrides must be a map of names and their fields")
        return {}
    have = {one.name for one in names}
    found: dict[str, dict[str, Given]] = {}
    for pattern, (key, value) in pairs(node, problems).items():
        if value.kind != "map":
            problems.add(place(value), f"{what}: the override of {pattern[:80]} must be a map of fields")
            continue
        given = fields(value, known, f"{what}, override of {pattern[:80]}", problems)
        try:
            meant = [one.name for one in braces(pattern)]
        except Invalid as error:
            problems.add(place(key), str(error))
            continue
        for name in meant:
            if name in have:
                found[name] = found.get(name, {}) | _over(found.get(name, {}), given)
            elif have:
                problems.add(place(key), unknown(f"{what}: the overridden", name, sorted(have)))
    return found


def _filled(value: object, one: Numbered) -> object:
    match value:
        case str():
            return _fill(value, one) if "{n" in value else value
        case list():
            return [_filled(item, one) for item in value]
        case dict():
            return {key: _filled(item, one) for key, item in value.items()}
        case _:
            return value


def _fill(text: str, one: Numbered) -> str:
    return _FILL.sub(
        lambda found: one.name if found[0] == "{name}" else f"{one.number:{found[1] or ''}}", text
    )
