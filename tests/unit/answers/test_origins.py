"""Which line of which template wrote a line of the text."""

import pytest

from provisioner.answers.finding import Finding, Origins
from provisioner.answers.lint import lint
from provisioner.answers.origins import origins
from provisioner.answers.render import render
from tests.unit.answers.contexts import KEYS, context

CONTEXT = context("rhel", "9", ssh_keys=KEYS, before="first\nsecond", variables={"n": 3})
HERE = "the template"
TEMPLATES: dict[str, list[tuple[str, int]]] = {
    "a\nb\n": [(HERE, 1), (HERE, 2)],
    "{# c #}\n{% if guest %}\na\n{% endif %}\nb\n": [(HERE, 3), (HERE, 5)],
    "a\n{% for key in ssh_keys %}\n\nkey {{ key }}\n{% endfor %}\nb\n": [
        *[(HERE, 1), (HERE, 3), (HERE, 4), (HERE, 3), (HERE, 4), (HERE, 6)],
    ],
    "{% if before %}\n{{ before }}\n{% endif %}\nb\n": [(HERE, 2), (HERE, 2), (HERE, 4)],
    "{% macro m(x) %}\nm {{ x }}\n{% endmacro %}\na\n{{ m(1) }}b\n": [(HERE, 4), (HERE, 2), (HERE, 5)],
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_line_has_its_place(template: str) -> None:
    text = render(template, CONTEXT)
    found = origins(template, CONTEXT, text)

    assert [found.of(number) for number, _ in enumerate(text.splitlines(), 1)] == TEMPLATES[template]


def test_an_included_file_is_named() -> None:
    template = 'text\n{% include "rhel/ks.cfg.j2" %}\nnonsense\n'
    text = render(template, CONTEXT)
    places = origins(template, CONTEXT, text).places
    files = {name for name, _ in places}

    assert "rhel/ks.cfg.j2" in files
    assert places[text.splitlines().index("text", 1)][0] == "rhel/ks.cfg.j2"
    (finding,) = (
        row
        for row in origins(template, CONTEXT, text).told(lint(text, "rhel", "9"))
        if "nonsense" in row.text
    )
    assert (finding.template, finding.template_line) == (HERE, 3)
    assert str(finding).startswith(f"line {finding.line} (the template line 3): Unknown command: nonsense")


def test_where_the_marks_change_the_text_nothing_is_claimed() -> None:
    template = "{% set x %}abc{% endset %}\n{{ x | length }}\n"

    assert origins(template, CONTEXT, render(template, CONTEXT)) == Origins()


def test_a_line_that_is_not_known_has_no_place() -> None:
    assert Origins().told([Finding(3, "x")]) == [Finding(3, "x")]
    assert Origins((("a", 1),)).of(0) == ("", 0)
