"""A file's nodes read as the values that the table of fields asks for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provisioner.answers.node import Node
from provisioner.core.lab import Place
from provisioner.lab.fields import Field
from provisioner.lab.problems import Problems, unknown

_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][-+]?[0-9]{1,2})?")
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_LONGEST = {"line": 2000, "text": 512 * 1024}
_WORDS = {
    "line": "a text",
    "text": "a text",
    "whole": "a whole number",
    "number": "a number",
    "truth": "true or false",
    "lines": "a list of texts",
    "options": "a list of texts or maps",
    "map": "a map of names and values",
}


@dataclass(frozen=True, slots=True)
class Given:
    """A value and where it stands. None is a field that is given as empty: as if it were left out."""

    value: object
    place: Place


class _Other(Exception):
    """The node is not of the field's form."""


def place(node: Node) -> Place:
    return Place(node.line, node.column)


def pairs(node: Node, problems: Problems) -> dict[str, tuple[Node, Node]]:
    """A map's keys with their values; those of `<<` are there where the map has none of that name itself.

    A key that is there twice is a problem: the last would win without a word.
    """
    own: dict[str, tuple[Node, Node]] = {}
    merged: dict[str, tuple[Node, Node]] = {}
    for key, value in node.pairs:
        if key.kind in ("map", "list"):
            problems.add(place(key), "a key must be a word")
        elif key.text == "<<" and value.kind in ("map", "list"):
            for part in value.items or (value,):
                merged = pairs(part, problems) | merged
        elif key.text in own:
            first = own[key.text][0].line
            problems.add(place(key), f"{key.text!r} is given already on line {first}")
        else:
            own[key.text] = (key, value)
    return merged | own


def fields(
    node: Node, known: Mapping[str, Field], what: str, problems: Problems, *, other: tuple[str, ...] = ()
) -> dict[str, Given]:
    """A map's values by their fields; `other` keys are read by the caller. `what` names the thing."""
    found: dict[str, Given] = {}
    for key, (name, value) in pairs(node, problems).items():
        field = known.get(key)
        if field is not None:
            found[key] = Given(read(value, field, what, problems), place(value))
        elif key not in other:
            problems.add(place(name), unknown(f"{what}: key", key, (*known, *other)))
    return found


def read(node: Node, field: Field, what: str, problems: Problems) -> object:
    """The node's value, None where it is empty or a problem."""
    if node.kind == "nothing":
        return None
    before = len(problems)
    try:
        value = _value(node, field, f"{what}: {field.name}", problems)
        return value if len(problems) == before else None
    except _Other:
        problems.add(place(node), f"{what}: {field.name} must be {_WORDS[field.form]}, not {_told(node)}")
        return None


def _value(node: Node, field: Field, what: str, problems: Problems) -> object:
    match field.form:
        case "line" | "text":
            return _text(node, field, what, problems)
        case "whole" | "number":
            return _number(node, field, what, problems)
        case "truth":
            return _truth(node)
        case "lines" | "options":
            return _list(node, field, what, problems)
        case "map":
            return _map(node, field, what, problems)


def _scalar(node: Node) -> str:
    if node.kind in ("map", "list"):
        raise _Other
    return node.text


def _text(node: Node, field: Field, what: str, problems: Problems) -> str:
    """A word that YAML would take for a number or a truth value is a text here, as it is written."""
    text = _scalar(node)
    if len(text) > _LONGEST[field.form]:
        problems.add(place(node), f"{what} is longer than {_LONGEST[field.form]} characters")
    elif field.form == "line" and not text.isprintable():
        problems.add(place(node), f"{what} must be one line of printable characters")
    elif field.choices and text not in field.choices:
        problems.add(place(node), unknown(what, text, filter(None, field.choices)))
    return text


def _number(node: Node, field: Field, what: str, problems: Problems) -> int | float:
    text, plain = _scalar(node), node.kind != "text"
    if field.form == "whole" and not (plain and _WHOLE.fullmatch(text)):
        raise _Other
    if not (plain and _NUMBER.fullmatch(text)):
        raise _Other
    value = int(text) if _WHOLE.fullmatch(text) else float(text)
    if not field.least <= value <= field.most:
        problems.add(place(node), f"{what} {text} is out of range; {field.least} to {field.most}")
    return value


def _truth(node: Node) -> bool:
    if node.kind != "truth" or node.text.lower() not in _TRUTHS:
        raise _Other
    return _TRUTHS[node.text.lower()]


def _list(node: Node, field: Field, what: str, problems: Problems) -> list[str]:
    if node.kind != "list":
        raise _Other
    if len(node.items) > field.most:
        problems.add(place(node), f"{what} has {len(node.items)} entries; {field.most} is the most")
    return [_entry(item, field, f"{what}[{number}]", problems) for number, item in enumerate(node.items)]


def _entry(node: Node, field: Field, what: str, problems: Problems) -> str:
    if field.form == "options" and node.kind == "map":
        return ",".join(_options(node, field, what, problems))
    if node.kind in ("map", "list", "nothing"):
        problems.add(place(node), f"{what} must be a text, not {_told(node)}")
        return ""
    return _text(node, Field(field.name, "line", ""), what, problems)


def _options(node: Node, field: Field, what: str, problems: Problems) -> Iterator[str]:
    """A map of options as the comma text that it stands for."""
    for key, (name, value) in pairs(node, problems).items():
        if key not in field.keys:
            problems.add(place(name), unknown(f"{what}: key", key, field.keys))
        elif value.kind in ("map", "list", "nothing") or "," in value.text or not value.text.isprintable():
            problems.add(place(value), f"{what}: {key} must be a word without a comma, not {_told(value)}")
        elif value.kind == "truth":
            yield f"{key}={'on' if _truth(value) else 'off'}"
        else:
            yield f"{key}={value.text}"


def _map(node: Node, field: Field, what: str, problems: Problems) -> dict[str, object]:
    if node.kind != "map":
        raise _Other
    found: dict[str, object] = {}
    for key, (name, value) in pairs(node, problems).items():
        if field.keys and key not in field.keys:
            problems.add(place(name), unknown(f"{what}: key", key, field.keys))
        elif field.name == "variables":
            found[key] = anything(value, problems)
        elif value.kind in ("map", "list", "nothing"):
            problems.add(place(value), f"{what}: {key} must be a text, not {_told(value)}")
        else:
            found[key] = value.text
    return found


def anything(node: Node, problems: Problems) -> object:
    """A value of any shape as JSON has it; what YAML 1.2 takes for no number is a text."""
    match node.kind:
        case "map":
            return {key: anything(value, problems) for key, (_, value) in pairs(node, problems).items()}
        case "list":
            return [anything(item, problems) for item in node.items]
        case "nothing":
            return None
        case "truth":
            return _truth(node)
        case "integer" if _WHOLE.fullmatch(node.text):
            return int(node.text)
        case "number" | "integer" if _NUMBER.fullmatch(node.text):
            return float(node.text)
        case _:
            return node.text


def _told(node: Node) -> str:
    match node.kind:
        case "map":
            return "a map"
        case "list":
            return "a list"
        case "nothing":
            return "empty"
        case "text":
            return f"the text {node.text[:40]!r}"
        case _:
            return repr(node.text[:40])
