"""A lab's file, from its text to a `Lab`."""

import json
from collections.abc import Iterator
from contextlib import suppress

from provisioner.answers.node import Node, Unreadable, read_json, read_yaml
from provisioner.core.errors import Invalid
from provisioner.core.lab import Lab, LabKind, Place
from provisioner.core.machine import check_name
from provisioner.lab.check import check
from provisioner.lab.expand import Draft, defaults, expand
from provisioner.lab.fields import SECTIONS
from provisioner.lab.given import Given, pairs, place
from provisioner.lab.order import ordered
from provisioner.lab.problems import Problems, unknown
from provisioner.lab.unique import check_unique

NAME, DEFAULTS = "lab", "defaults"
MOST = 5_000
"""Things of one lab."""
LONGEST = 4 * 1024 * 1024
"""Characters of a file."""


def read(text: str, source: str) -> Lab:
    """`source` is the file's name in sentences. Raises Invalid with a line for each problem of the file, as
    `lab.yaml:12:5: …`.
    """
    problems = Problems(source)
    if len(text) > LONGEST:
        raise Invalid(f"{source} is larger than {LONGEST >> 20} MiB, which no lab needs")
    node = _node(text, problems)
    problems.check()
    name, drafts = _parts(node, problems) if node else ("", [])
    for draft in drafts:
        check(draft, problems)
    check_unique(drafts, problems)
    items = ordered(drafts, problems)
    problems.check()
    return Lab(name, items)


def _node(text: str, problems: Problems) -> Node | None:
    try:
        node = read_json(text) if _is_json(text) else read_yaml(text)
    except Unreadable as error:
        found = error.finding
        problems.add(Place(found.line or 1, found.column or 1), found.text)
        return None
    if node is None:
        problems.add(Place(1, 1), "the file is empty; a lab begins with its name: lab: NAME")
    elif node.kind != "map":
        problems.add(place(node), f"a lab is a map with the keys {', '.join((NAME, *SECTIONS))}")
    return node


def _is_json(text: str) -> bool:
    if text.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            json.loads(text)
            return True
    return False


def _parts(node: Node, problems: Problems) -> tuple[str, list[Draft]]:
    known = pairs(node, problems)
    for key, (at, _) in known.items():
        if key not in (NAME, DEFAULTS, *SECTIONS):
            problems.add(place(at), unknown("key", key, (NAME, DEFAULTS, *SECTIONS)))
    name = _name(node, known.get(NAME), problems)
    below = _defaults(known.get(DEFAULTS), problems)
    drafts: list[Draft] = []
    for section, kind in SECTIONS.items():
        if section in known:
            for entry in _entries(known[section][1], section, problems):
                left = MOST - len(drafts)
                drafts += expand(entry, kind, below.get(kind, {}), problems, left)
    return name, drafts


def _name(node: Node, given: tuple[Node, Node] | None, problems: Problems) -> str:
    if given is None or not given[1].text:
        at = place(node if given is None else given[1])
        problems.add(at, f"the lab has no name; write {NAME}: NAME, by which its things are known again")
        return ""
    try:
        return check_name(given[1].text, "lab name")
    except Invalid as error:
        problems.add(place(given[1]), str(error))
        return ""


def _defaults(given: tuple[Node, Node] | None, problems: Problems) -> dict[LabKind, dict[str, Given]]:
    if given is None or given[1].kind == "nothing":
        return {}
    if given[1].kind != "map":
        problems.add(place(given[1]), f"defaults must be a map with the keys {', '.join(SECTIONS)}")
        return {}
    found: dict[LabKind, dict[str, Given]] = {}
    for section, (at, value) in pairs(given[1], problems).items():
        if section in SECTIONS:
            found[SECTIONS[section]] = defaults(value, SECTIONS[section], problems)
        else:
            problems.add(place(at), unknown("defaults: key", section, SECTIONS))
    return found


def _entries(node: Node, section: str, problems: Problems) -> Iterator[Node]:
    if node.kind == "list":
        yield from node.items
    elif node.kind != "nothing":
        problems.add(place(node), f"{section} must be a list of maps, each with its name")
