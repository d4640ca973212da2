"""The example of each family's page: a profile that renders, and that its installer would take."""

import re
import tomllib
from pathlib import Path

import pytest

from provisioner.answers.finding import errors
from provisioner.answers.lint import lint
from provisioner.answers.render import render
from provisioner.core.profile import Profile
from provisioner.distros.detect import FAMILIES
from provisioner.service.answers import sample
from provisioner.service.contexts import completed
from provisioner.service.shipped import shipped

PAGES = Path(__file__).parents[3] / "docs/families"


@pytest.mark.parametrize("family", [row.name for row in FAMILIES])
def test_the_example_of_a_page_is_taken(family: str) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (PAGES / f"{family}.md").read_text(), re.DOTALL)
    profile = Profile(name="example", **tomllib.loads(example))
    profile = completed(profile, profile.release)

    assert profile.family == family
    assert [
        str(row)
        for row in errors(
            lint(render(profile.template, sample(profile, profile.release)), family, profile.release)
        )
    ] == []


def test_the_overview_names_every_family_and_every_shipped_profile() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\(\w+\.md\) \|.*\| (.*) \|$", (PAGES / "README.md").read_text(), re.M)
    named = {family: set(re.findall(r"`([^`]+)`", names)) for family, names in rows}

    assert named == {
        row.name: {name for name, profile in shipped().items() if profile.family == row.name}
        for row in FAMILIES
    }
