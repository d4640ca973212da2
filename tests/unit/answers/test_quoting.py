"""Texts in each format: what comes back when its own reader has read them, and what no format holds."""

import json
import shlex
import subprocess
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.answers import quoting
from provisioner.answers.render import render
from provisioner.core.errors import Invalid
from tests.unit.answers.contexts import context

LINES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=40)
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(LINES)
def test_a_shell_and_a_kickstart_get_a_word_back(text: str) -> None:
    assert shlex.split(quoting.quote(text), comments=True) == [text]


@given(ANY)
def test_json_gets_a_text_back(text: str) -> None:
    assert json.loads(quoting.tojson(text)) == text


@given(LINES)
def test_xml_gets_a_text_back(text: str) -> None:
    tree = ElementTree.fromstring(f'<a b="{quoting.xml(text)}">{quoting.xml(text)}</a>')

    assert tree.text or text == ""
    assert tree.attrib["b"] == text


def test_what_a_reader_of_yaml_would_not_take_is_escaped() -> None:
    assert quoting.tojson("a\x7f\x85\u2028\ufeffé漢🐧'<&>") == '"a\\u007f\\u0085\\u2028\\ufeffé漢🐧\'<&>"'


def test_the_lines_of_a_script_are_written_as_they_are() -> None:
    script = "#!/bin/sh\n\necho 'a' \"b\" \\\n\t$c `d` %s \\n"
    done = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {quoting.lines(script)}"], capture_output=True, check=True, text=True
    )

    assert done.stdout == script + "\n"


REFUSED = {
    "{{ line('a\\nb') }}": "'a\\nb' holds a line break or control character, and is to be one line",
    "{{ preseed('a\\\\') }}": "'a\\\\' begins or ends with what a preseed file has no quotes for",
    "{{ preseed(' a') }}": "' a' begins or ends with what a preseed file has no quotes for",
    "{{ preseed('a\\nb') }}": "'a\\nb' holds a line break or control character, and is to be one line",
    "{{ section('a\\n %end b') }}": "line 2 of a script begins with %end, on which a kickstart's reader acts",
    "{{ section('%include /etc/passwd') }}": (
        "line 1 of a script begins with %include, on which a kickstart's reader acts"
    ),
    "{{ section('%ksappend http://x') }}": (
        "line 1 of a script begins with %ksappend, on which a kickstart's reader acts"
    ),
    "{{ xml('a\\x01') }}": "'a\\x01' holds '\\x01', which XML cannot",
    "{{ refuse('not today') }}": "not today",
    "{{ {'a': nobody} | tojson }}": "'nobody' is undefined",
    "{{ nobody | tojson }}": "'nobody' is undefined",
}


@pytest.mark.parametrize("template", REFUSED)
def test_what_a_format_cannot_hold_is_refused_with_its_line(template: str) -> None:
    with pytest.raises(Invalid) as refusal:
        render(f"x\n{template}\n", context("debian", "13"))

    assert str(refusal.value) == f"the template line 2: {REFUSED[template]}"
