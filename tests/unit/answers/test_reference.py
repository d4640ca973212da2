"""docs/variables.md is what the program writes, and leaves nothing out that the templates use."""

import re
from pathlib import Path

from provisioner import resources
from provisioner.answers.reference import write
from provisioner.answers.variables import BY_NAME, OWN

PAGE = Path(__file__).parents[3] / "docs/variables.md"
TEMPLATES = sorted((resources.root() / "kickstarts").rglob("*.j2"))


def test_the_page_is_what_the_program_writes() -> None:
    """Mended by: python -m provisioner.answers.reference >docs/variables.md"""
    assert PAGE.read_text() == write()


def test_every_template_begins_with_what_it_is_for() -> None:
    silent = [str(file) for file in TEMPLATES if "{#" not in "".join(file.read_text().splitlines(True)[:2])]

    assert silent == []


def test_every_variable_that_a_template_asks_for_is_in_the_tables() -> None:
    asked = {
        name for file in TEMPLATES for name in re.findall(r'variables(?:\.get\(|\[)"(\w+)"', file.read_text())
    }

    assert asked - {name for _, name, _, _ in OWN} == set()
    assert {name for _, name, _, _ in OWN} & BY_NAME.keys() == set()
