"""What users read of labs: every file of it is one, and what the program writes is what it would write."""

import re
from pathlib import Path

import pytest

from provisioner.lab.document import read
from provisioner.lab.reference import write

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "labs.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_of_fields_is_what_the_program_writes() -> None:
    """Mended by: python -m provisioner.lab.reference >docs/lab-fields.md"""
    assert (DOCS / "lab-fields.md").read_text() == write()


@pytest.mark.parametrize("path", sorted((DOCS / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_is_a_lab(path: Path) -> None:
    text = path.read_text()
    lab = read(text, path.name)

    assert lab.items
    assert text.startswith("# yaml-language-server: $schema=../lab.schema.json\n")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_what_the_page_shows_of_a_file_is_right(number: int) -> None:
    text = BLOCKS[number]

    assert read(text if "lab:" in text else f"lab: x\n{text}", "labs.md").items


def test_the_lab_of_ten_is_the_page_s() -> None:
    example = (DOCS / "examples/ten.yaml").read_text()

    assert BLOCKS[0] == example[example.index("lab: ") :]


def test_the_four_methods_are_in_the_example() -> None:
    items = read((DOCS / "examples/lab.yaml").read_text(), "lab.yaml").items
    guests = {item.ref.name: item.wanted for item in items if item.ref.kind == "guest"}

    assert {name for name in guests if name.startswith("by-")} == {"by-pxe", "by-url", "by-iso", "by-import"}
    assert "location" in guests["by-url"]
    assert "cdrom" in guests["by-iso"]
    assert guests["by-import"]["method"] == "import"
