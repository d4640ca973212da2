"""One thing that a check has to say about an answer file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Finding:
    """`line` and `column` count from 1; 0 is not known. A `warning` is worth a look, and no refusal.

    `template` and `template_line` say what wrote that line, where the text was rendered.
    """

    line: int
    text: str
    column: int = 0
    warning: bool = False
    template: str = ""
    template_line: int = 0

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        origin = f" ({self.template} line {self.template_line})" if self.template else ""
        return f"line {self.line}{column}{origin}: {self.text}"


def errors(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Those for which the installer would stop, or do something else than was meant."""
    return (finding for finding in findings if not finding.warning)


def by_line(finding: Finding) -> tuple[int, int]:
    """The order in which a reader wants them."""
    return finding.line, finding.column


@dataclass(frozen=True, slots=True)
class Origins:
    """Which line of which template wrote each line of a text."""

    places: tuple[tuple[str, int], ...] = ()

    def of(self, line: int) -> tuple[str, int]:
        """Template and line, or `("", 0)` where that is not known."""
        return self.places[line - 1] if 0 < line <= len(self.places) else ("", 0)

    def told(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings with their places in the templates."""
        placed = [(finding, *self.of(finding.line)) for finding in findings]
        return [replace(found, template=name, template_line=line) for found, name, line in placed]
