"""Tables, YAML, TOML, sizes and seconds: what is printed for the same values."""

import json
import tomllib
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.cli import toml, yaml
from provisioner.cli.output import Column, field, pairs, size, table
from provisioner.cli.timeline import duration
from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import FOREIGN, GUEST, FakeService

ITEM: dict[str, Any] = {
    "name": "web1",
    "on": True,
    "port": 8080,
    "share": 0.5,
    "none": None,
    "odd key: x": 'a "quoted" \\ line\nand another',
    "empty": [],
    "nothing": {},
    "nested": {"list": [1, [2, 3], {"a": "b", "c": {}}], "text": "no"},
}
YAML = """\
name: "web1"
"on": true
port: 8080
share: 0.5
none: null
"odd key: x": "a \\"quoted\\" \\\\ line\\nand another"
empty: []
nothing: {}
nested:
  list:
    - 1
    - - 2
      - 3
    - a: "b"
      c: {}
  text: "no"
"""


def test_yaml_is_block_style_with_quoted_strings() -> None:
    assert yaml.dump(ITEM) == YAML
    assert yaml.dump([]) == "[]\n"
    assert yaml.dump([{"a": 1, "b": [2]}, {"c": "d"}]) == '- a: 1\n  b:\n    - 2\n- c: "d"\n'
    assert yaml.dump("\x7f\x85é\ufeff") == '"\\u007f\\u0085é\\ufeff"\n'


_SCALARS = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
_SAFE = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(_SAFE, st.one_of(_SCALARS, st.lists(_SAFE), st.dictionaries(_SAFE, _SAFE))))
def test_toml_is_read_back_as_it_was(item: dict[str, Any]) -> None:
    text = {key: value for key, value in item.items() if not _surrogate(value)}

    assert tomllib.loads(toml.dump(text)) == text


def _surrogate(value: object) -> bool:
    return isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)


VALUES = [
    ("4", 4),
    ("true", True),
    ('["a", "b"]', ["a", "b"]),
    ('"4"', "4"),
    ("UTC", "UTC"),
    ("a = b", "a = b"),
    ("1\nx = 2", "1\nx = 2"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_variables_are_taken_as_toml_where_they_are(text: str, value: object) -> None:
    assert toml.value(text) == value


SIZES = [
    (0, "0 B"),
    (999, "999 B"),
    (1000, "1.0 kB"),
    (97_300_000, "97.3 MB"),
    (4.2e9, "4.2 GB"),
    (2e12, "2.0 TB"),
]
SECONDS = [(0, "0.0 s"), (59.94, "59.9 s"), (65, "1 m 05 s"), (3725, "1 h 02 m")]


@pytest.mark.parametrize(("count", "text"), SIZES)
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(("seconds", "text"), SECONDS)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_table_aligns_numbers_to_the_right_and_pads_no_line_end() -> None:
    items = [{"name": "a", "n": 1, "x": None}, {"name": "long-name", "n": 1000, "x": ["p", "q"]}]

    shown = click.unstyle(table(items, (field("name"), field("n", right=True), field("x"))))

    assert shown.splitlines() == [
        "NAME          N  X",
        "a             1  -",
        "long-name  1000  p, q",
    ]


def test_colours_do_not_break_the_columns() -> None:
    items = [{"stage": "installed", "n": 1}, {"stage": "failed", "n": 2}]
    columns = (field("stage"), Column("N", lambda row: row["n"]))

    shown = table(items, columns)

    assert "\x1b[32m" in shown
    assert click.unstyle(shown).splitlines() == ["STAGE      N", "installed  1", "failed     2"]


def test_pairs_leave_out_what_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    pairs({}, [("name", "a"), ("reason", ""), ("lines", "one\ntwo"), ("on", False)], "table")

    assert capsys.readouterr().out == "name   a\nlines  one\n       two\non     no\n"


def test_all_shows_foreign_domains_as_untouched(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /guests": [GUEST, FOREIGN]}

    ran = provisioner("guest", "list", "--all")

    assert service.last().query == {"all": "1"}
    assert [line.rpartition("  ")[2] for line in ran.out.splitlines()] == [
        "OWNER",
        "provisioner",
        "foreign, untouched",
    ]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_json_and_yaml_hold_what_the_api_said(
    service: FakeService, provisioner: Provisioner, form: str
) -> None:
    service.replies = {"GET /guests": [GUEST]}

    ran = provisioner("guest", "list", "-o", form)

    expected = yaml.dump([GUEST]) if form == "yaml" else json.dumps([GUEST], indent=2) + "\n"
    assert ran.out == expected
