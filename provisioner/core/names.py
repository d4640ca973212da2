"""Several names in one word, as a shell's braces give them: `web{01..20}`, `{a,b}-{1..3}`."""

import re
from dataclasses import dataclass
from itertools import product
from math import prod

from provisioner.core.errors import Invalid

MOST = 1000
"""Names of one word."""
_GROUP = re.compile(r"\{(?:(\d{1,9})\.\.(\d{1,9})|([^{},]*(?:,[^{},]*)+))\}")


@dataclass(frozen=True, slots=True)
class Numbered:
    """`number` is that of the name's only range, where it has just one; else its place among all, from 1."""

    name: str
    number: int


def braces(word: str) -> list[Numbered]:
    """What the word stands for, in the order a shell writes it; itself where it has no braces. A range's
    first number tells by its zeros how wide all are. Raises Invalid for a range that falls, or too many.
    """
    groups = list(_GROUP.finditer(word))
    choices = [_range(word, found) if found[1] else found[3].split(",") for found in groups]
    if prod(map(len, choices)) > MOST:
        raise Invalid(f"{word} gives more than {MOST} names")
    pieces = _GROUP.split(word)[:: _GROUP.groups + 1]
    names = [
        "".join(text for pair in zip(pieces, (*chosen, ""), strict=True) for text in pair)
        for chosen in product(*choices)
    ]
    first = int(groups[0][1]) if len(groups) == 1 and groups[0][1] else 1
    return [Numbered(name, number) for number, name in enumerate(names, first)]


def expand(pattern: str, count: int = 1) -> list[str]:
    """`web{01..03}` gives web01, web02, web03; `web` with a `count` gives web1, web2, …; else just itself.

    Raises Invalid for a range that is none, or with a count that is another than the braces'.
    """
    if not 1 <= count <= MOST:
        raise Invalid(f"--count {count} is out of range; 1 to {MOST}")
    names = [one.name for one in braces(pattern)]
    if names == [pattern]:
        return names if count == 1 else [f"{pattern}{number}" for number in range(1, count + 1)]
    if count not in (1, len(names)):
        raise Invalid(f"{pattern} gives {len(names)} names, and --count asks for {count}")
    return names


def _range(word: str, found: re.Match[str]) -> list[str]:
    first, last, width = int(found[1]), int(found[2]), len(found[1])
    if last < first or last - first >= MOST:
        raise Invalid(f"{word}: the range {found[0]} must rise, by {MOST} at most")
    return [f"{number:0{width}}" for number in range(first, last + 1)]
