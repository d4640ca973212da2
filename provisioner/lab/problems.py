"""What is wrong with a lab's file, collected: a person mends all of it in one go."""

from collections.abc import Iterable
from difflib import get_close_matches

from provisioner.core.errors import Invalid
from provisioner.core.lab import Place

_SHOWN = 40
"""Problems of a file, and names that are known."""


class Problems:
    """`source` is the file's name, which each problem begins with."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: dict[tuple[int, int], str] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, place: Place, text: str) -> None:
        """The first at a place is kept: what is wrong with a thing of twenty is wrong with all of them."""
        self._found.setdefault((place.line, place.column), text)

    def check(self) -> None:
        """Raises Invalid with a line for each problem, in the file's order."""
        if not self._found:
            return
        lines = [
            f"{self._source}:{line}:{column}: {text}" for (line, column), text in sorted(self._found.items())
        ]
        if len(lines) > _SHOWN:
            lines[_SHOWN:] = [f"and {len(lines) - _SHOWN} more"]
        raise Invalid("\n".join(lines), remedy=f"mend {self._source} and try again; nothing was changed")


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """That a word is not known, with the nearest that is, or the first of all."""
    names = list(known)
    near = get_close_matches(word, names, 1, 0.6)
    shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "") if names else "none"
    rest = f"did you mean {near[0]!r}?" if near else f"known are {shown}"
    return f"{what} {word[:80]!r} is not known; {rest}"
