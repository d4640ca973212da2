"""docs/api.md is what the program writes, and its links lead somewhere."""

import re
from pathlib import Path

from provisioner.web.api import OPERATIONS, ROOT
from provisioner.web.reference import write

PAGE = Path(__file__).parents[3] / "docs/api.md"


def test_the_page_is_what_the_program_writes() -> None:
    """Mended by: python -m provisioner.web.reference >docs/api.md"""
    assert PAGE.read_text() == write()


def test_every_operation_has_its_row() -> None:
    rows = re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", write(), re.MULTILINE)

    assert sorted(rows) == sorted(f"{row.method} {row.path}" for row in OPERATIONS)
    assert ROOT == "/api/v1"


def test_every_link_leads_to_a_heading() -> None:
    page = write()
    headings = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.*)$", page, re.MULTILINE)}

    assert set(re.findall(r"\(#([^)]*)\)", page)) <= headings
    assert len(re.findall(r"^### ", page, re.MULTILINE)) == len(
        set(re.findall(r"^### .*", page, re.MULTILINE))
    )
