"""A lab's file on its way to the service, and a plan as a person reads it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from provisioner.core.errors import Invalid

WAITING = 3
"""The exit code of changes that wait."""
_MARKS = {
    "add": ("+", "green"),
    "change": ("~", "yellow"),
    "replace": ("±", "red"),
    "remove": ("-", "red"),
    "refuse": ("!", "red"),
    "gone": (".", None),
    "unknown": ("?", "yellow"),
    "keep": (" ", None),
}
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}

file_argument = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
prune_option = click.option(
    "--prune", is_flag=True, help="Also remove what a former apply of this lab made and the file lacks now."
)


def text_of(file: Path) -> bytes:
    """The file, or what comes on stdin for `-`. Raises Invalid."""
    if str(file) == "-":
        return sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read().encode()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from error


def params(file: Path, **flags: bool) -> dict[str, str]:
    """What goes with the file: its name, and the flags that are set."""
    name = "stdin" if str(file) == "-" else str(file)
    return {"source": name, **{key: "1" for key, on in flags.items() if on}}


def lines(plan: Mapping[str, Any]) -> Iterator[str]:
    """A line for each thing that changes or is to be told of, with what differs below it; then the sum."""
    for change in plan["changes"]:
        yield from _change(change)
    yield summary(plan["counts"])


def summary(counts: Mapping[str, int]) -> str:
    """`3 to add, 1 to change, 0 to replace, 16 unchanged, 2 would go with --prune`."""
    told = [f"{counts['add']} to add", f"{counts['change']} to change", f"{counts['replace']} to replace"]
    told += [f"{counts['remove']} to remove"] if counts["remove"] else []
    return ", ".join([*told, left_alone(counts)])


def left_alone(counts: Mapping[str, int]) -> str:
    """`16 unchanged, 2 would go with --prune`."""
    told = [f"{counts['keep']} unchanged"]
    told += [f"{counts['gone']} would go with --prune"] if counts["gone"] else []
    told += [f"{counts['refuse']} refused"] if counts["refuse"] else []
    told += [f"{counts['unknown']} not known"] if counts["unknown"] else []
    return ", ".join(told)


def called(change: Mapping[str, Any]) -> str:
    """`guest web1`, `network lab on rack1`."""
    return f"{change['kind']} {change['name']}" + (f" on {change['host']}" if change["host"] else "")


def _change(change: Mapping[str, Any]) -> Iterator[str]:
    mark, colour = _MARKS[change["action"]]
    if change["action"] == "keep" and not change["reason"]:
        return
    reason = "; ".join(filter(None, (change["held"], change["reason"])))
    reason = reason if change["held"] != change["reason"] else change["held"]
    if change["action"] == "replace":
        reason += "; its disk is lost" if change["kind"] == "guest" else ""
    told = f"{mark} {called(change)}" + (f"  ({reason})" if reason else "")
    yield click.style(told, fg=colour) if colour else told
    for one in change["differences"]:
        yield f"    {one['path']}: {_value(one['old'])} → {_value(one['new'])}"
    for line in change["diff"].splitlines():
        colour = _COLOURS.get(line[:1])
        yield f"      {click.style(line, fg=colour) if colour else line}"


def _value(text: str) -> str:
    if not text:
        return "nothing"
    first, _, rest = text.partition("\n")
    return f"{first} …" if rest else first


def lost(plan: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The changes by which something is lost."""
    return [one for one in plan["changes"] if one["action"] in ("replace", "remove") and not one["held"]]
