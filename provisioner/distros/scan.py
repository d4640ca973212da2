"""What a line of a console or a log says is wrong: rules as data, `signs/*.toml`, one file per installer.

A file's rows are tried in their order. Each of a row's lines is a word, a pattern and an example: the pattern
is tried only where the word stands, so that a line which says nothing costs microseconds.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from provisioner.core.install import Stage
from provisioner.distros.detect import FAMILIES

Severity = Literal["fatal", "error", "warning"]
SEVERITIES: Final[tuple[Severity, ...]] = ("fatal", "error", "warning")
"""The install is over; a step failed, which mostly ends it; it may go on. The worst first."""
EVERYWHERE: Final = ("kernel", "firmware", "programs")
"""Files that every installer's lines are compared with, after its own."""
LONGEST: Final = 2048
"""Characters of a line that are looked at: half at its beginning, half at its end."""
_TERMINAL = re.compile(r"\x1b\[[0-9;?]{0,12}[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Sign:
    """`name` is the diagnosis. A `vague` one says that something broke, and not what."""

    name: str
    cause: str
    remedy: str
    severity: Severity
    stage: Stage
    vague: bool = False

    @property
    def rank(self) -> tuple[bool, int]:
        """The lower, the more it explains."""
        return self.vague, SEVERITIES.index(self.severity)


@dataclass(frozen=True, slots=True)
class Line:
    word: str
    pattern: re.Pattern[str]
    example: str


@dataclass(frozen=True, slots=True)
class Row:
    """`sign.cause` may hold `{groups}` of the patterns. `source` is where the texts are known from."""

    sign: Sign
    source: str
    lines: tuple[Line, ...]


def scan(line: str, installer: str = "") -> Sign | None:
    """What the line says is wrong, None for nothing that is known.

    `installer` is the name of a family; where it is "" or of no family, every file is looked through.
    """
    if len(line) > LONGEST:
        line = f"{line[: LONGEST // 2]}\n{line[-LONGEST // 2 :]}"
    if "\x1b" in line:
        line = _TERMINAL.sub("", line)
    for word, pattern, sign in _patterns(installer):
        if word in line and (match := pattern.search(line)):
            return _filled(sign, match)
    return None


@cache
def tables() -> Mapping[str, tuple[Row, ...]]:
    """Every file's rows, by its name without the ending."""
    folder = files("provisioner.distros") / "signs"
    names = (*EVERYWHERE, *dict.fromkeys(name for family in FAMILIES for name in family.signs()))
    return {name: _rows(tomllib.loads((folder / f"{name}.toml").read_text())) for name in names}


@cache
def _patterns(installer: str) -> tuple[tuple[str, re.Pattern[str], Sign], ...]:
    own = next((family.signs() for family in FAMILIES if family.name == installer), None)
    every = tables()
    chosen = own or tuple(name for name in every if name not in EVERYWHERE)
    return tuple(
        (line.word, line.pattern, row.sign)
        for name in (*chosen, *EVERYWHERE)
        for row in every[name]
        for line in row.lines
    )


def _rows(document: Mapping[str, list[dict[str, object]]]) -> tuple[Row, ...]:
    return tuple(_row(**row) for row in document["sign"])  # type: ignore[arg-type]


def _row(
    name: str,
    severity: Severity,
    stage: str,
    cause: str,
    remedy: str,
    source: str,
    lines: list[tuple[str, str, str]],
    vague: bool = False,
) -> Row:
    told = tuple(Line(word, re.compile(pattern), example) for word, pattern, example in lines)
    return Row(Sign(name, cause, remedy, severity, Stage(stage), vague), source, told)


def _filled(sign: Sign, match: re.Match[str]) -> Sign:
    if "{" not in sign.cause:
        return sign
    cause = sign.cause
    for name, value in match.groupdict(default="").items():
        cause = cause.replace(f"{{{name}}}", value.strip())
    return Sign(sign.name, cause, sign.remedy, sign.severity, sign.stage, sign.vague)
