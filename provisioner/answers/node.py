"""YAML and JSON read into nodes that know where they stand."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from provisioner.answers.finding import Finding

Kind = Literal["map", "list", "text", "integer", "number", "truth", "nothing"]
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAGS: dict[str, Kind] = {
    "tag:yaml.org,2002:int": "integer",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:bool": "truth",
    "tag:yaml.org,2002:null": "nothing",
}
_PAIR = re.compile(r"((?<!\\)(?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_DEEPEST = 50
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Node:
    """`text` of what is neither map nor list; `pairs` of a map; `items` of a list."""

    kind: Kind
    line: int
    column: int
    text: str = ""
    pairs: tuple[tuple["Node", "Node"], ...] = ()
    items: tuple["Node", ...] = field(default=())

    def get(self, key: str) -> "Node | None":
        """The value of a map's key."""
        return next((value for name, value in self.pairs if name.text == key), None)


class Unreadable(Exception):
    """`finding` says where the text stops being what it ought to be."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def read_yaml(text: str) -> Node | None:
    """The document's node, None for an empty one. Raises Unreadable, and never makes an object of a tag."""
    try:
        found = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise Unreadable(
            Finding(line, f"this is no YAML: {error.problem or error.context}", column)
        ) from None
    except (yaml.YAMLError, RecursionError, UnicodeEncodeError) as error:
        raise Unreadable(Finding(0, f"this is no YAML: {' '.join(str(error).split())[:200]}")) from None
    return _Builder().node(found) if found is not None else None


def read_json(text: str) -> Node:
    """The document's node. Raises Unreadable."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(Finding(error.lineno, f"this is no JSON: {error.msg}", error.colno)) from None
    except RecursionError:
        raise Unreadable(Finding(0, "this JSON is nested too deep")) from None
    # JSON is YAML but for the tabs between its words, and for characters that are written as two escapes.
    found = read_yaml(_PAIR.sub(_one_escape, text.replace("\t", " ")))
    if found is None:
        raise Unreadable(Finding(1, "this JSON is empty"))
    return found


def _one_escape(pair: re.Match[str]) -> str:
    both = (int(pair[2], 16) << 10) + int(pair[3], 16)
    return f"{pair[1]}\\U{0x10000 + both - (0xD800 << 10) - 0xDC00:08x}"


class _Builder:
    """Aliases are followed as often as they are named: a bomb of them ends at a bound."""

    def __init__(self) -> None:
        self._made = 0

    def node(self, given: yaml.Node, depth: int = 0) -> Node:
        line, column = given.start_mark.line + 1, given.start_mark.column + 1
        self._made += 1
        if depth > _DEEPEST or self._made > _MOST:
            raise Unreadable(Finding(line, "this is nested too deep or too large", column))
        match given:
            case yaml.MappingNode():
                pairs = tuple(
                    (self.node(key, depth + 1), self.node(value, depth + 1)) for key, value in given.value
                )
                return Node("map", line, column, pairs=pairs)
            case yaml.SequenceNode():
                return Node(
                    "list", line, column, items=tuple(self.node(item, depth + 1) for item in given.value)
                )
            case _:
                return Node(_TAGS.get(given.tag, "text"), line, column, text=str(given.value))


def twice(node: Node, where: str = "") -> Iterator[Finding]:
    """Keys that a map has two times: the last would win, without a word."""
    seen: dict[str, int] = {}
    for key, value in node.pairs:
        name = f"{where}.{key.text}" if where else key.text
        if key.text in seen:
            yield Finding(key.line, f"{name} is given already on line {seen[key.text]}", key.column)
        seen.setdefault(key.text, key.line)
        yield from twice(value, name)
    for number, item in enumerate(node.items):
        yield from twice(item, f"{where}[{number}]")
