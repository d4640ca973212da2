"""The reference of variables and snippets, as docs/variables.md holds it: written from what there is.

python -m provisioner.answers.reference >docs/variables.md
"""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import PurePosixPath

from provisioner import resources
from provisioner.answers import quoting
from provisioner.answers.context import AnswerContext, Network, Repository, User
from provisioner.answers.variables import OWN, VARIABLES

_COMMENT = re.compile(r"\{#\s*(.*?)\s*#\}", re.DOTALL)
_HEAD = """\
# Variables and snippets

This file is written from the program (`python -m provisioner.answers.reference`). How a family's answer file
is put together, and how to replace a part of it, is told in [families](families/README.md).

## Where a value comes from

A variable is looked for in three places, and the last that has it wins, whole (lists are not put together):

1. the **host**: the setting `host_variables` ([settings](settings.md)); hardware has those of `local`
2. the **profile**: `provisioner profile create|edit --var NAME=VALUE`, or `[variables]` of its TOML file
3. the **guest**: `provisioner guest create --var NAME=VALUE`; above it `--ssh-key`, `--root-password-file`

`provisioner profile explain NAME [--guest GUEST]` shows each value and who gave it. A value is TOML where it
can be (`--var vlan=42`, `--var 'bond=["eth0", "eth1"]'`), a text otherwise; a list may be one text,
`--var packages="vim git"`. `""` stands for a variable that is not given. A name that is not in these tables
is for templates of your own.
"""
_TEMPLATES = """\
## What a template is given

Beside the variables above under their own names (`disk` as the list `disks`; the network's as `network.…`):
"""


def write() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_variables(), *_own(), *_names(), *_functions(), *_snippets()]) + "\n"


def _variables() -> Iterator[str]:
    yield "## The variables, the same in every family\n"
    yield "| name | value | default | what it does |\n|---|---|---|---|"
    for row in VARIABLES:
        default = f"`{row.default}`" if row.default else ""
        yield f"| `{row.name}` | {row.form} | {default} | {row.text}{'; never shown' if row.secret else ''} |"


def _own() -> Iterator[str]:
    yield "\n## Variables of single families\n"
    yield "| family | name | value | what it does |\n|---|---|---|---|"
    for families, name, form, text in OWN:
        yield f"| {families} | `{name}` | {form} | {text} |"


def _names() -> Iterator[str]:
    yield f"\n{_TEMPLATES}"
    given = {row.name for row in VARIABLES} | {"disks", "network", "users", "repositories"}
    names = [f"`{row.name}`" for row in fields(AnswerContext) if row.name not in given]
    yield f"{', '.join([*names, '`major`'])}."
    for noun in (User, Network, Repository):
        attributes = ", ".join(f"`{row.name}`" for row in fields(noun))
        yield f"A {noun.__name__.lower()} has {attributes}."
    yield "\nAn unknown name ends the rendering with its template and line."


def _functions() -> Iterator[str]:
    yield "\n## What quotes a text\n"
    yield "| call | what it gives |\n|---|---|"
    yield f"| `{{{{ x \\| tojson }}}}` | {_first(quoting.tojson)} |"
    for row in quoting.FUNCTIONS:
        yield f"| `{{{{ {row.__name__}(x) }}}}` | {_first(row)} |"


def _snippets() -> Iterator[str]:
    yield "\n## Templates and snippets\n"
    yield "| file below kickstarts/ | what it writes |\n|---|---|"
    loader = resources.answers().loader
    assert loader is not None  # noqa: S101 - resources gives it one
    for name in sorted(loader.list_templates()):
        if PurePosixPath(name).suffix == ".j2" and not name.startswith("shipped/"):
            source = loader.get_source(resources.answers(), name)[0]
            comment = _COMMENT.search(source)
            yield f"| `{name}` | {_cell(comment[1]) if comment else ''} |"


def _first(function: object) -> str:
    """The first paragraph of its docstring."""
    return _cell(str(function.__doc__).split("\n\n")[0])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(write(), end="")  # noqa: T201 - it is what the command is for
