"""Agama's profiles in JSON, judged by the keys that the installer publishes."""

from collections.abc import Iterator

from provisioner.answers.agama_shape import AGAMA, SCRIPTS
from provisioner.answers.finding import Finding, by_line
from provisioner.answers.lint_shell import Script, shells
from provisioner.answers.node import Node, Unreadable, read_json, twice
from provisioner.answers.shape import differences

_SHELLS = ("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/bash", "#!/usr/bin/sh", "#!/usr/bin/env bash")


def agama(text: str, syntax: str) -> list[Finding]:
    """Findings by the schema, and by bash for the scripts."""
    try:
        document = read_json(text)
    except Unreadable as error:
        return [error.finding]
    if document.kind != "map":
        return [Finding(1, "the document must be a map of keys", 1)]
    return sorted([*twice(document), *differences(document, AGAMA), *_scripts(document)], key=by_line)


def _scripts(document: Node) -> Iterator[Finding]:
    given = document.get("scripts")
    for when in SCRIPTS:
        rows = given.get(when) if given else None
        for number, row in enumerate(rows.items if rows else ()):
            name = f"scripts.{when}[{number}]"
            bodies = [body for key in ("content", "body") if (body := row.get(key))]
            if len(bodies) + (row.get("url") is not None) != 1:
                yield Finding(row.line, f"{name} needs one of content and url", row.column)
            for body in bodies:
                if body.text.split("\n", 1)[0].rstrip().startswith(_SHELLS):
                    for wrong in shells([Script(body.text, body.line)]):
                        yield Finding(body.line, f"{name}: {wrong.text}", body.column)
