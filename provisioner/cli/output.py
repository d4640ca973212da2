"""Results on stdout as table, JSON or YAML; progress and remarks on stderr."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

import click

Format = Literal["table", "json", "yaml"]
Row = Mapping[str, Any]
_F = TypeVar("_F", bound=Callable[..., Any])
_COLOURS = {
    "installed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "up": "green",
    "down": "red",
    "PASS": "green",
    "WARN": "yellow",
    "FAIL": "red",
}
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """`value` reads a row; `right` aligns numbers."""

    title: str
    value: Callable[[Row], object]
    right: bool = False


def field(name: str, title: str = "", *, right: bool = False) -> Column:
    """The column of one key; its title is the key in capitals where none is given."""
    return Column(title or name.upper(), lambda row: row.get(name), right)


def output_option(function: _F) -> _F:
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "yaml"]),
        default="table",
        show_default=True,
        help="How the result is printed.",
    )(function)


def rows(items: Sequence[Row], columns: Sequence[Column], form: Format, *, empty: str) -> None:
    """Prints a list. As a table, `empty` is said on stderr where there is nothing to show."""
    if form != "table":
        document(list(items), form)
    elif items:
        click.echo(table(items, columns))
    else:
        remark(empty)


def pairs(item: Row, fields: Sequence[tuple[str, object]], form: Format) -> None:
    """Prints one thing: as a table its `fields`, else the whole `item`. Empty values are left out."""
    if form != "table":
        document(dict(item), form)
        return
    shown = [(name, _cell(value)) for name, value in fields if value not in (None, "", [], {})]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        head = click.style(name.ljust(width), dim=True)
        body = value.replace("\n", f"\n{' ' * (width + len(_GAP))}")
        click.echo(f"{head}{_GAP}{paint(body) if name == 'stage' else body}")


def document(value: object, form: Format) -> None:
    """Prints JSON or YAML."""
    if form == "yaml":
        from provisioner.cli.yaml import dump

        click.echo(dump(value), nl=False)
    else:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def table(items: Sequence[Row], columns: Sequence[Column]) -> str:
    """Aligned columns under a dim heading; the last column is not padded."""
    cells = [[_cell(column.value(item)) for column in columns] for item in items]
    heading = [column.title for column in columns]
    widths = [max(map(len, column)) for column in zip(heading, *cells, strict=True)]
    widths[-1] = 0 if not columns[-1].right else widths[-1]

    def line(values: Sequence[str], style: Callable[[str], str]) -> str:
        parts = [
            style(value.rjust(width) if column.right else value.ljust(width))
            for value, width, column in zip(values, widths, columns, strict=True)
        ]
        return _GAP.join(parts)

    dim = line(heading, lambda text: click.style(text, dim=True))
    return "\n".join([dim, *(line(values, paint) for values in cells)])


def paint(text: str) -> str:
    """A stage, state or verdict in its colour, anything else as it is."""
    colour = _COLOURS.get(text.strip())
    return click.style(text, fg=colour) if colour else text


def remark(text: str) -> None:
    """A line for the person at the terminal; nothing where stderr is no terminal."""
    if sys.stderr.isatty():
        click.echo(text, err=True)


def clock(text: str) -> str:
    """The time of day here, to the millisecond, of a moment in ISO 8601."""
    return datetime.fromisoformat(text).astimezone().strftime("%H:%M:%S.%f")[:-3]


def size(count: float) -> str:
    """Bytes as a person reads them: `812 B`, `97.3 MB`, `4.0 GB`."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"


def _cell(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case True:
            return "yes"
        case False:
            return "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(map(str, value)) or "-"
        case _:
            return str(value)
