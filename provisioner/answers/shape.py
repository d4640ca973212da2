"""What a document may look like, as data, and whether one does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from provisioner.answers.finding import Finding
from provisioner.answers.node import Kind, Node

_WORDS: Mapping[Kind, str] = {
    "map": "a map of keys",
    "list": "a list",
    "text": "a text",
    "integer": "a whole number",
    "number": "a number",
    "truth": "true or false",
    "nothing": "empty",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """`kinds` are those that are taken; without any, everything is.

    Of a map: `keys` with their shapes, `needed` ones, and whether it is `open` to others. Of a list: what
    its `items` are. Of a text: its `choices`. `old` says what stands in place of a key that is going away.
    """

    kinds: tuple[Kind, ...] = ()
    keys: Mapping[str, "Shape"] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    open: bool = False
    items: "Shape | None" = None
    choices: tuple[str, ...] = ()
    old: str = ""


ANY = Shape()
TEXT = Shape(("text",))
WORD = Shape(("text", "integer", "number", "truth"))
"""A text that YAML takes for something else where it is not quoted, which the reader does not mind."""
TRUTH = Shape(("truth",))
INTEGER = Shape(("integer",))
OPEN = Shape(("map",), open=True)
LIST = Shape(("list",))


def map_of(keys: Mapping[str, Shape], *needed: str, open: bool = False) -> Shape:
    """A map of those keys; of others too, where it is open."""
    return Shape(("map",), keys=keys, needed=needed, open=open)


def list_of(items: Shape) -> Shape:
    return Shape(("list",), items=items)


def one_of(*choices: str) -> Shape:
    return Shape(("text",), choices=choices)


def differences(node: Node, shape: Shape, where: str = "") -> Iterator[Finding]:
    """Where the document is not of that shape; `where` is the path so far."""
    name = where or "the document"
    if shape.old:
        yield Finding(node.line, f"{name} is old: {shape.old}", node.column, warning=True)
    if shape.kinds and node.kind not in shape.kinds:
        wanted = " or ".join(_WORDS[kind] for kind in shape.kinds)
        yield Finding(node.line, f"{name} must be {wanted}, not {_WORDS[node.kind]}", node.column)
        return
    if shape.choices and node.text not in shape.choices:
        known = ", ".join(choice or '""' for choice in shape.choices)
        yield Finding(node.line, f"{name} is {node.text!r}; known are {known}", node.column)
    if node.kind == "map" and (shape.keys or shape.needed):
        yield from _of_map(node, shape, where, name)
    if node.kind == "list" and shape.items is not None:
        for number, item in enumerate(node.items):
            yield from differences(item, shape.items, f"{where}[{number}]")


def _of_map(node: Node, shape: Shape, where: str, name: str) -> Iterator[Finding]:
    for needed in shape.needed:
        if node.get(needed) is None:
            yield Finding(node.line, f"{name} needs the key {needed}", node.column)
    for key, value in node.pairs:
        path = f"{where}.{key.text}" if where else key.text
        if key.text in shape.keys:
            yield from differences(value, shape.keys[key.text], path)
        elif not shape.open:
            near = get_close_matches(key.text, shape.keys, 1)
            meant = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(shape.keys))}"
            yield Finding(key.line, f"{path} is not known{meant}", key.column)
