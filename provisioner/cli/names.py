"""Several names in one word: `web{01..20}` as a shell's braces give them, or a count."""

import re
from collections.abc import Sequence

import click

from provisioner.core.errors import Invalid
from provisioner.core.machine import check_name

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_MOST = 1000


def several(words: Sequence[str], count: int = 1) -> list[str]:
    """The guests' names that the words of a command line mean. Raises UsageError."""
    if not words:
        raise click.UsageError("no guest is named: give its NAME")
    if count > 1 and len(words) > 1:
        raise click.UsageError("--count is for one name")
    try:
        names = [check_name(name, "guest name") for word in words for name in expand(word, count)]
    except Invalid as error:
        raise click.UsageError(str(error)) from None
    if len(set(names)) < len(names):
        raise click.UsageError("a guest is named twice")
    return names


def expand(pattern: str, count: int = 1) -> list[str]:
    """`web{01..03}` gives web01, web02, web03; `web` with a `count` gives web1, web2, …; else just itself.

    Raises Invalid for a range that is none, or with a count that is another than the range's.
    """
    found = _RANGE.search(pattern)
    if found is None:
        if not 1 <= count <= _MOST:
            raise Invalid(f"--count {count} is out of range; 1 to {_MOST}")
        return [pattern] if count == 1 else [f"{pattern}{number}" for number in range(1, count + 1)]
    first, last = int(found[1]), int(found[2])
    if last < first or last - first >= _MOST:
        raise Invalid(f"{pattern}: the range {found[0]} must rise, by {_MOST} at most")
    width = len(found[1])
    names = [pattern.replace(found[0], f"{number:0{width}}", 1) for number in range(first, last + 1)]
    if count not in (1, len(names)):
        raise Invalid(f"{pattern} gives {len(names)} names, and --count asks for {count}")
    return names
