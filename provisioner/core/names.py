"""Several names in one word: `web{01..20}` as a shell's braces give them, or a count."""

import re

from provisioner.core.errors import Invalid

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
MOST = 1000
"""Names that one word may stand for."""


def expand(pattern: str, count: int = 1) -> list[str]:
    """`web{01..03}` gives web01, web02, web03; `web` with a `count` gives web1, web2, …; else just itself.

    Raises Invalid for a range that is none, or with a count that is another than the range's.
    """
    found = _RANGE.search(pattern)
    if found is None:
        if not 1 <= count <= MOST:
            raise Invalid(f"--count {count} is out of range; 1 to {MOST}")
        return [pattern] if count == 1 else [f"{pattern}{number}" for number in range(1, count + 1)]
    first, last = int(found[1]), int(found[2])
    if last < first or last - first >= MOST:
        raise Invalid(f"{pattern}: the range {found[0]} must rise, by {MOST} at most")
    width = len(found[1])
    names = [pattern.replace(found[0], f"{number:0{width}}", 1) for number in range(first, last + 1)]
    if count not in (1, len(names)):
        raise Invalid(f"{pattern} gives {len(names)} names, and --count asks for {count}")
    return names
